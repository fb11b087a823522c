import t from 'tap'
import { RequestRecord } from '../../src/inference/request-record.ts'
import { MemoryLedger } from '../../src/stores/ledger/memory.ts'
import { FreeAllocation } from '../../src/usage/free-allocation.ts'
import { FreeAllocations, toFreeAllocations } from '../../src/usage/free-allocations.ts'

const NOON = Date.UTC(2026, 2, 1, 12)
const rest = { now: () => NOON, log: { warn: () => {} } }
const booking = { account: 'main', model: '@cf/meta/llama-3.2-1b-instruct', key: 'ann', microNeurons: 2_000_000 }

t.test('each account has its own', async t => {
  const all = new FreeAllocations(['main', 'backup'].map(account => new FreeAllocation({ account, limit: 10, guard: 'off', ...rest })))
  const ledger = new MemoryLedger(rest.now)
  ledger.add([booking, { ...booking, account: 'backup', microNeurons: 1_000_000 }, { ...booking, account: 'gone' }])
  await all.recall(ledger)
  all.onBooked([booking], { record: new RequestRecord() })
  all.count([{ ...booking, account: 'backup' }])
  all.release({ record: new RequestRecord() })
  t.match(all.facts, [{ usedMicroNeurons: 4_000_000, state: { name: 'main' } }, { usedMicroNeurons: 3_000_000, state: { name: 'backup' } }])
  all.of('backup')?.noteRefusal()
  t.match(all.facts, [{ state: { out: undefined } }, { state: { out: { reason: 'cloudflare' } } }])
  const other = new FreeAllocations([new FreeAllocation({ account: 'backup', limit: 10, guard: 'warn', ...rest })])
  other.learn(all.facts)
  t.match(other.facts, [{ usedMicroNeurons: 3_000_000, state: { out: { reason: 'cloudflare' } } }], 'and knows it by its name')
  t.equal(all.of('gone'), undefined)
  t.strictSame([all.isGuarded, other.isGuarded], [false, true])
})

t.test('a single pair is the account named default', async t => {
  t.match(toFreeAllocations({ freeNeuronsPerDay: 500, freeNeuronsGuard: 'warn' }, rest).facts, [{ state: { name: 'default', freeLimit: 500 } }])
})
