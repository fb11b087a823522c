import t from 'tap'
import type { Batch } from '../../src/generation/event.ts'
import { SingleToolCall } from '../../src/stages/single-tool-call.ts'

t.test('only the first call of an answer is kept, in all its pieces', t => {
  const given: Batch = [
    { type: 'text', text: 'hi' },
    { type: 'tool_call', index: 0, id: 'call_1', name: 'f', arguments: '' },
    { type: 'tool_call', index: 1, id: 'call_2', name: 'f', arguments: '{}' },
    { type: 'tool_call', index: 0, arguments: '{}' },
    { type: 'finish', reason: null }
  ]
  t.strictSame(new SingleToolCall().push(given), given.filter((_, index) => index !== 2))
  t.strictSame(new SingleToolCall().push([]), [], 'a batch of nothing stays nothing')
  t.end()
})
