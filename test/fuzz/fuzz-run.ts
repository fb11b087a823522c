import { readFileSync } from 'node:fs'
import t from 'tap'
import { fuzz, replay } from './fuzz.ts'

// Run by main.mjs, which reads the flags.
const { FUZZ_MINUTES, FUZZ_SEED, FUZZ_CASE } = process.env

if (FUZZ_CASE !== undefined) t.test(`the case ${FUZZ_CASE}`, t => replay(t, JSON.parse(readFileSync(FUZZ_CASE, 'utf8')), 10))
else t.test('random requests, answers and faults', t => fuzz(t, { minutes: Number(FUZZ_MINUTES), seed: Number(FUZZ_SEED) }))
