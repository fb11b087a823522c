import t from 'tap'
import type { Change } from '../../../../src/generation/change.ts'
import type { Message } from '../../../../src/generation/request.ts'
import { toNativeMessages } from '../../../../src/workers-ai/request/messages/messages.ts'
import { modelOf } from '../model-of.ts'

const GUARD = modelOf('guard')
const user = (content: string): Message => ({ role: 'user', content })
const assistant = (content: string): Message => ({ role: 'assistant', content })

function translated (messages: Message[]) {
  const changes: Change[] = []
  return { native: toNativeMessages(messages, GUARD, changes), changes: changes.map(({ param, action }) => `${param} ${action}`) }
}

t.test('what a model judges is what the user and the assistant say by turns', t => {
  const call: Message = { role: 'assistant', content: null, tool_calls: [{ id: 'a', type: 'function', function: { name: 'read', arguments: '{}' } }] }
  const cases: Array<{ name: string, given: Message[], native: object[], changes?: string[] }> = [
    { name: 'as it is', given: [user('Hi'), assistant('Ho'), user('Bye')], native: [user('Hi'), assistant('Ho'), user('Bye')] },
    { name: 'without what the system says', given: [{ role: 'system', content: 'Be kind.' }, user('Hi'), { role: 'developer', content: 'Be brief.' }, assistant('Ho')], native: [user('Hi'), assistant('Ho')], changes: ['messages[0] dropped', 'messages[2] dropped'] },
    { name: 'without a greeting', given: [{ role: 'system', content: 'Be kind.' }, assistant('Hello!'), user('Hi')], native: [user('Hi')], changes: ['messages[0] dropped', 'messages[1] dropped'] },
    { name: 'one message where one speaks twice', given: [user('Hi'), user('there'), assistant('Ho'), assistant('hum')], native: [user('Hi\n\nthere'), assistant('Ho\n\nhum')], changes: ['messages repaired'] },
    {
      name: 'calls and results as text',
      given: [user('Hi'), call, { role: 'tool', tool_call_id: 'a', content: 'text' }, user('And?')],
      native: [user('Hi'), assistant('<tool_call>\n{"name": "read", "arguments": {}}\n</tool_call>'), { role: 'user' }],
      changes: ['messages emulated', 'messages repaired']
    }
  ]
  for (const { name, given, native, changes = [] } of cases) {
    const told = translated(given)
    t.match(told.native, native, name)
    t.equal(told.native.length, native.length, name)
    t.strictSame(told.changes, changes, name)
    t.ok(told.native.every(({ role }, index) => role === (index % 2 === 0 ? 'user' : 'assistant')), `${name}: by turns`)
  }
  t.match(translated([user('Hi'), call, { role: 'tool', tool_call_id: 'a', content: 'sunny' }, user('And?')]).native.at(-1)?.content, /<tool_response>[^]*sunny[^]*<\/tool_response>[^]*And\?/)
  t.end()
})

t.test('where the user says nothing there is nothing to judge', t => {
  for (const messages of [[{ role: 'system', content: 'Be kind.' } as Message], [assistant('Hello!')]]) {
    t.throws(() => translated(messages), { name: 'InvalidRequestError', status: 400, param: 'messages', code: 'invalid_value' })
  }
  t.end()
})
