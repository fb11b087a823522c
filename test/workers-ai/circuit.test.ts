import t from 'tap'
import { UpstreamError } from '../../src/errors.ts'
import { Circuits } from '../../src/workers-ai/circuit.ts'

const busy = () => new UpstreamError('Capacity temporarily exceeded', { kind: 'refused', status: 429, code: 3040 })

function setUp () {
  const clock = { ms: 0 }
  const circuits = new Circuits(() => clock.ms)
  const fail = (times: number, error: () => unknown = busy) => {
    for (let time = 0; time < times; time++) circuits.failed('m', error())
  }
  return { clock, circuits, fail }
}

t.test('opens at the fifth failure in a row, and says how long it stays so', async t => {
  const { clock, circuits, fail } = setUp()
  fail(4)
  t.doesNotThrow(() => circuits.check('m'))
  fail(1)
  clock.ms = 4_000
  t.throws(() => circuits.check('m'), { kind: 'refused', status: 429, code: 3040, retryAfter: 11 })
  t.doesNotThrow(() => circuits.check('other'), 'another model is not concerned')
})

t.test('lets one call through after a while, whose outcome decides', async t => {
  const { clock, circuits, fail } = setUp()
  fail(5)
  clock.ms = 15_000
  t.doesNotThrow(() => circuits.check('m'), 'the one')
  t.throws(() => circuits.check('m'), { retryAfter: 15 } as unknown as Error, 'the next waits for it')
  circuits.succeeded('m')
  t.doesNotThrow(() => circuits.check('m'))
  fail(5)
  clock.ms = 30_000
  circuits.check('m')
  fail(1)
  t.throws(() => circuits.check('m'), { retryAfter: 15 } as unknown as Error, 'open again after one more failure')
})

t.test('failures far apart are no row', async t => {
  const { clock, circuits } = setUp()
  for (let time = 0; time < 10; time++) {
    circuits.failed('m', busy())
    clock.ms += 60_000
  }
  t.doesNotThrow(() => circuits.check('m'))
})

const others = [
  { name: 'the daily quota', error: () => new UpstreamError('you have used up your daily free allocation', { kind: 'refused', status: 429, code: 4006 }) },
  { name: 'the daily quota without a code', error: () => new UpstreamError('you have used up your daily free allocation', { kind: 'refused', status: 429 }) },
  { name: 'a wrong request', error: () => new UpstreamError('Bad input', { kind: 'refused', status: 400, code: 5006 }) },
  { name: 'a timeout', error: () => new UpstreamError('silence', { kind: 'timeout' }) },
  { name: 'a bug', error: () => new TypeError('x') }
]
for (const { name, error } of others) {
  t.test(`${name} says nothing about capacity`, async t => {
    const { circuits, fail } = setUp()
    fail(20, error)
    t.doesNotThrow(() => circuits.check('m'))
    fail(4)
    fail(1, error)
    fail(4)
    t.doesNotThrow(() => circuits.check('m'), 'and ends a row')
  })
}

t.test('remembers a bounded number of models', async t => {
  const { circuits, fail } = setUp()
  fail(5)
  for (let other = 0; other < 500; other++) circuits.failed(`other ${other}`, busy())
  t.doesNotThrow(() => circuits.check('m'), 'the one that failed longest ago is forgotten')
})
