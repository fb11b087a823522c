import t from 'tap'
import { MemoryStore } from '../../../../src/stores/responses/memory.ts'
import { toContext } from '../../../../src/surfaces/openai/responses/context.ts'
import { stored } from '../../../stores/responses/store-contract.ts'
import type { KeptResponse } from '../../../../src/surfaces/openai/responses/wire.ts'

async function startStore () {
  const store = new MemoryStore<KeptResponse>({ maxBytes: 1_000_000, ttlMs: 1_000, now: () => 0 })
  await store.put('ann', stored('a', 'one'))
  return store
}

t.test('without a word of what was before there is only the input', async t => {
  const request = { model: 'm', input: 'Hi' }
  const { earlier, resolved, items } = await toContext(await startStore(), 'ann', request)
  t.strictSame(earlier, [])
  t.equal(resolved, request)
  t.match(items, [{ id: /^msg_[0-9a-f]{50}$/, type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Hi' }] }])
})

t.test('the items of the response before it, its output included, come first', async t => {
  const { earlier, items } = await toContext(await startStore(), 'ann', { input: 'two', previous_response_id: 'a' })
  t.strictSame(earlier.map(({ id }) => id), ['msg_in_a', 'msg_out_a'])
  t.strictSame(items.slice(0, 2), earlier)
  t.match(items, { length: 3 })
})

t.test('references stand for what they name', async t => {
  const { resolved, items } = await toContext(await startStore(), 'ann', { input: [{ type: 'item_reference', id: 'msg_out_a' }, { role: 'user', content: 'two' }] })
  t.match(resolved.input, [{ id: 'msg_out_a', role: 'assistant', content: [{ text: 'one' }] }, { content: 'two' }])
  t.match(items, [{ id: 'msg_out_a' }, { content: [{ text: 'two' }] }])
})

t.test('what is not kept is refused, and named no longer than it may be', async t => {
  const store = await startStore()
  const long = 'x'.repeat(500)
  await t.rejects(toContext(store, 'ann', { previous_response_id: 'b' }), { status: 400, code: 'previous_response_not_found', message: "Previous response with id 'b' not found." })
  await t.rejects(toContext(store, 'bob', { previous_response_id: 'a' }), { name: 'InvalidRequestError', status: 400 }, 'nor is what another keeps')
  await t.rejects(toContext(store, 'ann', { input: [{ id: 'msg_9' }] }), { status: 404, param: 'input', message: /^Item with id 'msg_9' not found/ })
  await t.rejects(toContext(store, 'ann', { previous_response_id: long }), { message: `Previous response with id '${long.slice(0, 100)}' not found.` })
})

t.test('who goes on from a compaction goes on from nothing else, and the order for one is not kept', async t => {
  const store = await startStore()
  const compaction = { id: 'cmp_1', type: 'compaction' as const, encrypted_content: 'x' }
  const { response, items: before } = stored('c', 'one')
  await store.put('ann', { response: { ...response, output: [compaction] }, items: before })
  const { earlier, items } = await toContext(store, 'ann', { input: [{ role: 'user', content: 'two' }, { type: 'compaction_trigger' }], previous_response_id: 'c' })
  t.strictSame(earlier, [compaction])
  t.match(items, { length: 2, 0: compaction, 1: { role: 'user' } })
})
