import { Ajv } from 'ajv'
import t from 'tap'
import { MessagesRequest } from '../../../src/surfaces/anthropic/messages/request.ts'
import type { ValidationFailure } from '../../../src/http/replies/caller-error.ts'
import { toInvalidRequest } from '../../../src/surfaces/anthropic/validation-error.ts'

const validate = new Ajv({ discriminator: true, allowUnionTypes: true }).compile(MessagesRequest)
const user = (content: unknown) => ({ messages: [{ role: 'user', content }] })
const body = (rest: object) => ({ model: 'm', max_tokens: 10, ...user('Hi'), ...rest })

for (const [given, message] of [
  [{}, 'model: Field required'],
  [{ model: 'm', ...user('Hi') }, 'max_tokens: Field required'],
  [body({ model: '' }), 'model: String should have at least 1 character'],
  [body({ model: 1 }), 'model: Input should be a valid string'],
  [body({ max_tokens: -1 }), 'max_tokens: Input should be greater than or equal to 0'],
  [body({ max_tokens: 1.5 }), 'max_tokens: Input should be a valid integer'],
  [body({ temperature: 2 }), 'temperature: Input should be less than or equal to 1'],
  [body({ stream: 'yes' }), 'stream: Input should be a valid boolean'],
  [body({ messages: [] }), 'messages: at least one message is required'],
  [body({ messages: {} }), 'messages: Input should be a valid list'],
  [body({ messages: [{ role: 'bot', content: 'Hi' }] }), "messages.0.role: Input should be 'user', 'assistant' or 'system'"],
  [body({ messages: [{ role: 'user' }] }), 'messages.0.content: Field required'],
  [body(user(1)), 'messages.0.content: Input should be a valid string or a valid list'],
  [body(user([{ type: 'text' }])), 'messages.0.content.0.text: Field required'],
  [body(user([{ text: 'Hi' }])), 'messages.0.content.0.type: Field required'],
  [body(user([{ type: 'video' }])), "messages.0.content.0.type: Input tag 'video' is not supported here"],
  [body(user([{ type: 'image', source: { type: 'base64', media_type: 'image/png' } }])), 'messages.0.content.0.source.data: Field required'],
  [body({ tools: [{ name: 'a b', input_schema: {} }] }), "tools.0.name: String should match pattern '^[a-zA-Z0-9_-]+$'"],
  [body({ tools: [{ name: 'a'.repeat(129), input_schema: {} }] }), 'tools.0.name: String should have at most 128 characters'],
  [body({ tool_choice: { type: 'function' } }), "tool_choice.type: Input tag 'function' is not supported here"],
  [body({ output_config: { effort: 'huge' } }), /^output_config\.effort: Input should be 'none', .* or 'max'$/],
  [[], 'Input should be a valid dictionary']
] as const) {
  t.equal(validate(given), false, JSON.stringify(given).slice(0, 100))
  const error = toInvalidRequest(validate.errors as ValidationFailure[], given)
  t.match(error.message, message)
  t.equal(error.status, 400)
}

t.test('others\' words are marked', t => {
  validate(body(user([{ type: 'secret' }])))
  t.notMatch(toInvalidRequest(validate.errors as ValidationFailure[], {}).toLogged().message, 'secret')
  t.equal(toInvalidRequest([], {}).message, 'Invalid request body.')
  t.end()
})
