import t from 'tap'
import type { LimitedKey } from '../../../src/stores/limits/limits.ts'
import { Unsettled, type Settlement } from '../../../src/stores/limits/unsettled.ts'

const NOON = Date.parse('2026-11-30T12:00:00Z')
const HOURS = 3_600_000
const NOTHING = { day: 0, month: 0 }
const alice: LimitedKey = { id: 'alice', limits: { neurons_per_day: 9 } }
const bob: LimitedKey = { id: 'bob', limits: { neurons_per_day: 9 } }

function settlement (key: LimitedKey, id: string, used: number): Settlement {
  return { key, id, tokens: 7, day: used, month: used, held: NOTHING, requests: 1, isDoubtful: false }
}

function newUnsettled (): Unsettled {
  let count = 0
  return new Unsettled(() => `sum${++count}`)
}

async function flushed (unsettled: Unsettled, now: number): Promise<Settlement[]> {
  const sent: Settlement[] = []
  await unsettled.flush(async some => { sent.push(...some) }, now)
  return sent
}

t.test('what has a lease keeps its id, the rest is one sum for each key', async t => {
  const unsettled = newUnsettled()
  t.strictSame(await flushed(unsettled, NOON), [])
  for (const used of [1, 2, 3]) unsettled.add(settlement(alice, `a${used}`, used), false, NOON)
  unsettled.add(settlement(bob, 'b', 5), false, NOON)
  unsettled.add(settlement(alice, 'leased', 9), true, NOON)
  t.strictSame(await flushed(unsettled, NOON), [
    { key: alice, id: 'sum1', tokens: 0, day: 6, month: 6, held: NOTHING, requests: 3, isDoubtful: false },
    { key: alice, id: 'leased', tokens: 7, day: 9, month: 9, held: NOTHING, requests: 1, isDoubtful: false },
    { key: bob, id: 'sum2', tokens: 0, day: 5, month: 5, held: NOTHING, requests: 1, isDoubtful: false }
  ])
  t.strictSame(await flushed(unsettled, NOON), [])
})

t.test('what cannot be settled stays as it was sent, with all behind it', async t => {
  const unsettled = newUnsettled()
  unsettled.add(settlement(alice, 'a', 1), true, NOON)
  unsettled.add(settlement(alice, '', 2), false, NOON)
  const sent: string[] = []
  const failing = unsettled.flush(async some => {
    sent.push(...some.map(({ id }) => id))
    throw new Error('away')
  }, NOON)
  await unsettled.flush(async () => { t.fail('it is being settled') }, NOON)
  await t.rejects(failing, { message: 'away' })
  unsettled.add(settlement(alice, '', 4), false, NOON)
  t.match(await flushed(unsettled, NOON), [{ id: 'a', day: 1 }, { id: 'sum1', day: 2 }, { id: 'sum2', day: 4 }])
  t.strictSame(sent, ['a', 'sum1'])
})

t.test('many are sent some at a time, and what was settled is not sent again', async t => {
  const unsettled = newUnsettled()
  for (let count = 0; count < 250; count++) unsettled.add(settlement(alice, `a${count}`, 1), true, NOON)
  const sizes: number[] = []
  await t.rejects(unsettled.flush(async some => {
    sizes.push(some.length)
    if (sizes.length === 2) throw new Error('away')
  }, NOON))
  t.strictSame(sizes, [100, 100])
  t.equal((await flushed(unsettled, NOON)).length, 150)
})

t.test('it tells what of a key is not counted, beside what Redis holds', async t => {
  const unsettled = newUnsettled()
  t.strictSame(unsettled.ofKey(alice, NOON), { requests: 0, day: 0, month: 0 })
  unsettled.add(settlement(bob, 'b', 100), true, NOON)
  unsettled.add(settlement(alice, '', 2), false, NOON)
  unsettled.add({ ...settlement(alice, 'more', 5), held: { day: 3, month: 3 }, requests: 0 }, true, NOON)
  unsettled.add({ ...settlement(alice, 'less', 5), held: { day: 9, month: 9 }, requests: 0 }, true, NOON)
  t.strictSame(unsettled.ofKey(alice, NOON), { requests: 1, day: 4, month: 4 })
  t.strictSame(unsettled.ofKey(alice, NOON - 13 * HOURS), { requests: 0, day: 0, month: 4 })
  await unsettled.flush(async () => {
    t.strictSame(unsettled.ofKey(alice, NOON), { requests: 1, day: 4, month: 4 }, 'also while it is being told')
  }, NOON)
  t.strictSame(unsettled.ofKey(alice, NOON), { requests: 0, day: 0, month: 0 })
})

t.test('what was used in a day, month or minute that is over does not count in the next', async t => {
  for (const [ms, expected] of [
    [30_000, { tokens: 7, day: 1, month: 1, requests: 1 }],
    [61_000, { tokens: 0, day: 1, month: 1, requests: 1 }],
    [12 * HOURS, { tokens: 0, day: 0, month: 0, requests: 0 }]
  ] as const) {
    const unsettled = newUnsettled()
    unsettled.add(settlement(alice, 'a', 1), true, NOON)
    t.match(await flushed(unsettled, NOON + ms), [expected])
  }
  const unsettled = newUnsettled()
  unsettled.add(settlement(alice, 'a', 1), false, NOON - 13 * HOURS)
  unsettled.add(settlement(alice, 'a', 2), false, NOON)
  t.match(await flushed(unsettled, NOON), [{ day: 0, month: 1 }, { day: 2, month: 2 }])
})
