import { mkdirSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { startBuiltServer, type BuiltServer, type Vitals } from '../servers/built-server.ts'
import { startRawUpstream, type RawUpstream } from '../servers/raw-upstream.ts'
import { API_TOKEN } from '../servers/start-proxy.ts'
import { KEYS, toBatch, toSteps, type Batch } from './batch.ts'
import { play } from './client.ts'

export interface FuzzOptions {
  /** For how long; what is under way is ended. */
  minutes: number
  /** A whole number from 0 to 2^31 - 1; the same leads to the same requests. */
  seed: number
}

/** A batch that went wrong, kept with the settings of the server it was put to. */
export interface Case {
  about: string
  env: Record<string, string>
  batch: Batch
}

/** Batches that one server gets before it is asked whether anything is left behind. */
const BATCHES_A_LIFE = 60
/** Batches that are under way at the same time. */
const AT_ONCE = 4
/** What a server may hold more after its life than after its first batches; caches and compiled code are a part of it. */
const MAX_HEAP_GROWTH = 24 * 1_048_576
/** /health is slower where the machine is busy with other work; longer than this something holds the event loop up. */
const MAX_HEALTH_MS = 5_000

/** Where cases are kept. */
export const CASES = new URL('cases/', import.meta.url)

const IMPATIENT = {
  MAX_RETRIES: '1',
  UPSTREAM_HEADERS_TIMEOUT_MS: '1000',
  UPSTREAM_IDLE_TIMEOUT_MS: '1000',
  LOG_LEVEL: 'debug'
}

/** Each life has other settings: what is shared between callers differs with them. */
const SETTINGS: Array<Record<string, string>> = [
  {},
  { API_KEYS: `one:${KEYS[0]},two:${KEYS[1]}` },
  { AUTH_MODE: 'passthrough' },
  { MAX_STREAMS: '4', API_KEYS: KEYS.join() },
  { BODY_LIMIT_BYTES: '2048', STORE_MAX_BYTES: '20000' },
  { WORKERS: '2' }
]

/**
 * Puts random requests of random clients to the built server in front of an upstream that answers at random, one server
 * after the other. Prints each life's seed; what goes wrong is kept as a case.
 */
export async function fuzz (t: Test, { minutes, seed }: FuzzOptions): Promise<void> {
  const until = Date.now() + minutes * 60_000
  let [batches, requests, slowestMs] = [0, 0, 0]
  for (let life = 0; Date.now() < until; life++) {
    const env = { ...IMPATIENT, ...SETTINGS[life % SETTINGS.length] }
    const first = seed + life * BATCHES_A_LIFE
    t.comment(`seed ${first}: ${JSON.stringify(SETTINGS[life % SETTINGS.length])}`)
    const ended = await live(t, env, { first, until })
    batches += ended.batches
    requests += ended.requests
    slowestMs = Math.max(slowestMs, ended.slowestMs)
    for (const { about, batch } of ended.wrong) keep({ about, env, batch })
    t.strictSame(ended.wrong.map(({ about }) => about), [], `seed ${first}: every answer is one OpenAI could have sent, and nothing is left behind`)
  }
  t.comment(`${requests} requests in ${batches} batches, /health in ${slowestMs.toFixed(0)} ms at most`)
}

/** Puts a kept case to a server of its own, a few times: what goes wrong may need luck. */
export async function replay (t: Test, { env, batch }: Case, times = 3): Promise<void> {
  const { server, serve, upstream } = await start(t, env)
  const wrong: string[] = []
  for (let count = 0; count < times; count++) wrong.push(...await run(server, batch, serve))
  wrong.push(...await faultsOfEnd(server, upstream))
  t.strictSame(wrong, [])
}

interface Life {
  batches: number
  requests: number
  slowestMs: number
  wrong: Array<{ about: string, batch: Batch }>
}

async function live (t: Test, env: Record<string, string>, { first, until }: { first: number, until: number }): Promise<Life> {
  const { server, serve, upstream } = await start(t, env)
  const life: Life = { batches: 0, requests: 0, slowestMs: 0, wrong: [] }
  const over = new AbortController()
  const health = slowestHealth(server, over.signal)
  let before: Vitals | undefined
  let next = first
  const last = first + BATCHES_A_LIFE
  const some = async (end: number) => {
    while (next < end && Date.now() < until && server.child.exitCode === null) {
      const seed = next++
      const batch = toBatch(seed)
      const wrong = await run(server, batch, serve)
      life.batches++
      life.requests += batch.scenarios.length
      if (wrong.length > 0) life.wrong.push({ about: `seed ${seed}: ${wrong.join('; ')}`, batch })
    }
  }
  const round = (end: number) => Promise.all(Array.from({ length: AT_ONCE }, () => some(end)))
  const hasWorkers = 'WORKERS' in env
  await round(first + BATCHES_A_LIFE / 3)
  if (!hasWorkers && server.child.exitCode === null) before = await restingVitals(server, upstream)
  await round(last)
  over.abort()
  life.slowestMs = await health
  const faults = await faultsOfEnd(server, upstream, before)
  if (life.slowestMs > MAX_HEALTH_MS) faults.push(`/health took ${life.slowestMs.toFixed(0)} ms`)
  if (faults.length > 0) life.wrong.push({ about: `the life of seeds ${first} to ${next - 1}: ${faults.join('; ')}`, batch: toBatch(first) })
  return life
}

/** What is served by turns: the scripts of the batches that are under way. */
type Serve = (batch: Batch) => () => void

async function start (t: Test, env: Record<string, string>): Promise<{ server: BuiltServer, serve: Serve, upstream: RawUpstream }> {
  const serving = new Set<Batch>()
  const upstream = await startRawUpstream(t, (_, count) => {
    const scripts = [...serving].flatMap(batch => batch.scripts)
    return scripts.length === 0 ? ['RESET'] : toSteps(scripts[count % scripts.length] ?? [])
  })
  const server = await startBuiltServer(t, { CLOUDFLARE_API_BASE_URL: upstream.url, ...env })
  const serve: Serve = batch => {
    serving.add(batch)
    return () => { serving.delete(batch) }
  }
  return { server, serve, upstream }
}

async function run (server: BuiltServer, batch: Batch, serve: Serve): Promise<string[]> {
  const leave = serve(batch)
  try {
    const faults = await Promise.all(batch.scenarios.map(scenario => play(server, scenario)))
    return faults.flatMap((some, index) => some.map(fault => `request ${index}: ${fault.slice(0, 600)}`))
  } finally {
    leave()
  }
}

/** What is wrong with a server at the end of its life: what it has logged, what it holds, and how it ends. */
async function faultsOfEnd (server: BuiltServer, upstream: RawUpstream, before?: Vitals): Promise<string[]> {
  const faults: string[] = []
  if (server.child.exitCode !== null) return [`the process ended with ${server.child.exitCode}: ${server.stderr()}${server.stdout().slice(-2_000)}`]
  if (before !== undefined) {
    const after = await restingVitals(server, upstream)
    const { open_answers: open } = await (await fetch(`${server.url}/readyz?verbose`)).json() as { open_answers?: number }
    if (open !== 0) faults.push(`${open} answers are still open`)
    if (after.sockets > 1) faults.push(`${after.sockets} sockets are left`)
    if (after.timers > before.timers) faults.push(`${after.timers} timers, ${before.timers} before`)
    if (after.descriptors > before.descriptors) faults.push(`${after.descriptors} descriptors, ${before.descriptors} before`)
    if (after.heapUsed - before.heapUsed > MAX_HEAP_GROWTH) faults.push(`the heap grew from ${before.heapUsed} to ${after.heapUsed} bytes`)
  }
  server.child.kill('SIGTERM')
  const code = await Promise.race([server.ended, sleep(35_000, 'not at all', { ref: false })])
  if (code !== 0) faults.push(`SIGTERM ended it with ${code}`)
  // The last lines are written at the end.
  const bugs = server.lines().filter(({ level }) => Number(level) >= 50)
  if (bugs.length > 0) faults.push(`logged as a bug: ${JSON.stringify(bugs.slice(0, 3))}`)
  for (const secret of [API_TOKEN, ...KEYS]) if (server.stdout().includes(secret)) faults.push('a secret is in the log')
  if (server.stderr() !== '') faults.push(`it complained: ${server.stderr()}`)
  return faults
}

async function restingVitals (server: BuiltServer, upstream: RawUpstream): Promise<Vitals> {
  upstream.hangUp()
  for (let tries = 0; tries < 40 && (await server.vitals()).sockets > 0; tries++) await sleep(250)
  // Timers that a closed connection leaves behind run out.
  await sleep(1_500)
  return server.vitals()
}

/** Milliseconds. */
async function slowestHealth ({ url }: BuiltServer, signal: AbortSignal): Promise<number> {
  let slowest = 0
  while (!signal.aborted) {
    const startedAt = performance.now()
    try {
      await (await fetch(`${url}/health`)).text()
    } catch {
      return slowest // it has ended, which is told elsewhere
    }
    slowest = Math.max(slowest, performance.now() - startedAt)
    await sleep(100)
  }
  return slowest
}

function keep (one: Case): void {
  mkdirSync(CASES, { recursive: true })
  const [name = 'case'] = /\d+/.exec(one.about) ?? []
  writeFileSync(new URL(`${name}.json`, CASES), `${JSON.stringify(one, null, 2)}\n`)
}
