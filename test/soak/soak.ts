import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { Agent, getGlobalDispatcher, setGlobalDispatcher } from 'undici'
import { startBuiltServer, type BuiltServer, type Vitals } from '../servers/built-server.ts'
import { startRawUpstream, type Asked, type RawUpstream } from '../servers/raw-upstream.ts'
import { someAtOnce } from '../faults/some-at-once.ts'
import { BODY_LIMIT_BYTES, FIRST, SCENARIOS, LONG_SCENARIOS, SECOND, type Scenario } from './scenarios.ts'

const MEBIBYTE = 1_048_576

export interface SoakOptions {
  requests: number
  /** Requests before the first look at the server, which have it load and compile what it needs. */
  warmUp: number
  /** Long scenarios that are asked for beside all others. */
  beside: string[]
  /** Whether idle connections to Cloudflare are left to end by themselves, which takes half a minute, twice. */
  isPatient: boolean
}

interface Round {
  counts: Record<string, number>
  wrong: string[]
  ms: number
}

const ALL_SCENARIOS: Record<string, Scenario> = { ...SCENARIOS, ...LONG_SCENARIOS }

/**
 * Has the built server answer requests of every scenario, and checks each answer. Afterwards it must have what it had
 * before: no more memory, sockets, timers and descriptors.
 */
export async function soak (t: Test, { requests, warmUp, beside, isPatient }: SoakOptions): Promise<void> {
  // The server would let clients keep an idle connection for longer than anybody wants to watch.
  const clients = getGlobalDispatcher()
  setGlobalDispatcher(new Agent({ keepAliveTimeout: 1_000, keepAliveMaxTimeout: 1_000 }))
  t.teardown(() => setGlobalDispatcher(clients))

  const runs = new Map<string, Asked[]>()
  const evil = await startRawUpstream(t, asked => {
    const [word = '', scenario = ''] = /soak-([a-z_]+)-\d+/.exec(asked.body) ?? []
    const known = runs.get(word) ?? []
    runs.set(word, known)
    return ALL_SCENARIOS[scenario]?.upstream?.(asked, word, known.push(asked)) ?? ['RESET']
  })
  const server = await startBuiltServer(t, {
    CLOUDFLARE_API_BASE_URL: evil.url,
    BODY_LIMIT_BYTES: String(BODY_LIMIT_BYTES),
    MAX_RETRIES: '1',
    UPSTREAM_IDLE_TIMEOUT_MS: '5000',
    MODEL_FALLBACKS: JSON.stringify({ [FIRST]: [SECOND] }),
    STORE_MAX_BYTES: '500000'
  })

  async function round (name: string, schedule: string[], beside: string[]): Promise<Round> {
    const startedAt = performance.now()
    const [counts, wrong]: [Record<string, number>, string[]] = [{}, []]
    const one = async (scenario: string, index: number) => {
      const word = `soak-${scenario}-${name}${index}`
      counts[scenario] = (counts[scenario] ?? 0) + 1
      try {
        await ALL_SCENARIOS[scenario]?.ask({ ...server, word, runs: () => runs.get(word) ?? [] })
      } catch (error) {
        wrong.push(`${word}: ${error instanceof Error ? error.message : String(error)}`)
      }
      runs.delete(word)
    }
    await Promise.all([someAtOnce(32, schedule, one), ...beside.map(one)])
    return { counts, wrong, ms: performance.now() - startedAt }
  }

  const first = await round('1', toSchedule(warmUp), [])
  t.strictSame(first.wrong, [], 'all is well in the beginning')
  const before = await restingVitals(server, evil, isPatient)
  const over = new AbortController()
  const health = slowestHealth(server, over.signal)
  const { counts, wrong, ms } = await round('2', toSchedule(requests), beside)
  over.abort()
  const slowest = await health
  const { maxDelayMs, peakRss } = await server.vitals()
  const after = await restingVitals(server, evil, isPatient)

  const asked = Object.values(counts).reduce((sum, count) => sum + count, 0)
  t.comment(`${asked} requests of ${Object.keys(counts).length} scenarios in ${(ms / 1_000).toFixed(0)} s: ${Object.entries(counts).map(([scenario, count]) => `${scenario} ${count}`).join(', ')}`)
  t.comment(`wrong answers ${wrong.length}; /health in ${slowest.toFixed(0)} ms at most, event loop held up ${maxDelayMs.toFixed(0)} ms at most`)
  t.comment(`RSS ${toMebibytes(before.rss)} → ${toMebibytes(after.rss)} MiB, ${toMebibytes(peakRss)} at most; heap ${toMebibytes(before.heapUsed)} → ${toMebibytes(after.heapUsed)} MiB, descriptors ${before.descriptors} → ${after.descriptors}, sockets ${before.sockets} → ${after.sockets}, timers ${before.timers} → ${after.timers}`)

  t.strictSame(wrong.slice(0, 20), [], 'every answer is right')
  t.ok(asked >= requests, `${asked} answers`)
  t.equal(Object.keys(counts).length, new Set([...Object.keys(SCENARIOS), ...beside]).size, 'of every scenario')
  t.ok(after.rss - before.rss <= 70 * MEBIBYTE, `RSS grew by ${toMebibytes(after.rss - before.rss)} MiB`)
  t.ok(after.heapUsed - before.heapUsed <= 8 * MEBIBYTE, `the heap grew by ${toMebibytes(after.heapUsed - before.heapUsed)} MiB`)
  t.ok(after.descriptors <= before.descriptors, `${after.descriptors} descriptors`)
  t.equal(after.sockets, 0, 'no socket is left')
  t.ok(after.timers <= before.timers, `${after.timers} timers`)
  t.ok(slowest < 5_000, `/health in ${slowest.toFixed(0)} ms`)
  t.match(await (await fetch(`${server.url}/readyz?verbose`)).json(), { status: 'ready', open_answers: 0 })
  t.strictSame(server.lines().filter(({ level }) => Number(level) >= 50), [], 'none was taken for a bug')
}

/** The scenarios by their shares, each at least once, always in the same disorder. */
function toSchedule (requests: number): string[] {
  const schedule = Object.entries(SCENARIOS).flatMap(([scenario, { share }]) => Array.from({ length: Math.max(1, Math.ceil(requests * share / 1_000)) }, () => scenario))
  let seed = 1
  const random = () => (seed = seed * 48_271 % 2_147_483_647)
  return schedule.map(scenario => ({ scenario, place: random() })).sort((one, other) => one.place - other.place).map(({ scenario }) => scenario)
}

/** What the server has when nothing is asked and no connection is kept. */
async function restingVitals (server: BuiltServer, evil: RawUpstream, isPatient: boolean): Promise<Vitals> {
  if (!isPatient) evil.hangUp()
  const isResting = async () => evil.open() === 0 && (await server.vitals()).sockets === 0
  for (let tries = 0; tries < 120 && !await isResting(); tries++) await sleep(500)
  // Timers that a closed connection leaves behind run out.
  await sleep(1_500)
  return server.vitals()
}

/** Asks for the server's health until the signal aborts, and resolves to the longest time that took, in milliseconds. */
async function slowestHealth ({ url }: BuiltServer, signal: AbortSignal): Promise<number> {
  let slowest = 0
  while (!signal.aborted) {
    const startedAt = performance.now()
    await (await fetch(`${url}/health`)).text()
    slowest = Math.max(slowest, performance.now() - startedAt)
    await sleep(50)
  }
  return slowest
}

function toMebibytes (bytes: number): string {
  return (bytes / MEBIBYTE).toFixed(1)
}
