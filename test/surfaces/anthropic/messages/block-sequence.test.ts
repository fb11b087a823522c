import t from 'tap'
import type { GenerationEvent } from '../../../../src/generation/event.ts'
import { BlockSequence } from '../../../../src/surfaces/anthropic/messages/block-sequence.ts'
import { FINISH } from '../../../streams/events.ts'

const text = (text: string): GenerationEvent => ({ type: 'text', text })
const think = (text: string): GenerationEvent => ({ type: 'reasoning', text })
const call = (index: number, args = ''): GenerationEvent => ({ type: 'tool_call', index, id: `call_${index}`, name: 'f', arguments: args })
const more = (index: number, args: string): GenerationEvent => ({ type: 'tool_call', index, arguments: args })

function told (events: GenerationEvent[], tellsThinking = true): { told: string, leftOut: boolean } {
  let told = ''
  const blocks = new BlockSequence({
    opened: block => { told += block.type === 'tool_use' ? `<${block.id} ` : `<${block.type} ` },
    grew: ({ text }) => { told += text },
    inputGrew: json => { told += json },
    closed: () => { told += '>' }
  }, tellsThinking)
  for (const event of events) blocks.push(event)
  return { told, leftOut: blocks.leftOutThinking }
}

for (const { name, given, expected } of [
  { name: 'thinking, then text', given: [think('a'), think('b'), text('c'), text('')], expected: '<thinking ab><text c>' },
  { name: 'text, then thinking, then text', given: [text('a'), think('b'), text('c')], expected: '<text a><thinking b><text c>' },
  { name: 'calls one after the other', given: [text('a'), call(0), more(0, '{"x":'), more(0, '1}'), call(1, '{}')], expected: '<text a><toolu_0 {"x":1}><toolu_1 {}>' },
  { name: 'calls in each other', given: [call(0), call(1), more(0, '{"a":'), more(1, '{"b"'), more(0, '1}'), more(1, ':2}')], expected: '<toolu_0 {"a":1}><toolu_1 {"b":2}>' },
  { name: 'three calls in each other', given: [call(0), call(1, '{'), call(2, '{}'), more(1, '}'), more(0, '{}')], expected: '<toolu_0 {}><toolu_1 {}><toolu_2 {}>' },
  { name: 'text between calls that are not whole', given: [call(0), text('a'), call(1, '{}'), think('b'), more(0, '{}')], expected: '<toolu_0 {}><text a><toolu_1 {}><thinking b>' },
  { name: 'a call that never gets its input', given: [call(0), text('a'), call(1), more(1, '{"b')], expected: '<toolu_0 ><text a><toolu_1 {"b>' },
  { name: 'text behind a call', given: [call(0, '{"a":"}"}'), text('b')], expected: '<toolu_0 {"a":"}"}><text b>' },
  { name: 'a piece of a call that is told', given: [call(0, '{}'), text('a'), more(0, ' ')], expected: '<toolu_0 {}><text a>' },
  { name: 'nothing', given: [text(''), think('')], expected: '' }
]) t.equal(told([...given, FINISH]).told, expected, name)

t.test('thinking that nobody wants is left out, and text around it is one block', t => {
  t.strictSame(told([think('a'), text('b'), think('c'), text('d'), FINISH], false), { told: '<text bd>', leftOut: true })
  t.strictSame(told([text('b'), FINISH], false), { told: '<text b>', leftOut: false })
  t.strictSame(told([call(0), think('c'), text('d'), more(0, '{}'), FINISH], false), { told: '<toolu_0 {}><text d>', leftOut: true })
  t.end()
})
