import t from 'tap'
import { MemoryLedger } from '../../../src/stores/ledger/memory.ts'
import { checkLedger, NOON } from './ledger-contract.ts'

await checkLedger(t, now => new MemoryLedger(now))

t.test('a day has no more rows than it may, and its sums are right', t => {
  const ledger = new MemoryLedger(() => NOON)
  for (let count = 0; count < 12_000; count++) ledger.add([{ account: 'default', model: `@cf/a/${count}`, key: 'ann', requests: 1 }])
  const rows = ledger.read('2026-03-01', '2026-03-01')
  t.equal(rows.length, 10_001)
  t.equal(rows.find(({ model }) => model === 'other')?.requests, 2_000)
  t.end()
})

t.test('what was taken can be given back', t => {
  const ledger = new MemoryLedger(() => NOON)
  const booking = { account: 'default', model: '@cf/a/b', key: 'ann', requests: 1 }
  ledger.add([booking])
  const rows = ledger.take()
  t.strictSame(ledger.read('2026-03-01', '2026-03-01'), [])
  ledger.add([booking])
  ledger.giveBack(rows)
  t.equal(ledger.read('2026-03-01', '2026-03-01')[0]?.requests, 2)
  t.end()
})

t.test('a booking takes next to no time', t => {
  const ledger = new MemoryLedger(Date.now)
  const booking = { account: 'default', model: '@cf/a/b', key: 'ann', requests: 1, inputTokens: 10, outputTokens: 20, microNeurons: 1_000 }
  const best = Math.min(...Array.from({ length: 20 }, () => {
    const start = performance.now()
    for (let count = 0; count < 10_000; count++) ledger.add([booking])
    return (performance.now() - start) / 10
  }))
  t.ok(best < 3, `${best.toFixed(2)} µs`)
  t.end()
})
