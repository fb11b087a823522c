import t from 'tap'
import type { Batch } from '../../../../src/generation/event.ts'
import { Prefill } from '../../../../src/surfaces/anthropic/messages/prefill.ts'
import { FINISH, merged, text } from '../../../streams/events.ts'

const reasoning = (text: string): Batch[number] => ({ type: 'reasoning', text })
for (const { name, given, expected } of [
  { name: 'an answer that goes on', given: text('"a":', ' 1}'), expected: text('"a": 1}') },
  { name: 'one that repeats the beginning', given: text('{"a', '": 1}'), expected: text('"a": 1}') },
  { name: 'one that repeats it behind white space, piece by piece', given: text(' ', '{', '"', 'a', '": 1}'), expected: text('": 1}') },
  { name: 'one that begins alike', given: text('{', '"b": 1}'), expected: text('{"b": 1}') },
  { name: 'one that ends before it is certain', given: text('{'), expected: text('{') },
  { name: 'thinking passes', given: [reasoning('Hm'), ...text('{"a": 1}')], expected: [reasoning('Hm'), ...text('": 1}')] }
]) {
  const prefill = new Prefill(name.includes('repeats the beginning') ? '{ ' : '{"a')
  t.equal(prefill.isDecided, false)
  t.strictSame(merged([...given, FINISH].flatMap(event => prefill.push(event))), [...expected, FINISH], name)
  t.equal(prefill.isDecided, true)
}
