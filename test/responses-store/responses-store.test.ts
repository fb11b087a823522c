import t from 'tap'
import { itemsOf, pickItems } from '../../src/responses-store/responses-store.ts'
import { stored } from './store-contract.ts'

t.strictSame(itemsOf(stored('a')).map(({ id }) => id), ['msg_in_a', 'msg_out_a'], 'the output follows the input')
t.strictSame([...pickItems([stored('a'), undefined, stored('b')], ['msg_out_b', 'msg_9', 'msg_in_a']).keys()].sort(), ['msg_in_a', 'msg_out_b'], 'only what is wanted is picked')
