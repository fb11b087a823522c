import t from 'tap'
import type { Change } from '../../../../src/generation/change.ts'
import type { AssistantMessage } from '../../../../src/generation/request.ts'
import { THINKING_MEMBERS, toEarlierThinking } from '../../../../src/workers-ai/request/messages/earlier-thinking.ts'

function thinkingOf (members: object, isTaken = true): { told: string | undefined, changes: string[] } {
  const changes: Change[] = []
  const told = toEarlierThinking({ role: 'assistant', content: 'a', ...members } as AssistantMessage, 'messages[1]', isTaken, changes)
  return { told, changes: changes.map(({ param, action }) => `${param} ${action}`) }
}

for (const name of THINKING_MEMBERS) {
  t.strictSame(thinkingOf({ [name]: 'Hm' }), { told: 'Hm', changes: [] }, `${name} is read`)
  t.strictSame(thinkingOf({ [name]: [{ text: 'Hm' }] }, false), { told: undefined, changes: [`messages[1].${name} dropped`] }, `${name} is told by its own name where it is not taken`)
}
t.strictSame(thinkingOf({ reasoning: 'Hm', thinking: 'Ha', reasoning_details: [{ data: 'x' }] }), { told: 'Hm', changes: ['messages[1].reasoning_details dropped', 'messages[1].thinking dropped'] }, 'the first that says something counts')
t.strictSame(thinkingOf({ content: [{ type: 'text', text: 'a' }, { type: 'reasoning', summary: [{ text: 'one' }, { text: 'two' }] }] }), { told: 'one\ntwo', changes: [] }, 'a part may be thinking')
t.strictSame(thinkingOf({ reasoning_content: '', reasoning: null, reasoning_details: [] }), { told: undefined, changes: [] }, 'nothing is nothing to tell')
