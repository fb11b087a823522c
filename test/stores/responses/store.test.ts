import t from 'tap'
import { contextOf, itemsOf, pickItems } from '../../../src/stores/responses/store.ts'
import { stored } from './store-contract.ts'

t.strictSame(itemsOf(stored('a')).map(({ id }) => id), ['msg_in_a', 'msg_out_a'], 'the output follows the input')
t.strictSame(contextOf(stored('a')), itemsOf(stored('a')), 'whoever goes on has all of it')
const compaction = { id: 'cmp_1', type: 'compaction' as const, encrypted_content: 'x' }
t.strictSame(contextOf({ ...stored('a'), response: { ...stored('a').response, output: [compaction] } }), [compaction], 'but for what a compaction stands for')
t.strictSame([...pickItems([stored('a'), undefined, stored('b')], ['msg_out_b', 'msg_9', 'msg_in_a']).keys()].sort(), ['msg_in_a', 'msg_out_b'], 'only what is wanted is picked')
