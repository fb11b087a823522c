/**
 * The benchmark: node bench/main.mjs [--quick] [--portkey] [--profile]. See README.md.
 */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { LISTING } from './answers.mjs'
import { complaint } from './check.mjs'
import { tellUpstream } from './client.mjs'
import { Bench } from './measure.mjs'
import { killAll, leaveServersCore, PINNING, start } from './processes.mjs'
import { profile } from './profile.mjs'
import { toCapacity, toTable } from './report.mjs'
import { plain, toGroups } from './scenarios.mjs'
import { availableServers } from './servers.mjs'

/** How long and how often; a whole run takes a quarter of an hour, a quick one less than a minute. */
const FULL = { rounds: 5, seconds: 3, pacedSeconds: 8, pacedChunks: 150, starts: 7, memoryRounds: 3, requests: 100_000, memorySeconds: 60, openSeconds: 5, profileSeconds: 10, limitMinutes: 45 }
const QUICK = { rounds: 2, seconds: 0.25, pacedSeconds: 1, pacedChunks: 50, starts: 2, memoryRounds: 1, requests: 10_000, memorySeconds: 3, openSeconds: 2, profileSeconds: 3, limitMinutes: 3 }

const { values: flags } = parseArgs({ options: { quick: { type: 'boolean' }, portkey: { type: 'boolean' }, profile: { type: 'boolean' } } })
const plan = flags.quick ? QUICK : FULL
const directory = mkdtempSync(join(tmpdir(), 'workers-ai-proxy-bench-'))

process.on('exit', () => {
  killAll()
  rmSync(directory, { recursive: true, force: true })
})
process.on('SIGINT', () => process.exit(130))
process.on('SIGTERM', () => process.exit(143))
setTimeout(() => {
  process.stderr.write(`\nNot done after ${plan.limitMinutes} minutes.\n`)
  process.exit(1)
}, plan.limitMinutes * 60_000)

if (process.platform !== 'linux') throw new Error('What a process costs is read from /proc, so this needs Linux.')
leaveServersCore()
const upstream = await startUpstream()
const bench = new Bench({ upstreamPort: upstream.port, directory })
const groups = toGroups(plan)
const plainScenario = plain('plain')
await tellUpstream(upstream.port, 'GET', LISTING)

if (flags.profile) {
  for (const name of ['plain', 'streamed']) {
    const scenario = groups.flat().find(scenario => scenario.name === name) ?? plainScenario
    process.stdout.write(`${await profile(bench, plainScenario, scenario, plan.profileSeconds)}\n\n`)
  }
} else {
  await compare()
}
process.exit()

async function compare () {
  const names = availableServers({ portkey: flags.portkey === true })
  /** @type {string[]} */
  const notes = []
  /** @type {import('./report.mjs').Results} */
  const results = {}
  const add = (/** @type {string} */ scenario, /** @type {string} */ server, /** @type {import('./measure.mjs').Figures} */ figures) => {
    ((results[scenario] ??= {})[server] ??= []).push(figures)
  }
  await bench.play(plainScenario)
  const servers = await Promise.all(names.map(name => bench.startServer(name, plainScenario)))

  for (const group of groups) {
    const lanes = []
    for (const scenario of group) {
      await bench.play(scenario)
      for (const server of [bench.upstream, ...servers].filter(({ name }) => name === 'ours' || !scenario.oursOnly)) {
        const trouble = await complaint(server, scenario)
        if (trouble === undefined) lanes.push({ server, scenario })
        else notes.push(`${server.name}, ${scenario.name}: not measured, because it ${trouble}`)
      }
    }
    for (let round = 0; round <= plan.rounds; round++) {
      for (const { server, scenario } of lanes) {
        const isWarmUp = round === 0
        tellProgress(`${scenario.name}: ${server.name}, ${isWarmUp ? 'warm-up' : `round ${round} of ${plan.rounds}`}`)
        await bench.play(scenario)
        const figures = await bench.measure(server, scenario, toLimits(scenario, isWarmUp))
        if (isWarmUp) continue
        add(scenario.name, server.name, figures)
        if (figures.failures > 0) notes.push(`${server.name}, ${scenario.name}: ${figures.failures} answers failed in round ${round}, ${figures.answers} did not`)
      }
    }
  }
  await Promise.all(servers.map(server => server.stop()))

  for (let round = 0; round < plan.starts; round++) {
    for (const name of names) add('cold start', name, await bench.measureStart(name, plainScenario))
  }
  for (let round = 0; round < plan.memoryRounds; round++) {
    for (const name of names) {
      tellProgress(`memory: ${name}`)
      const canStream = results.paced?.[name] !== undefined
      const figures = await bench.measureMemory(name, plainScenario, { requests: plan.requests, openSeconds: plan.openSeconds, seconds: plan.memorySeconds, canStream })
      add('memory', name, figures)
      if (figures.answers < plan.requests) notes.push(`${name}, RSS after many requests: only ${figures.answers} of ${plan.requests} in ${plan.memorySeconds} s`)
    }
  }
  tellProgress('')
  process.stdout.write(`${toHeader()}\n\n${toCapacity(results)}\n\n${toTable(results, names)}\n${notes.map(note => `\n* ${note}`).join('')}\n`)
}

/** @param {import('./scenarios.mjs').Scenario} scenario @param {boolean} isWarmUp */
function toLimits ({ isPaced, answer }, isWarmUp) {
  if (!isPaced) return { seconds: isWarmUp ? plan.seconds / 2 : plan.seconds }
  // Streams that begin one after the other do not all wait for their first token at the same time.
  return { seconds: isWarmUp ? 0.5 : plan.pacedSeconds, rampMs: answer.chunks * answer.paceUs / 1_000 * (isWarmUp ? 0.2 : 1) }
}

function toHeader () {
  const load = loadavg()[0] ?? 0
  return [
    `Node ${process.version}, ${cpus()[0]?.model ?? 'unknown CPU'} × ${availableParallelism()}, ${PINNING}, ${upstream.kind}.`,
    `${plan.rounds} rounds${flags.quick ? ' (--quick: too short for figures to be quoted)' : ''}; ${new Date().toISOString().slice(0, 10)}; load average ${load.toFixed(1)} at the end.`
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
