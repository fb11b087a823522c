import t from 'tap'
import type { Change } from '../../../../src/generation/change.ts'
import type { Message } from '../../../../src/generation/request.ts'
import { toNativeMessages } from '../../../../src/workers-ai/request/messages/messages.ts'
import type { NativeMessage } from '../../../../src/workers-ai/request/native-message.ts'
import type { Model } from '../../../../src/workers-ai/models/model.ts'
import { modelOf } from '../model-of.ts'

const CLASSIC = modelOf('classic-2025')
const OPENAI = modelOf('openai', { vision: true })
const GUIDED = modelOf('guided', { vision: true })
const PNG = 'data:image/png;base64,iVBORw0KGgo='

function translated (messages: Message[], model: Model): { native: readonly NativeMessage[], changes: string[] } {
  const changes: Change[] = []
  const native = toNativeMessages(messages, model, changes)
  return { native, changes: changes.map(({ param, action }) => `${param} ${action}`) }
}

function called (args: string): Message {
  return { role: 'assistant', content: null, tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'f', arguments: args } }] }
}

t.test('content becomes what the family takes, and is never null', t => {
  const cases: Array<{ name: string, model: Model, given: Message, expected: NativeMessage }> = [
    { name: 'text', model: CLASSIC, given: { role: 'user', content: 'hi' }, expected: { role: 'user', content: 'hi' } },
    { name: 'parts of text, for a model that takes text only', model: CLASSIC, given: { role: 'user', content: [{ type: 'text', text: 'a' }, { type: 'text', text: 'b' }] }, expected: { role: 'user', content: 'a\nb' } },
    { name: 'parts of text, for a model that takes parts', model: OPENAI, given: { role: 'user', content: [{ type: 'text', text: 'a' }] }, expected: { role: 'user', content: 'a' } },
    { name: 'no parts', model: CLASSIC, given: { role: 'user', content: [] }, expected: { role: 'user', content: '' } },
    { name: 'null', model: CLASSIC, given: { role: 'user', content: null }, expected: { role: 'user', content: '' } },
    { name: 'nothing', model: OPENAI, given: { role: 'user' }, expected: { role: 'user', content: '' } },
    { name: 'system parts', model: CLASSIC, given: { role: 'system', content: [{ type: 'text', text: 'a' }, { type: 'text', text: 'b' }] }, expected: { role: 'system', content: 'a\nb' } },
    { name: 'a system message of null', model: CLASSIC, given: { role: 'system', content: null }, expected: { role: 'system', content: '' } },
    { name: 'a developer, for a model that knows none', model: CLASSIC, given: { role: 'developer', content: 'be kind' }, expected: { role: 'system', content: 'be kind' } },
    { name: 'a developer, for a model that does', model: OPENAI, given: { role: 'developer', content: 'be kind' }, expected: { role: 'developer', content: 'be kind' } },
    { name: 'an assistant without a word', model: CLASSIC, given: { role: 'assistant' }, expected: { role: 'assistant', content: '' } },
    { name: 'an assistant that refused', model: CLASSIC, given: { role: 'assistant', content: null, refusal: 'No.' }, expected: { role: 'assistant', content: 'No.' } },
    { name: 'an assistant that refused in a part', model: CLASSIC, given: { role: 'assistant', content: [{ type: 'text', text: 'Well.' }, { type: 'refusal', refusal: 'No.' }] }, expected: { role: 'assistant', content: 'Well.\nNo.' } },
    { name: 'a name', model: CLASSIC, given: { role: 'user', content: 'hi', name: 'Ada' }, expected: { role: 'user', content: 'hi', name: 'Ada' } },
    { name: 'an empty name', model: CLASSIC, given: { role: 'user', content: 'hi', name: '' }, expected: { role: 'user', content: 'hi' } },
    { name: 'a name of null', model: CLASSIC, given: { role: 'user', content: 'hi', name: null }, expected: { role: 'user', content: 'hi' } }
  ]
  for (const { name, model, given, expected } of cases) {
    const { native, changes } = translated([given], model)
    t.strictSame(native, [expected], name)
    t.strictSame(changes, [], `${name}, which changes nothing worth telling`)
  }
  t.end()
})

t.test('messages with names that are taken stay as they are', t => {
  const messages: Message[] = [{ role: 'user', content: 'hi', name: 'Ada' }, { role: 'assistant', content: 'ho' }]
  t.equal(translated(messages, CLASSIC).native, messages)
  for (const name of ['', null]) t.not(translated([{ role: 'user', content: 'hi', name }], CLASSIC).native[0], messages[0])
  t.end()
})

