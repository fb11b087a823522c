import { existsSync, readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { CASES, fuzz, replay } from '../fuzz/fuzz.ts'

// With nothing beside it: it does what it can in half a minute.

// `npm run fuzz` does this with other seeds and for longer.
t.test('random requests, answers and faults', t => fuzz(t, { minutes: 0.5, seed: 1 }))

const cases = existsSync(CASES) ? readdirSync(CASES).filter(file => file.endsWith('.json')) : []
for (const file of cases) {
  t.test(`what once went wrong: ${file}`, t => replay(t, JSON.parse(readFileSync(new URL(file, CASES), 'utf8'))))
}
