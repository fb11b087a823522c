import t from 'tap'
import type { Change } from '../../../../src/generation/change.ts'
import { inOrderOfCalls, type ModernMessage } from '../../../../src/workers-ai/request/messages/tool-results.ts'

const result = (id: string): ModernMessage => ({ role: 'tool', tool_call_id: id, content: id })
const turn: ModernMessage = {
  role: 'assistant',
  content: null,
  tool_calls: [{ id: 'a', type: 'function', function: { name: 'rain', arguments: '{}' } }, { id: 'b', type: 'custom', custom: { name: 'patch', input: '' } }]
}

t.test('results stand in the order of their calls, and bear the call they answer', t => {
  const changes: Change[] = []
  const placed = inOrderOfCalls([turn, result('b'), result('a'), { role: 'user', content: 'And?' }], changes)
  t.strictSame(placed.map(({ index, call }) => [index, call]), [
    [0, undefined],
    [2, { name: 'rain', place: 1, of: 2 }],
    [1, { name: 'patch', place: 2, of: 2 }],
    [3, undefined]
  ])
  t.strictSame(changes.map(({ param, action }) => `${param} ${action}`), ['messages[2] repaired'])
  t.end()
})

t.test('what somebody says in between divides turns', t => {
  const changes: Change[] = []
  const placed = inOrderOfCalls([turn, result('b'), { role: 'user', content: 'Wait.' }, result('a')], changes)
  t.strictSame(placed.map(({ index, call }) => [index, call?.place]), [[0, undefined], [1, 2], [2, undefined], [3, undefined]])
  t.strictSame(changes, [])
  t.end()
})