t.test('a name that is not taken is dropped, and told', t => {
  const { native, changes } = translated([{ role: 'user', content: 'hi' }, { role: 'user', content: 'hi', name: 'Ada' }], modelOf('guard'))
  t.strictSame(native, [{ role: 'user', content: 'hi\n\nhi' }])
  t.strictSame(changes, ['messages[1].name dropped', 'messages repaired'])
  t.strictSame(translated([{ role: 'user', content: 'hi', name: '' }], modelOf('guard')).changes, [], 'an empty one is no name')
  t.end()
})

t.test('images go to models that see, and to no other', t => {
  const image = (url: string, detail?: string | null): Message => ({ role: 'user', content: [{ type: 'text', text: 'What is it?' }, { type: 'image_url', image_url: { url, ...(detail !== undefined && { detail }) } }] })
  const sent = [
    { name: 'a PNG', given: image(PNG), expected: { url: PNG } },
    { name: 'with a detail', given: image(PNG, 'low'), expected: { url: PNG, detail: 'low' } },
    { name: 'with a detail of null', given: image(PNG, null), expected: { url: PNG } }
  ]
  for (const model of [OPENAI, GUIDED]) {
    for (const { name, given, expected } of sent) {
      t.strictSame(translated([given], model).native, [{ role: 'user', content: [{ type: 'text', text: 'What is it?' }, { type: 'image_url', image_url: expected }] }], `${name}, to ${model.family.name}`)
    }
  }
  const refused = [
    { name: 'a model that does not see', model: modelOf('openai'), given: image(PNG), param: 'messages[0].content[1]' },
    { name: 'a model that takes text only', model: modelOf('classic', { vision: true }), given: image(PNG), param: 'messages[0].content[1]' },
    { name: 'an SVG', model: OPENAI, given: image('data:image/svg+xml;base64,AAAA'), param: 'messages[0].content[1].image_url.url' },
    { name: 'an address', model: OPENAI, given: image('https://example.com/a.png'), param: 'messages[0].content[1].image_url.url' },
    { name: 'no base64', model: OPENAI, given: image('data:image/png,abc'), param: 'messages[0].content[1].image_url.url' },
    { name: 'no image', model: OPENAI, given: image('data:text/plain;base64,AAAA'), param: 'messages[0].content[1].image_url.url' },
    { name: 'a sound', model: OPENAI, given: { role: 'user', content: [{ type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } }] } as Message, param: 'messages[0].content[0]' },
    { name: 'a file', model: OPENAI, given: { role: 'user', content: [{ type: 'file', file: { file_id: 'file-1' } }] } as Message, param: 'messages[0].content[0]' }
  ]
  for (const { name, model, given, param } of refused) {
    t.throws(() => translated([given], model), { name: 'InvalidRequestError', status: 400, param, code: 'unsupported_value' }, `not ${name}`)
  }
  t.end()
})

t.test('earlier calls and their results go back as the family takes them', t => {
  const conversation: Message[] = [
    { role: 'user', content: 'Weather?' },
    { role: 'assistant', content: null, tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } }, { id: 'call_2', type: 'function', function: { name: 'time', arguments: '' } }] },
    { role: 'tool', tool_call_id: 'call_1', content: [{ type: 'text', text: '4' }, { type: 'text', text: '°C' }] },
    { role: 'tool', tool_call_id: 'call_2', content: null, name: 'time' }
  ]
  const calls = [{ id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } }, { id: 'call_2', type: 'function', function: { name: 'time', arguments: '{}' } }]
  t.strictSame(translated(conversation, OPENAI), {
    native: [
      { role: 'user', content: 'Weather?' },
      { role: 'assistant', content: '', tool_calls: calls },
      { role: 'tool', content: '4\n°C', tool_call_id: 'call_1' },
      { role: 'tool', content: '', tool_call_id: 'call_2', name: 'time' }
    ],
    changes: []
  }, 'with ids, text and arguments that are never empty')

  const guided = translated(conversation, GUIDED).native
  const ids = guided[1]?.tool_calls?.map(({ id }) => id) ?? []
  t.ok(ids.length === 2 && ids.every(id => /^[a-z0-9]{9}$/.test(id)), 'mistral reads ids of nine letters and digits only')
  t.strictSame([guided[2]?.tool_call_id, guided[3]?.tool_call_id], ids, 'and each result names its call')

  const text = translated(conversation, modelOf('classic', { family: { toolHistory: 'text' } }))
  t.strictSame(text.native.slice(1), [
    { role: 'assistant', content: '{"name":"weather","arguments":{"city":"Oslo"}}\n{"name":"time","arguments":{}}' },
    { role: 'tool', content: 'Result of call 1 of 2, weather:\n4\n°C' },
    { role: 'tool', content: 'Result of call 2 of 2, time:\n', name: 'time' }
  ], 'as JSON text, for models that were made for it, and each result says which call it answers')
  t.strictSame(text.changes, ['messages[1].tool_calls emulated'])
  const digits = translated([called('{"id": 12345678901234567890, "price": 1.10}'), called('Oslo')], modelOf('classic', { family: { toolHistory: 'text' } }))
  t.strictSame(digits.native.map(({ content }) => content), ['{"name":"f","arguments":{"id": 12345678901234567890, "price": 1.10}}', '{"name":"f","arguments":"Oslo"}'], 'as they were written')
  t.end()
})

