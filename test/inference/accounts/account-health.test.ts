import t from 'tap'
import { UpstreamError } from '../../../src/errors.ts'
import { AccountHealth, type AccountCall } from '../../../src/inference/accounts/account-health.ts'
import { PROBE_MS } from '../../../src/stores/accounts/account-states.ts'
import { MemoryAccountStates } from '../../../src/stores/accounts/memory.ts'

const NOON = Date.UTC(2026, 2, 1, 12)
const MIDNIGHT = Date.UTC(2026, 2, 2)
const MODEL = '@cf/a/b'
const OTHER_MODEL = '@cf/a/c'

function start () {
  const clock = { ms: NOON }
  const lines: Array<[level: string, message: string]> = []
  const states = new MemoryAccountStates(() => clock.ms)
  const log = Object.fromEntries((['error', 'warn', 'info'] as const).map(level => [level, (_: object, message: string) => lines.push([level, message])]))
  const health = new AccountHealth({ states, now: () => clock.ms, random: () => 0.5, log: log as never })
  return { clock, lines, states, health }
}

/** One that was made just now. */
function call (): AccountCall {
  return { account: 'main', model: MODEL, atMs: Infinity, hasGateway: false }
}

function refused (status = 429, code?: number, retryAfter?: number): UpstreamError {
  return new UpstreamError('words', { kind: 'refused', status, code, retryAfter })
}

t.test('what is used up is out until 00:00 UTC and a little, but for a probe', async t => {
  const { clock, health, lines } = start()
  health.failed(call(), refused(429, 4006), 'used-up')
  t.strictSame(health.outage('main'), { reason: 'quota', untilMs: MIDNIGHT + 2_500 })
  t.strictSame([health.standing('main', OTHER_MODEL), health.standing('backup', MODEL)], ['out', 'well'])
  t.equal(await health.takesProbe('main'), false)
  clock.ms += PROBE_MS.quota
  t.strictSame([await health.takesProbe('main'), await health.takesProbe('main')], [true, false])
  health.served(call())
  t.equal(health.outage('main'), undefined, 'its owner has paid')
  t.match(lines, [['info', /'main' serves again/]])
  health.failed(call(), refused(429, 4006), 'used-up')
  clock.ms = MIDNIGHT + 2_500
  t.equal(health.standing('main', MODEL), 'well')
})

t.test('refused credentials are out until a probe succeeds, and told once a minute', async t => {
  const { clock, health, lines } = start()
  for (const ms of [0, 30_000, 61_000]) {
    clock.ms = NOON + ms
    health.failed(call(), refused(401, 10_000), 'refused')
  }
  t.equal(lines.length, 2)
  t.strictSame(health.outage('main'), { reason: 'credentials', untilMs: NOON + PROBE_MS.credentials })
  clock.ms = NOON + 86_400_000
  t.equal(health.standing('main', MODEL), 'out')
  t.equal(await health.takesProbe('main'), true)
  health.failed(call(), refused(429, 4006), 'used-up')
  t.match(health.outage('main'), { reason: 'quota' }, 'Cloudflare has taken them')
})

t.test('a lack of capacity rests for the model, longer each time', t => {
  const { clock, health, states } = start()
  for (const seconds of [10, 20, 40, 60, 60]) {
    health.failed(call(), refused(429, 3040), 'busy')
    health.failed(call(), refused(429, 3040), 'busy')
    t.match(states.rests('main'), [{ model: MODEL, untilMs: clock.ms + seconds * 1_000 }], `${seconds} s, however many fail together`)
    t.strictSame([health.standing('main', MODEL), health.standing('main', OTHER_MODEL)], ['resting', 'well'])
    clock.ms += seconds * 1_000
  }
  health.served(call())
  health.failed(call(), refused(429, 3040), 'busy')
  t.match(states.rests('main'), [{ untilMs: clock.ms + 10_000 }], 'and begins anew once it has served')
  t.end()
})

t.test('an answer to an earlier call ends no later rest', t => {
  const { clock, health, states, lines } = start()
  const earlier = { ...call(), atMs: NOON }
  clock.ms += 1_000
  health.failed(call(), refused(429, 3040), 'busy')
  health.failed(call(), refused(429, 4006), 'used-up')
  health.served(earlier)
  t.strictSame([states.rests('main').length, health.standing('main', MODEL), lines], [2, 'out', []])
  clock.ms += 10_000
  health.failed(call(), refused(429, 3040), 'busy')
  t.match(states.rests('main').find(({ reason }) => reason === 'busy'), { untilMs: clock.ms + 20_000 }, 'nor makes it short again')
  health.failed(call(), refused(401, 10_000), 'refused')
  health.failed({ ...call(), atMs: clock.ms - 1 }, refused(429, 4006), 'used-up')
  t.match(health.outage('main'), { reason: 'credentials' }, 'a call that was taken before says nothing of credentials that are refused since')
  health.failed({ ...call(), atMs: clock.ms }, refused(429, 4006), 'used-up')
  t.match(health.outage('main'), { reason: 'quota' })
  const probe = { ...call(), atMs: clock.ms + 1 }
  clock.ms += 5
  health.failed(call(), refused(429, 4006), 'used-up')
  health.served(probe)
  t.match(health.outage('main'), { reason: 'quota' }, 'of two refusals for the same reason the later counts')
  clock.ms += 1
  health.served({ ...call(), atMs: clock.ms })
  t.strictSame(states.rests('main'), [])
  t.end()
})

t.test('Retry-After counts, up to a minute', t => {
  for (const [retryAfter, ms] of [[3, 3_000], [600, 60_000]] as const) {
    const { health, states } = start()
    health.failed(call(), refused(429, undefined, retryAfter), 'busy')
    t.match(states.rests('main'), [{ untilMs: NOON + ms }])
  }
  t.end()
})

t.test('the rate limit of an AI Gateway is that of all models', t => {
  const { health } = start()
  health.failed({ ...call(), hasGateway: true }, refused(429), 'busy')
  t.equal(health.standing('main', OTHER_MODEL), 'resting')
  const other = start()
  other.health.failed({ ...call(), hasGateway: true }, refused(429, 3040), 'busy')
  t.equal(other.health.standing('main', OTHER_MODEL), 'well', 'with a code it is the model\'s')
  t.end()
})

t.test('a model it may not run is left alone for an hour', t => {
  const { clock, health } = start()
  health.failed(call(), refused(403, 5035), 'barred')
  t.strictSame([health.standing('main', MODEL), health.standing('main', OTHER_MODEL)], ['barred', 'well'])
  clock.ms += 3_600_000
  t.equal(health.standing('main', MODEL), 'well')
  t.end()
})

t.test('three failures in a row are a rest of 10 s', t => {
  const { clock, health } = start()
  const broken = new UpstreamError('reset', { kind: 'unreachable' })
  for (const isRow of [false, true]) {
    health.failed(call(), broken, 'broken')
    health.failed(call(), broken, 'broken')
    t.equal(health.standing('main', MODEL), 'well')
    if (!isRow) health.served(call())
  }
  health.failed(call(), broken, 'broken')
  t.equal(health.standing('main', MODEL), 'resting')
  clock.ms += 10_000
  t.equal(health.standing('main', MODEL), 'well')
  t.end()
})
