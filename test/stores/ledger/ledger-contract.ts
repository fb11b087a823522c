import type { Test } from 'tap'
import type { Booking, Ledger, Row } from '../../../src/stores/ledger/ledger.ts'
import { emptyRow } from '../../../src/stores/ledger/ledger.ts'

/** Noon of the first of March 2026 in UTC, in milliseconds. */
export const NOON = Date.UTC(2026, 2, 1, 12)
const DAY_MS = 86_400_000

const ANN = { account: 'default', model: '@cf/a/b', key: 'ann' }
const BOB = { ...ANN, key: 'bob' }

/** A row of that day, with what is given of it. */
export function row (day: string, given: Partial<Row> = {}): Row {
  return { ...emptyRow(day, ANN), ...given }
}

/** What every ledger promises. */
export async function checkLedger (t: Test, open: (now: () => number) => Ledger): Promise<void> {
  function start (): { ledger: Ledger, clock: { ms: number } } {
    const clock = { ms: NOON }
    const ledger = open(() => clock.ms)
    t.teardown(() => ledger.close())
    return { ledger, clock }
  }

  t.test('what is added is there, by account, model and key', async t => {
    const { ledger } = start()
    ledger.add([{ ...ANN, requests: 1, inputTokens: 10, microNeurons: 1_980_000 }, { ...BOB, requests: 1, errors: 1 }])
    ledger.add([{ ...ANN, account: 'other', requests: 1 }, { ...ANN, model: '@cf/c/d', requests: 1 }])
    const rows = await ledger.read('2026-03-01', '2026-03-01')
    t.strictSame(rows.map(({ account, model, key, requests }) => [account, model, key, requests].join(' ')).sort(), [
      'default @cf/a/b ann 1', 'default @cf/a/b bob 1', 'default @cf/c/d ann 1', 'other @cf/a/b ann 1'
    ])
    t.has(rows, [row('2026-03-01', { requests: 1, inputTokens: 10, microNeurons: 1_980_000 })], 'and what was not added is 0')
  })

  t.test('every count adds up, exactly', async t => {
    const { ledger } = start()
    const one: Booking = {
      ...ANN,
      requests: 1,
      errors: 2,
      inputTokens: 3,
      cachedInputTokens: 4,
      outputTokens: 5,
      reasoningTokens: 6,
      microNeurons: 100_001,
      estimatedMicroNeurons: 7,
      cacheHits: 8,
      unpricedCalls: 9
    }
    for (let count = 0; count < 1_000; count++) {
      ledger.add([one])
      if (count % 300 === 0) await ledger.read('2026-03-01', '2026-03-01')
    }
    t.strictSame(await ledger.read('2026-03-01', '2026-03-01'), [row('2026-03-01', {
      requests: 1_000,
      errors: 2_000,
      inputTokens: 3_000,
      cachedInputTokens: 4_000,
      outputTokens: 5_000,
      reasoningTokens: 6_000,
      microNeurons: 100_001_000,
      estimatedMicroNeurons: 7_000,
      cacheHits: 8_000,
      unpricedCalls: 9_000
    })])
  })

  t.test('sums are larger than 32 bits hold', async t => {
    const { ledger } = start()
    for (let count = 0; count < 3; count++) ledger.add([{ ...ANN, microNeurons: 2 ** 50 }])
    t.equal((await ledger.read('2026-03-01', '2026-03-01'))[0]?.microNeurons, 3 * 2 ** 50)
  })

  t.test('days begin at 00:00 UTC, and are read in their order', async t => {
    const { ledger, clock } = start()
    for (const ms of [Date.UTC(2026, 2, 1, 23, 59, 59, 999), Date.UTC(2026, 2, 2), Date.UTC(2026, 2, 4)]) {
      clock.ms = ms
      ledger.add([{ ...ANN, requests: 1 }])
    }
    const daysOf = async (first: string, last: string) => (await ledger.read(first, last)).map(({ day }) => day)
    t.strictSame(await daysOf('2026-01-01', '2026-12-31'), ['2026-03-01', '2026-03-02', '2026-03-04'])
    t.strictSame(await daysOf('2026-03-02', '2026-03-03'), ['2026-03-02'])
    t.strictSame(await daysOf('2026-03-03', '2026-03-03'), [])
  })

  t.test('days more than 400 days ago are gone', async t => {
    const { ledger, clock } = start()
    ledger.add([{ ...ANN, requests: 1 }])
    await ledger.read('2026-03-01', '2026-03-01')
    clock.ms = NOON + 400 * DAY_MS
    ledger.add([{ ...ANN, requests: 1 }])
    t.equal((await ledger.read('2026-03-01', '2030-01-01')).length, 2, '400 days later it is there')
    clock.ms += DAY_MS
    ledger.add([{ ...ANN, requests: 1 }])
    t.strictSame((await ledger.read('2026-03-01', '2030-01-01')).map(({ day }) => day), ['2027-04-05', '2027-04-06'], 'a day after that it is not')
  })

  t.test('what is read is a copy', async t => {
    const { ledger } = start()
    ledger.add([{ ...ANN, requests: 1 }])
    for (const one of await ledger.read('2026-03-01', '2026-03-01')) one.requests = 1_000
    t.equal((await ledger.read('2026-03-01', '2026-03-01'))[0]?.requests, 1)
  })
}