t.test('earlier arguments are sent as a JSON object, whatever the model wrote', t => {
  const cases = [
    { name: 'an object passes as it was written', given: ' { "a": 1 }', expected: ' { "a": 1 }', repaired: false },
    { name: 'nothing is an empty object', given: ' ', expected: '{}', repaired: false },
    { name: 'and its numbers keep their digits', given: '{"id": 12345678901234567890, "price": 1.10,}', expected: '{"id":12345678901234567890,"price":1.10}', repaired: true },
    { name: 'an object that nearly parses is mended', given: '{"a": 1,}', expected: '{"a":1}', repaired: true },
    { name: 'an escape that is none is mended', given: '{"path":"C:\\xyz"}', expected: '{"path":"C:\\\\xyz"}', repaired: true },
    { name: 'prose is kept as text', given: 'Oslo', expected: '{"text":"Oslo"}', repaired: true },
    { name: 'a number is kept as text', given: '4', expected: '{"text":"4"}', repaired: true },
    { name: 'a list is kept as text', given: '[1]', expected: '{"text":"[1]"}', repaired: true }
  ]
  for (const { name, given, expected, repaired } of cases) {
    const { native, changes } = translated([called(given)], OPENAI)
    t.equal(native[0]?.tool_calls?.[0]?.function.arguments, expected, name)
    t.strictSame(changes, repaired ? ['messages[0].tool_calls[0].function.arguments repaired'] : [], `${name}, ${repaired ? 'and that is told' : 'which is nothing to tell'}`)
  }
  t.end()
})

