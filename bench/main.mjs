/**
 * The benchmark: node bench/main.mjs [--quick] [--portkey] [--profile] [--workers] [--only SCENARIO]... See README.md.
 */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { LISTING } from './answers.mjs'
import { tellUpstream } from './client.mjs'
import { Comparison } from './comparison.mjs'
import { Bench } from './measure.mjs'
import { killAll, PINNING, pinProcesses, start } from './processes.mjs'
import { profile } from './profile.mjs'
import { toCapacity, toTable } from './report.mjs'
import { ROWS, WORKER_ROWS } from './rows.mjs'
import { toGroups } from './scenarios.mjs'
import { availableServers } from './servers.mjs'

/** How long and how often; a whole run takes less than half an hour, a quick one less than a minute. */
const FULL = { generations: 3, rounds: 2, pacedRounds: 6, warmUpRequests: 20_000, seconds: 2, pacedSeconds: 6, pacedChunks: 150, starts: 7, memoryRounds: 3, requests: 100_000, memorySeconds: 30, openSeconds: 5, profileSeconds: 10, limitMinutes: 45 }
const QUICK = { generations: 1, rounds: 1, pacedRounds: 1, warmUpRequests: 3_000, seconds: 0.25, pacedSeconds: 0.75, pacedChunks: 25, starts: 2, memoryRounds: 1, requests: 5_000, memorySeconds: 2, openSeconds: 2, profileSeconds: 3, limitMinutes: 5 }

const { values: flags } = parseArgs({ options: { quick: { type: 'boolean' }, portkey: { type: 'boolean' }, profile: { type: 'boolean' }, workers: { type: 'boolean' }, only: { type: 'string', multiple: true } } })
const plan = flags.quick ? QUICK : FULL
const directory = mkdtempSync(join(tmpdir(), 'workers-ai-proxy-bench-'))

process.on('exit', () => {
  killAll()
  rmSync(directory, { recursive: true, force: true, maxRetries: 3 })
})
process.on('SIGINT', () => process.exit(130))
process.on('SIGTERM', () => process.exit(143))
setTimeout(() => {
  process.stderr.write(`\nNot done after ${plan.limitMinutes} minutes.\n`)
  process.exit(1)
}, plan.limitMinutes * 60_000)

if (process.platform !== 'linux') throw new Error('What a process costs is read from /proc, so this needs Linux.')
// A server on one core alone could not show what a second one is good for.
if (!flags.workers) pinProcesses()
const upstream = await startUpstream()
const bench = new Bench({ upstreamPort: upstream.port, directory })
const only = flags.workers ? ['plain', 'streamed'] : flags.only
const groups = toGroups(plan).map(group => group.filter(({ name }) => only?.includes(name) ?? true)).filter(group => group.length > 0)
await tellUpstream(upstream.port, 'GET', LISTING)

if (flags.profile) {
  for (const [scenario] of flags.only ? groups : groups.slice(0, 2)) process.stdout.write(`${await profile(bench, scenario, plan.profileSeconds)}\n\n`)
} else {
  await compare()
}
process.exit()

async function compare () {
  /** @type {import('./servers.mjs').ServerName[]} */
  const names = flags.workers ? ['ours', 'ours, 2 workers'] : availableServers({ portkey: flags.portkey === true })
  const comparison = new Comparison(bench, only ? { ...plan, starts: 0, memoryRounds: 0 } : plan, tellProgress)
  await comparison.run(names, groups)
  tellProgress('')
  const { results, notes } = comparison
  process.stdout.write(`${toHeader()}\n\n${toCapacity(results)}\n\n${toTable(results, names, flags.workers ? WORKER_ROWS : ROWS)}\n\n${[...notes].map(note => `* ${note}\n`).join('')}`)
}

function toHeader () {
  const load = loadavg()[0] ?? 0
  return [
    `Node ${process.version}, ${cpus()[0]?.model ?? 'unknown CPU'} × ${cpus().length}, ${flags.workers ? 'no process pinned' : PINNING}, ${upstream.kind}.`,
    `Rounds: ${plan.rounds} (paced: ${plan.pacedRounds}) by each of ${plan.generations} generations${flags.quick ? ' (--quick: too short for figures to be quoted)' : ''}; ${new Date().toISOString().slice(0, 10)}; load average ${load.toFixed(1)} at the end.`
  ].join(' ')
}

/** @param {string} text */
function tellProgress (text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${text}`)
}

/** Starts the upstream in C where there is a compiler, else in JavaScript. */
async function startUpstream () {
  const binary = join(directory, 'upstream')
  const source = fileURLToPath(new URL('native/upstream.c', import.meta.url))
  const isNative = spawnSync('cc', ['-O2', '-o', binary, source], { stdio: 'inherit' }).status === 0
  const command = isNative ? [binary] : [process.execPath, fileURLToPath(new URL('upstream.mjs', import.meta.url))]
  const child = start(command, { on: 'others', stdio: ['ignore', 'pipe', 'inherit'] })
  const [port] = await once(/** @type {import('node:stream').Readable} */ (child.stdout), 'data')
  return { port: Number(port), kind: isNative ? 'upstream in C' : 'upstream in JavaScript (no C compiler)' }
}
