import type { Test } from 'tap'
import type { KeptItem, KeptResponse, ResponseObject } from '../../../src/surfaces/openai/responses/wire.ts'
import type { ResponsesStore, StoreLimits } from '../../../src/stores/responses/store.ts'
import { toBegunResponse } from '../../../src/surfaces/openai/responses/fold.ts'

/** A clock a test moves by hand. */
interface Clock {
  ms: number
}

/** A stored response whose only question and answer are a text and its echo. */
export function stored (id: string, text = 'Hi'): KeptResponse {
  const response: ResponseObject = {
    ...toBegunResponse({ model: 'm', input: text }, { id, createdAt: 1 }),
    output: [{ id: `msg_out_${id}`, type: 'message', status: 'completed', role: 'assistant', content: [{ type: 'output_text', text, annotations: [], logprobs: [] }] }]
  }
  return { response, items: [item(`msg_in_${id}`, text)] }
}

function item (id: string, text = 'Hi'): KeptItem {
  return { id, type: 'message', role: 'user', content: [{ type: 'input_text', text }], status: 'completed' }
}

/** What every store promises. */
export async function checkStore (t: Test, open: (limits: StoreLimits) => ResponsesStore<KeptResponse>): Promise<void> {
  function start ({ maxBytes = 1_000_000, ttlMs = 1_000 }: Partial<StoreLimits> = {}): { store: ResponsesStore<KeptResponse>, clock: Clock } {
    const clock = { ms: 1_000_000 }
    const store = open({ maxBytes, ttlMs, now: () => clock.ms })
    t.teardown(() => store.close())
    return { store, clock }
  }

  t.test('what was put is there, whole, until it is deleted', async t => {
    const { store } = start()
    t.equal(await store.put('ann', stored('a', 'Grüße 👋 \u2028')), true)
    t.strictSame(await store.get('ann', 'a'), stored('a', 'Grüße 👋 \u2028'))
    t.equal(await store.get('ann', 'b'), undefined)
    t.equal(await store.delete('ann', 'a'), true)
    t.equal(await store.delete('ann', 'a'), false)
    t.equal(await store.get('ann', 'a'), undefined)
    t.equal((await store.findItems('ann', ['msg_in_a'])).size, 0, 'nor are its items')
  })

  t.test('any id of an item is an id', async t => {
    const { store } = start()
    const ids = ['\ud800', '\udc00', '', ' a b', 'é\u0000\n', '"', '#', 'x'.repeat(5_000), 'msg_1']
    const { response } = stored('a')
    t.equal(await store.put('ann', { response, items: ids.map(id => item(id)) }), true)
    t.strictSame([...(await store.findItems('ann', [...ids, 'no', '\ud801'])).keys()].sort(), [...ids].sort())
    t.equal(await store.put('ann', { response, items: [] }), true)
    t.equal((await store.findItems('ann', ids)).size, 0)
    t.equal(await store.delete('ann', 'a'), true)
  })

  t.test('what was put again is the later', async t => {
    const { store } = start()
    await store.put('ann', stored('a', 'one'))
    await store.put('ann', stored('a', 'two'))
    t.strictSame(await store.get('ann', 'a'), stored('a', 'two'))
  })

  t.test('nobody finds what another stored', async t => {
    const { store } = start()
    await store.put('ann', stored('a'))
    t.equal(await store.get('bob', 'a'), undefined)
    t.equal((await store.findItems('bob', ['msg_in_a', 'msg_out_a'])).size, 0)
    t.equal(await store.delete('bob', 'a'), false)
    await store.put('bob', stored('a', 'of Bob'))
    t.strictSame(await store.get('ann', 'a'), stored('a'), 'the same id is another response')
  })

  t.test('items are found by id, inputs and outputs', async t => {
    const { store } = start()
    await store.put('ann', stored('a', 'one'))
    await store.put('ann', stored('b', 'two'))
    const found = await store.findItems('ann', ['msg_out_b', 'msg_in_a', 'msg_9'])
    t.strictSame([...found.keys()].sort(), ['msg_in_a', 'msg_out_b'])
    t.match(found.get('msg_in_a'), item('msg_in_a', 'one'))
    t.equal((await store.findItems('ann', [])).size, 0)
  })

  t.test('an item is found as long as any later response has it', async t => {
    const { store } = start()
    await store.put('ann', stored('a'))
    const later = stored('b')
    await store.put('ann', { ...later, items: [...stored('a').items, ...later.items] })
    t.equal(await store.delete('ann', 'a'), true)
    t.strictSame([...(await store.findItems('ann', ['msg_in_a', 'msg_out_a'])).keys()], ['msg_in_a'])
  })

  t.test('what was not used for long is forgotten', async t => {
    const { store, clock } = start({ ttlMs: 1_000 })
    await store.put('ann', stored('a'))
    await store.put('ann', stored('b'))
    clock.ms += 600
    await store.get('ann', 'a')
    clock.ms += 600
    t.equal(await store.get('ann', 'b'), undefined, 'its time is over')
    t.not(await store.get('ann', 'a'), undefined, 'every use begins it anew')
    clock.ms += 900
    t.equal((await store.findItems('ann', ['msg_in_a'])).size, 1, 'so does the use of an item')
    clock.ms += 900
    t.not(await store.get('ann', 'a'), undefined)
    clock.ms += 1_000
    t.equal(await store.delete('ann', 'a'), false)
  })

  t.test('when there is too much, what was used longest ago goes', async t => {
    const { store, clock } = start({ maxBytes: 27_000 })
    const text = 'x'.repeat(3_000)
    for (const id of ['a', 'b', 'c']) {
      await store.put('ann', stored(id, text))
      clock.ms += 1
    }
    await store.get('ann', 'a')
    clock.ms += 1
    await store.put('bob', stored('d', text))
    const left = await Promise.all(['a', 'b', 'c'].map(async id => await store.get('ann', id) === undefined ? '' : id))
    t.strictSame(left, ['a', '', 'c'])
    t.not(await store.get('bob', 'd'), undefined)
  })

  t.test('whoever stores a lot pushes out nothing but their own', async t => {
    const { store, clock } = start({ maxBytes: 60_000 })
    await store.put('ann', stored('a', 'x'.repeat(3_000)))
    await store.put('bob', stored('b', 'x'.repeat(3_000)))
    for (let count = 0; count < 50; count++) {
      clock.ms += 1
      t.equal(await store.put('eve', stored(`e${count}`, 'x'.repeat(3_000))), true)
    }
    t.not(await store.get('ann', 'a'), undefined)
    t.not(await store.get('bob', 'b'), undefined)
    t.equal(await store.get('eve', 'e0'), undefined)
    t.not(await store.get('eve', 'e49'), undefined)
    t.equal(await store.put('eve', stored('all', 'x'.repeat(20_000))), true, 'for one that is large all of theirs goes')
    t.equal(await store.get('eve', 'e49'), undefined)
    t.equal(await store.put('bob', stored('more', 'x'.repeat(9_000))), true)
    t.equal(await store.get('eve', 'all'), undefined)
    t.equal((await store.findItems('eve', ['msg_in_all', 'msg_in_e49'])).size, 0)
  })

  t.test('what leaves no room for what others keep is not kept', async t => {
    const { store } = start({ maxBytes: 40_000 })
    await store.put('ann', stored('a', 'x'.repeat(3_000)))
    t.equal(await store.put('eve', stored('e', 'x'.repeat(17_500))), false)
    t.equal(await store.get('eve', 'e'), undefined)
    t.not(await store.get('ann', 'a'), undefined)
  })

  t.test('within the same millisecond the latest stays', async t => {
    const { store } = start({ maxBytes: 25_000 })
    for (const id of ['a', 'b', 'c', 'd', 'e']) await store.put('ann', stored(id, 'x'.repeat(3_000)))
    t.not(await store.get('ann', 'e'), undefined)
    t.equal(await store.get('ann', 'a'), undefined)
  })

  t.test('what is more than is ever kept is not kept, and nothing goes for it', async t => {
    const { store } = start({ maxBytes: 20_000 })
    await store.put('ann', stored('a'))
    t.equal(await store.put('ann', stored('b', 'x'.repeat(20_000))), false)
    t.equal(await store.get('ann', 'b'), undefined)
    t.not(await store.get('ann', 'a'), undefined)
  })

  t.test('no room keeps nothing', async t => {
    t.equal(await start({ maxBytes: 0 }).store.put('ann', stored('a')), false)
  })
}