t.test('the deprecated function_call and role function become calls and results', t => {
  const conversation: Message[] = [
    { role: 'user', content: 'Weather?' },
    { role: 'assistant', content: null, function_call: { name: 'weather', arguments: '{}' } },
    { role: 'function', name: 'weather', content: '4 °C' },
    { role: 'assistant', function_call: { name: 'weather', arguments: '{}' } },
    { role: 'function', name: 'weather', content: null }
  ]
  t.strictSame(translated(conversation, OPENAI), {
    native: [
      { role: 'user', content: 'Weather?' },
      { role: 'assistant', content: '', tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{}' } }] },
      { role: 'tool', content: '4 °C', tool_call_id: 'call_1', name: 'weather' },
      { role: 'assistant', content: '', tool_calls: [{ id: 'call_3', type: 'function', function: { name: 'weather', arguments: '{}' } }] },
      { role: 'tool', content: '', tool_call_id: 'call_3', name: 'weather' }
    ],
    changes: []
  })
  const both: Message = { role: 'assistant', function_call: { name: 'old', arguments: '{}' }, tool_calls: [{ id: 'call_9', type: 'function', function: { name: 'new', arguments: '{}' } }] }
  t.equal(translated([both], OPENAI).native[0]?.tool_calls?.[0]?.function.name, 'new', 'calls in both forms are told as the newer one')
  t.strictSame(translated([both], OPENAI).changes, ['messages[0].function_call dropped'], 'and that is told')
  t.strictSame(translated([{ ...both, tool_calls: [{ id: 'call_9', type: 'function', function: { name: 'old', arguments: '{}' } }] }], OPENAI).changes, [], 'unless both are the same')
  t.strictSame(translated([{ role: 'assistant', content: 'hi', function_call: null, tool_calls: null }], OPENAI).native, [{ role: 'assistant', content: 'hi' }], 'null is no call')
  t.end()
})

t.test('earlier thinking goes back where the template reads it', t => {
  const cases: Array<{ name: string, model: Model, given: Message, reasoning: string | undefined, changes: string[] }> = [
    { name: 'by one name', model: OPENAI, given: { role: 'assistant', content: 'a', reasoning_content: 'Hm' }, reasoning: 'Hm', changes: [] },
    { name: 'by the other', model: OPENAI, given: { role: 'assistant', content: 'a', reasoning: 'Hm' }, reasoning: 'Hm', changes: [] },
    { name: 'by both, one of them empty', model: OPENAI, given: { role: 'assistant', content: 'a', reasoning_content: '', reasoning: 'Hm' }, reasoning: 'Hm', changes: [] },
    { name: 'none', model: CLASSIC, given: { role: 'assistant', content: 'a', reasoning_content: '' }, reasoning: undefined, changes: [] },
    { name: 'by both, the same', model: OPENAI, given: { role: 'assistant', content: 'a', reasoning_content: 'Hm', reasoning: 'Hm' }, reasoning: 'Hm', changes: [] },
    { name: 'by both, different', model: OPENAI, given: { role: 'assistant', content: 'a', reasoning_content: 'Hm', reasoning: 'Ha' }, reasoning: 'Hm', changes: ['messages[0].reasoning dropped'] },
    { name: 'by OpenRouter\'s name', model: OPENAI, given: { role: 'assistant', content: 'a', reasoning_details: [{ type: 'reasoning.text', text: 'Hm', signature: 'x' }, { type: 'reasoning.summary', summary: 'Ha' }] } as Message, reasoning: 'Hm\nHa', changes: [] },
    { name: 'by both of OpenRouter\'s names', model: OPENAI, given: { role: 'assistant', content: 'a', reasoning: 'Hm', reasoning_details: [{ type: 'reasoning.text', text: 'Hm' }] } as Message, reasoning: 'Hm', changes: [] },
    { name: 'that only its writer can read', model: OPENAI, given: { role: 'assistant', content: 'a', reasoning_details: [{ type: 'reasoning.encrypted', data: 'x' }] } as Message, reasoning: undefined, changes: ['messages[0].reasoning_details dropped'] },
    { name: 'by LiteLLM\'s name', model: OPENAI, given: { role: 'assistant', content: 'a', thinking_blocks: [{ type: 'thinking', thinking: 'Hm', signature: 'x' }] } as Message, reasoning: 'Hm', changes: [] },
    { name: 'by Copilot\'s name', model: OPENAI, given: { role: 'assistant', content: 'a', reasoning_text: 'Hm', reasoning_opaque: 'x' } as Message, reasoning: 'Hm', changes: ['messages[0].reasoning_opaque dropped'] },
    { name: 'by Ollama\'s name', model: OPENAI, given: { role: 'assistant', content: 'a', thinking: 'Hm' } as Message, reasoning: 'Hm', changes: [] },
    { name: 'as a part, as Anthropic has it', model: OPENAI, given: { role: 'assistant', content: [{ type: 'thinking', thinking: 'Hm' } as never, { type: 'text', text: 'a' }] }, reasoning: 'Hm', changes: [] },
    { name: 'as a part, as Mistral has it', model: OPENAI, given: { role: 'assistant', content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'Hm' }] } as never, { type: 'text', text: 'a' }] }, reasoning: 'Hm', changes: [] },
    { name: 'as a part nobody can read', model: OPENAI, given: { role: 'assistant', content: [{ type: 'redacted_thinking', data: 'x' } as never, { type: 'text', text: 'a' }] }, reasoning: undefined, changes: ['messages[0].content[0] dropped'] },
    { name: 'as a part, not to older models', model: CLASSIC, given: { role: 'assistant', content: [{ type: 'reasoning', text: 'Hm' } as never, { type: 'text', text: 'a' }] }, reasoning: undefined, changes: ['messages[0].content[0] dropped'] },
    { name: 'details, not to older models', model: CLASSIC, given: { role: 'assistant', content: 'a', reasoning_details: [{ type: 'reasoning.text', text: 'Hm' }] } as Message, reasoning: undefined, changes: ['messages[0].reasoning_details dropped'] },
    { name: 'by the other name, not to older models', model: CLASSIC, given: { role: 'assistant', content: 'a', reasoning: 'Hm' }, reasoning: undefined, changes: ['messages[0].reasoning dropped'] },
    { name: 'not to older models', model: CLASSIC, given: { role: 'assistant', content: 'a', reasoning_content: 'Hm' }, reasoning: undefined, changes: ['messages[0].reasoning_content dropped'] }
  ]
  for (const { name, model, given, reasoning, changes } of cases) {
    const { native, changes: told } = translated([given], model)
    t.strictSame(native, [{ role: 'assistant', content: 'a', ...(reasoning !== undefined && { reasoning }) }], name)
    t.strictSame(told, changes, `${name} (changes)`)
  }
  t.end()
})

