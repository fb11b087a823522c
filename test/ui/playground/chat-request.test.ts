import t from 'tap'
import { Answer } from '../../../src/ui/playground/answer.ts'
import { toChatRequest } from '../../../src/ui/playground/chat-request.ts'
import { chatSettings, type ChatSettings } from '../../../src/ui/playground/chat-settings.ts'
import { FrameTicker } from '../../../src/ui/shell/frame-ticker.ts'
import type { Turn } from '../../../src/ui/playground/turns.ts'

const settings = (members: Partial<ChatSettings> = {}): ChatSettings => ({ ...chatSettings.value, model: 'm', ...members })
const hello: Turn = { role: 'user', text: 'Hello', images: [] }

t.strictSame(toChatRequest(settings(), [hello]), {
  model: 'm', messages: [{ role: 'user', content: 'Hello' }], stream: true, stream_options: { include_usage: true }
}, 'what nobody set is not sent')

t.strictSame(toChatRequest(settings({ system: 'Be brief.', temperature: '0.5', maxTokens: '100', effort: 'low', stream: false, format: 'json_object' }), [hello]), {
  model: 'm',
  messages: [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: 'Hello' }],
  temperature: 0.5,
  max_completion_tokens: 100,
  reasoning_effort: 'low',
  response_format: { type: 'json_object' }
})

t.match(toChatRequest(settings({ hasTools: true, format: 'json_schema' }), [hello]), {
  tools: [{ type: 'function', function: { name: 'get_weather' } }],
  response_format: { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema: { type: 'object' } } }
}, 'the samples are JSON')

t.strictSame(toChatRequest(settings(), [{ role: 'user', text: '', images: [{ name: 'a', url: 'data:image/png;base64,AA' }] }])['messages'], [
  { role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA' } }] }
])

t.test('a conversation of several turns', t => {
  const called = new Answer(() => 0, new FrameTicker(() => {}))
  called.readEvents([{ kind: 'data', text: '{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c1","function":{"name":"f","arguments":"{}"}}]}}]}' }])
  const turns: Turn[] = [
    hello,
    { role: 'assistant', answer: called },
    { role: 'tool', results: [{ id: 'c1', content: '16 °C' }] },
    { role: 'assistant', answer: new Answer(() => 0) },
    hello
  ]
  t.strictSame(toChatRequest(settings(), turns)['messages'], [
    { role: 'user', content: 'Hello' },
    { role: 'assistant', content: null, tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }] },
    { role: 'tool', tool_call_id: 'c1', content: '16 °C' },
    { role: 'user', content: 'Hello' }
  ], 'an answer that failed is not told again')
  t.end()
})

const problems: Array<[Partial<ChatSettings>, RegExp]> = [
  [{ temperature: 'warm' }, /Temperature must be a number/],
  [{ maxTokens: '1,5' }, /Max tokens must be a number/],
  [{ hasTools: true, tools: '[' }, /Tools must be JSON/],
  [{ format: 'json_schema', schema: '{' }, /schema must be JSON/]
]
for (const [members, message] of problems) {
  t.throws(() => toChatRequest(settings(members), [hello]), { name: 'SettingError', message })
}
