import t from 'tap'
import { UpstreamError } from '../../../src/errors.ts'
import { CircuitBreakers } from '../../../src/workers-ai/transport/circuit-breaker.ts'

const busy = () => new UpstreamError('Capacity temporarily exceeded', { kind: 'refused', status: 429, code: 3040 })
const limited = () => new UpstreamError('Rate limited', { kind: 'refused', status: 429 })

function setUp () {
  const clock = { ms: 0 }
  const circuits = new CircuitBreakers(() => clock.ms)
  const enter = (credential = 'a', model = 'm') => circuits.enter(credential, model)
  /** Calls that were made before any circuit opened, and fail now. */
  const fail = (times: number, error: () => unknown = busy, credential = 'a', model = 'm') => {
    const calls = Array.from({ length: times }, () => enter(credential, model))
    for (const call of calls) call.onFailure(error())
  }
  return { clock, enter, fail }
}

t.test('opens at the fifth failure in a row, and says how long it stays so', async t => {
  const { clock, enter, fail } = setUp()
  fail(4)
  t.doesNotThrow(() => enter())
  fail(1)
  clock.ms = 4_000
  t.throws(() => enter(), { kind: 'refused', status: 429, code: 3040, retryAfter: 11, attempts: 0 })
  t.doesNotThrow(() => enter('a', 'other'), 'another model is not concerned')
})

t.test('lets one call through after a while, whose outcome decides', async t => {
  const { clock, enter, fail } = setUp()
  fail(5)
  clock.ms = 15_000
  const trial = enter()
  t.throws(() => enter(), { retryAfter: 15 } as unknown as Error, 'the next waits for it')
  trial.onSuccess()
  t.doesNotThrow(() => enter())
  fail(5)
  clock.ms = 30_000
  fail(1)
  t.throws(() => enter(), { retryAfter: 15 } as unknown as Error, 'open again after one more failure')
})

t.test('a call that was let through to try and comes to nothing gives its place back at once', async t => {
  const outcomes = [
    { name: 'it was given up', end: (call: ReturnType<CircuitBreakers['enter']>) => { call.onAbandoned() } },
    { name: 'its request was wrong', end: (call: ReturnType<CircuitBreakers['enter']>) => { call.onFailure(new UpstreamError('Bad input', { kind: 'refused', status: 400, code: 5006 })) } },
    { name: 'it took too long', end: (call: ReturnType<CircuitBreakers['enter']>) => { call.onFailure(new UpstreamError('silence', { kind: 'timeout' })) } }
  ]
  for (const { name, end } of outcomes) {
    const { clock, enter, fail } = setUp()
    fail(5)
    clock.ms = 15_000
    end(enter())
    const next = enter()
    t.throws(() => enter(), { retryAfter: 15 } as unknown as Error, `${name}: one more is let through, and no more than one`)
    next.onFailure(busy())
    t.throws(() => enter(), { retryAfter: 15 } as unknown as Error, `${name}: the circuit was not closed by it`)
  }
})

t.test('a call that is no trial gives nobody\'s place back', async t => {
  const { clock, enter, fail } = setUp()
  const old = enter()
  fail(5)
  clock.ms = 15_000
  enter()
  old.onAbandoned()
  t.throws(() => enter(), 'the trial still runs')
})

t.test('failures far apart are no row, and a row that ended long ago is forgotten', async t => {
  const { clock, enter, fail } = setUp()
  for (let time = 0; time < 10; time++) {
    fail(1)
    clock.ms += 60_001
  }
  t.doesNotThrow(() => enter())
  fail(5)
  clock.ms += 60_001
  enter()
  t.doesNotThrow(() => enter(), 'nobody has to wait for a trial then')
})

t.test('what one credential is refused, another one may have', async t => {
  for (const error of [busy, limited]) {
    const { enter, fail } = setUp()
    fail(20, error)
    t.throws(() => enter())
    t.doesNotThrow(() => enter('b'))
  }
})

t.test('no capacity for three credentials in a row is no capacity for all', async t => {
  const { clock, enter, fail } = setUp()
  fail(1, busy, 'a')
  fail(4, busy, 'b')
  t.doesNotThrow(() => enter('d'), 'two are not enough')
  fail(1, busy, 'c')
  t.throws(() => enter('d'), { code: 3040, retryAfter: 15, message: /for several callers in a row/ })
  t.throws(() => enter('a'), { message: /for several callers in a row/ })
  t.doesNotThrow(() => enter('d', 'other'))
  clock.ms = 15_000
  const trial = enter('d')
  t.throws(() => enter('c'), 'all wait for the one who was let through')
  trial.onSuccess()
  t.doesNotThrow(() => enter('c'))
})

t.test('a success in between ends a row of several, and a limit of calls is none', async t => {
  const { enter, fail } = setUp()
  fail(1, busy, 'a')
  fail(1, busy, 'b')
  enter('x').onSuccess()
  fail(1, busy, 'c')
  t.doesNotThrow(() => enter('d'))
  for (const credential of ['e', 'f', 'g', 'h']) fail(5, limited, credential)
  t.doesNotThrow(() => enter('d'), 'each has a limit of its own')
})

t.test('says what it was', async t => {
  const { enter, fail } = setUp()
  fail(5, busy, 'a')
  fail(5, limited, 'b')
  t.throws(() => enter('a'), { code: 3040, message: /^Cloudflare had no capacity for this model several times/ })
  t.throws(() => enter('b'), { code: undefined, message: /^Cloudflare took no more calls of this model with these credentials .*\(429\)/ })
})

const others = [
  { name: 'the daily quota', error: () => new UpstreamError('you have used up your daily free allocation', { kind: 'refused', status: 429, code: 4006 }) },
  { name: 'the daily quota without a code', error: () => new UpstreamError('you have used up your daily free allocation', { kind: 'refused', status: 429 }) },
  { name: 'an overload that is no model\'s', error: () => new UpstreamError('busy', { kind: 'refused', status: 503 }) },
  { name: 'a wrong request', error: () => new UpstreamError('Bad input', { kind: 'refused', status: 400, code: 5006 }), endsNoRow: true },
  { name: 'a timeout', error: () => new UpstreamError('silence', { kind: 'timeout' }) },
  { name: 'a bug', error: () => new TypeError('x') }
]
for (const { name, error, endsNoRow = false } of others) {
  t.test(`${name} says nothing about capacity`, async t => {
    const { enter, fail } = setUp()
    fail(20, error)
    t.doesNotThrow(() => enter())
    fail(4)
    fail(1, error)
    fail(4)
    if (endsNoRow) t.throws(() => enter(), 'and ends no row')
    else t.doesNotThrow(() => enter(), 'and ends a row')
  })
}

t.test('remembers a bounded number of circuits', async t => {
  const { enter, fail } = setUp()
  fail(5)
  for (let other = 0; other < 1_000; other++) fail(1, busy, `other ${other}`, `model ${other}`)
  t.doesNotThrow(() => enter(), 'the one that failed longest ago is forgotten')
})