t.test('results go up in the order of their calls, and say which they answer where ids do not', t => {
  const call = (id: string, name = 'f') => ({ id, type: 'function' as const, function: { name, arguments: '{}' } })
  const result = (id: string, content = id.toUpperCase()): Message => ({ role: 'tool', tool_call_id: id, content })
  const turn = (...calls: string[]): Message => ({ role: 'assistant', content: null, tool_calls: calls.map(id => call(id)) })
  const go: Message = { role: 'user', content: 'Go' }
  const cases: Array<{ name: string, given: Message[], order: string[], changes: string[] }> = [
    { name: 'results in the order they came', given: [go, turn('a', 'b'), result('b'), result('a')], order: ['A', 'B'], changes: ['messages[3] repaired'] },
    { name: 'results in order', given: [go, turn('a', 'b'), result('a'), result('b')], order: ['A', 'B'], changes: [] },
    { name: 'three of them', given: [turn('a', 'b', 'c'), result('c'), result('a'), result('b')], order: ['A', 'B', 'C'], changes: ['messages[2] repaired'] },
    { name: 'each turn by itself', given: [turn('a', 'b'), result('b'), result('a'), turn('b', 'a'), result('a', 'A2'), result('b', 'B2')], order: ['A', 'B', 'B2', 'A2'], changes: ['messages[2] repaired', 'messages[5] repaired'] },
    { name: 'calls of one id', given: [turn('a', 'a', 'b'), result('b'), result('a', 'A1'), result('a', 'A2')], order: ['A1', 'A2', 'B'], changes: ['messages[2] repaired'] },
    { name: 'a result without its call comes last', given: [turn('a', 'b'), result('x'), result('b'), result('a')], order: ['A', 'B', 'X'], changes: ['messages[3] repaired'] },
    { name: 'a result alone', given: [turn('a'), result('x')], order: ['X'], changes: [] },
    { name: 'results behind nothing', given: [result('b'), result('a')], order: ['B', 'A'], changes: [] }
  ]
  for (const model of [OPENAI, modelOf('qwen3'), GUIDED, modelOf('llama-4'), modelOf('gpt-oss')]) {
    for (const { name, given, order, changes } of cases) {
      const { native, changes: told } = translated(given, model)
      t.strictSame(native.filter(({ role }) => role === 'tool').map(({ content }) => content), order, `${name}, to ${model.family.name}`)
      t.strictSame(told, changes, `${name} (changes)`)
    }
  }
  for (const model of [modelOf('hermes'), modelOf('classic-2025', { family: { tools: 'prompt' } })]) {
    const { native } = translated([{ ...turn('a', 'b'), tool_calls: [call('a', 'rain'), call('b', 'sun')] } as Message, result('b')], model)
    t.equal(native[1]?.content, 'Result of call 2 of 2, sun:\nB', `the only result of two, to ${model.family.name}`)
    t.equal(translated([turn('a'), result('a')], model).native[1]?.content, 'A', 'what answers the only call says no more')
  }
  t.end()
})

