/**
 * `npm run fuzz -- --minutes 30`: random requests, clients, answers and faults against the built server. Each life of a
 * server prints its seed; what goes wrong is kept in test/fuzz/cases/, to be replayed by `--case FILE` and by the tests.
 */
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '5' }, seed: { type: 'string' }, case: { type: 'string' } } })
const minutes = Number(values.minutes)
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 30))
if (!(minutes > 0) || !Number.isInteger(seed)) {
  console.error('usage: npm run fuzz -- [--minutes N] [--seed N] [--case FILE]')
  process.exit(2)
}
const { status } = spawnSync('npx', ['tap', 'run', '--disable-coverage', `--timeout=${Math.ceil(minutes * 60) + 300}`, fileURLToPath(new URL('fuzz-run.ts', import.meta.url))], {
  stdio: 'inherit',
  env: { ...process.env, FUZZ_MINUTES: String(minutes), FUZZ_SEED: String(seed), ...(values.case !== undefined && { FUZZ_CASE: resolve(values.case) }) }
})
process.exitCode = status ?? 1
