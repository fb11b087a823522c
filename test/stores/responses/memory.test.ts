import t from 'tap'
import { MemoryStore } from '../../../src/stores/responses/memory.ts'
import { checkStore, stored } from './store-contract.ts'
import type { KeptResponse } from '../../../src/surfaces/openai/responses/wire.ts'

await checkStore(t, limits => new MemoryStore<KeptResponse>(limits))

t.test('thousands of responses take no more room than they may', async t => {
  const store = new MemoryStore<KeptResponse>({ maxBytes: 100_000, ttlMs: 1_000, now: () => 0 })
  for (let count = 0; count < 2_000; count++) await store.put('ann', stored(`r${count}`))
  let left = 0
  for (let count = 0; count < 2_000; count++) if (await store.get('ann', `r${count}`)) left++
  t.ok(left > 10 && left < 100, `${left} are left`)
})