t.test('images that tools gave back follow in a message of the user', t => {
  const conversation: Message[] = [
    { role: 'assistant', content: null, tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }, { id: 'b', type: 'function', function: { name: 'f', arguments: '{}' } }] },
    { role: 'tool', tool_call_id: 'a', content: [{ type: 'text', text: 'see' }, { type: 'image_url', image_url: { url: PNG } }] },
    { role: 'tool', tool_call_id: 'b', content: [{ type: 'image', mimeType: 'image/png', data: 'iVBORw0KGgo=' } as never] },
    { role: 'user', content: 'And?' }
  ]
  const { native, changes } = translated(conversation, OPENAI)
  t.strictSame(native.slice(1), [
    { role: 'tool', content: 'see', tool_call_id: 'a' },
    { role: 'tool', content: '', tool_call_id: 'b' },
    { role: 'user', content: [{ type: 'image_url', image_url: { url: PNG } }, { type: 'image_url', image_url: { url: PNG } }] },
    { role: 'user', content: 'And?' }
  ])
  t.strictSame(changes, ['messages[1].content emulated', 'messages[2].content[0] renamed', 'messages[2].content emulated'])
  t.strictSame(translated(conversation.slice(0, 3), OPENAI).native.map(({ role }) => role), ['assistant', 'tool', 'tool', 'user'], 'also at the end')
  t.throws(() => translated(conversation, CLASSIC), { status: 400, param: 'messages[1].content[1]', message: /cannot see images/ })
  const text: Message = { role: 'tool', tool_call_id: 'a', content: [{ type: 'file', file: { filename: 'a.txt', file_data: 'aGk=' } }] }
  t.strictSame(translated([text], CLASSIC), { native: [{ role: 'tool', content: 'File a.txt:\n```\nhi\n```', tool_call_id: 'a' }], changes: ['messages[0].content[0] emulated'] }, 'a text file is text')
  t.end()
})

t.test('images beside the content are parts of it', t => {
  const given = { role: 'user', content: 'What is it?', images: ['iVBORw0KGgo=', PNG] } as Message
  t.strictSame(translated([given], OPENAI).native, [{ role: 'user', content: [{ type: 'text', text: 'What is it?' }, { type: 'image_url', image_url: { url: PNG } }, { type: 'image_url', image_url: { url: PNG } }] }])
  t.strictSame(translated([given], OPENAI).changes, ['messages[0].images renamed', 'messages[0].images[0] repaired'])
  t.throws(() => translated([given], CLASSIC), { status: 400, param: 'messages[0].images[0]', message: /cannot see images/ })
  t.throws(() => translated([{ role: 'user', content: 'x', images: ['cat'] } as Message], OPENAI), { status: 400, param: 'messages[0].images[0]', code: 'unsupported_value' })
  for (const images of ['iVBORw0KGgo=', [7], {}]) t.throws(() => translated([{ role: 'user', content: 'x', images } as Message], OPENAI), { status: 400, param: 'messages[0].images', code: 'unsupported_value' })
  t.strictSame(translated([{ role: 'user', content: 'x', images: [] } as Message], CLASSIC), { native: [{ role: 'user', content: 'x' }], changes: [] }, 'none are nothing to tell')
  t.end()
})

t.test('calls of custom tools are told as calls of the functions that stand for them', t => {
  const given: Message = { role: 'assistant', content: null, tool_calls: [{ id: 'a', type: 'custom', custom: { name: 'patch', input: '*** Begin "Patch"' } }] }
  t.strictSame(translated([given], OPENAI), {
    native: [{ role: 'assistant', content: '', tool_calls: [{ id: 'a', type: 'function', function: { name: 'patch', arguments: '{"input":"*** Begin \\"Patch\\""}' } }] }],
    changes: ['messages[0].tool_calls[0] emulated']
  })
  t.strictSame(translated([given], modelOf('hermes')).native, [{ role: 'assistant', content: '{"name":"patch","arguments":{"input":"*** Begin \\"Patch\\""}}' }], 'as text, too')
  t.end()
})

t.test('where system messages may stand at the beginning only, late ones join the first', t => {
  const conversation: Message[] = [
    { role: 'system', content: 'Be kind.' },
    { role: 'user', content: 'Hi' },
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Bye' }
  ]
  const expected = [
    { role: 'system', content: 'Be kind.\n\nBe brief.' },
    { role: 'user', content: 'Hi' },
    { role: 'user', content: 'Bye' }
  ]
  t.strictSame(translated(conversation, modelOf('qwen3.8')), { native: expected, changes: ['messages repaired'] })
  t.strictSame(translated(conversation.slice(1), modelOf('qwen3.8')).native.map(({ role }) => role), ['system', 'user', 'user'], 'also when there was none at the beginning')
  t.strictSame(translated(conversation, modelOf('kimi')).native.length, 4, 'elsewhere they stay where they are')
  t.strictSame(translated(conversation.slice(0, 2), modelOf('qwen3.8')).changes, [], 'nothing is told where nothing is done')
  t.end()
})
