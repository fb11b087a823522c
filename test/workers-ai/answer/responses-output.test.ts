import t from 'tap'
import { toMessage } from '../../../src/workers-ai/answer/responses-output.ts'

t.test('an output of the Responses API is told as a message', t => {
  const cases = [
    {
      name: 'text',
      given: [{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Hello ', annotations: [] }, { type: 'output_text', text: 'there' }] }],
      expected: { content: 'Hello there', reasoning: '', tool_calls: [] }
    },
    {
      name: 'thinking',
      given: [{ type: 'reasoning', summary: [], content: [{ type: 'reasoning_text', text: 'Hm.' }] }, { type: 'message', content: [{ type: 'output_text', text: 'Hi' }] }],
      expected: { content: 'Hi', reasoning: 'Hm.', tool_calls: [] }
    },
    {
      name: 'a summary where there is no thinking',
      given: [{ type: 'reasoning', summary: [{ type: 'summary_text', text: 'Thought.' }] }],
      expected: { content: '', reasoning: 'Thought.', tool_calls: [] }
    },
    {
      name: 'calls',
      given: [{ type: 'function_call', id: 'fc_1', call_id: 'call_x', name: 'f', arguments: '{}', status: 'completed' }, { type: 'function_call', name: 'g' }],
      expected: { content: '', reasoning: '', tool_calls: [{ id: 'call_x', name: 'f', arguments: '{}' }, { id: undefined, name: 'g', arguments: undefined }] }
    },
    { name: 'content that is plain text', given: [{ type: 'message', content: 'Hi' }], expected: { content: 'Hi', reasoning: '', tool_calls: [] } },
    { name: 'items and parts of no known form', given: [null, 'x', { type: 'web_search_call' }, { type: 'message', content: [null, { type: 'image' }] }, { type: 'message' }], expected: { content: '', reasoning: '', tool_calls: [] } },
    { name: 'nothing', given: [], expected: { content: '', reasoning: '', tool_calls: [] } },
    { name: 'no list', given: { type: 'message' }, expected: undefined },
    { name: 'no output', given: undefined, expected: undefined }
  ]
  for (const { name, given, expected } of cases) t.strictSame(toMessage(given), expected, name)
  t.end()
})
