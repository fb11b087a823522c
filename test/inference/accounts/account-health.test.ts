import t from 'tap'
import { UpstreamError } from '../../../src/errors.ts'
import { AccountHealth } from '../../../src/inference/accounts/account-health.ts'
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

function refused (status = 429, code?: number, retryAfter?: number): UpstreamError {
  return new UpstreamError('words', { kind: 'refused', status, code, retryAfter })
}

t.test('what is used up is out until 00:00 UTC and a little, but for a probe', async t => {
  const { clock, health, lines } = start()
  health.failed('main', MODEL, refused(429, 4006), 'used-up', false)
  t.strictSame(health.outage('main'), { reason: 'quota', untilMs: MIDNIGHT + 2_500 })
  t.strictSame([health.standing('main', OTHER_MODEL), health.standing('backup', MODEL)], ['out', 'well'])
  t.equal(await health.takesProbe('main'), false)
  clock.ms += PROBE_MS.quota
  t.strictSame([await health.takesProbe('main'), await health.takesProbe('main')], [true, false])
  health.served('main', MODEL)
  t.equal(health.outage('main'), undefined, 'its owner has paid')
  t.match(lines, [['info', /'main' serves again/]])
  health.failed('main', MODEL, refused(429, 4006), 'used-up', false)
  clock.ms = MIDNIGHT + 2_500
  t.equal(health.standing('main', MODEL), 'well')
})

t.test('refused credentials are out until a probe succeeds, and told once a minute', async t => {
  const { clock, health, lines } = start()
  for (const ms of [0, 30_000, 61_000]) {
    clock.ms = NOON + ms
    health.failed('main', MODEL, refused(401, 10_000), 'refused', false)
  }
  t.equal(lines.length, 2)
  t.strictSame(health.outage('main'), { reason: 'credentials', untilMs: NOON + PROBE_MS.credentials })
  clock.ms = NOON + 86_400_000
  t.equal(health.standing('main', MODEL), 'out')
  t.equal(await health.takesProbe('main'), true)
  health.failed('main', MODEL, refused(429, 4006), 'used-up', false)
  t.match(health.outage('main'), { reason: 'quota' }, 'Cloudflare has taken them')
})

t.test('a lack of capacity rests for the model, longer each time', t => {
  const { clock, health, states } = start()
  for (const seconds of [10, 20, 40, 60, 60]) {
    health.failed('main', MODEL, refused(429, 3040), 'busy', false)
    health.failed('main', MODEL, refused(429, 3040), 'busy', false)
    t.match(states.rests('main'), [{ model: MODEL, untilMs: clock.ms + seconds * 1_000 }], `${seconds} s, however many fail together`)
    t.strictSame([health.standing('main', MODEL), health.standing('main', OTHER_MODEL)], ['resting', 'well'])
    clock.ms += seconds * 1_000
  }
  health.served('main', MODEL)
  health.failed('main', MODEL, refused(429, 3040), 'busy', false)
  t.match(states.rests('main'), [{ untilMs: clock.ms + 10_000 }], 'and begins anew once it has served')
  t.end()
})

t.test('Retry-After counts, up to a minute', t => {
  for (const [retryAfter, ms] of [[3, 3_000], [600, 60_000]] as const) {
    const { health, states } = start()
    health.failed('main', MODEL, refused(429, undefined, retryAfter), 'busy', false)
    t.match(states.rests('main'), [{ untilMs: NOON + ms }])
  }
  t.end()
})

t.test('the rate limit of an AI Gateway is that of all models', t => {
  const { health } = start()
  health.failed('main', MODEL, refused(429), 'busy', true)
  t.equal(health.standing('main', OTHER_MODEL), 'resting')
  const other = start()
  other.health.failed('main', MODEL, refused(429, 3040), 'busy', true)
  t.equal(other.health.standing('main', OTHER_MODEL), 'well', 'with a code it is the model\'s')
  t.end()
})

t.test('a model it may not run is left alone for an hour', t => {
  const { clock, health } = start()
  health.failed('main', MODEL, refused(403, 5035), 'barred', false)
  t.strictSame([health.standing('main', MODEL), health.standing('main', OTHER_MODEL)], ['barred', 'well'])
  clock.ms += 3_600_000
  t.equal(health.standing('main', MODEL), 'well')
  t.end()
})

t.test('three failures in a row are a rest of 10 s', t => {
  const { clock, health } = start()
  const broken = new UpstreamError('reset', { kind: 'unreachable' })
  for (const isRow of [false, true]) {
    health.failed('main', MODEL, broken, 'broken', false)
    health.failed('main', MODEL, broken, 'broken', false)
    t.equal(health.standing('main', MODEL), 'well')
    if (!isRow) health.served('main', MODEL)
  }
  health.failed('main', MODEL, broken, 'broken', false)
  t.equal(health.standing('main', MODEL), 'resting')
  clock.ms += 10_000
  t.equal(health.standing('main', MODEL), 'well')
  t.end()
})
