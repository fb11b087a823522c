import t from 'tap'
import { toFamilyName } from '../../../src/workers-ai/models/model-schema.ts'

const text = { type: 'string' }
const textParts = { oneOf: [text, { type: 'array', items: { type: 'object', properties: { type: text, text } } }] }
const imageParts = { oneOf: [text, { type: 'array', items: { type: 'object', properties: { type: text, image_url: { type: 'object' } } } }] }

/** The two forms every chat model has, with these parameters in both. */
function chat (parameters: object, content: object = text): object {
  const messages = { type: 'array', items: { type: 'object', properties: { role: text, content }, required: ['role', 'content'] } }
  return {
    type: 'object',
    oneOf: [
      { title: 'Prompt', properties: { prompt: text, ...parameters }, required: ['prompt'] },
      { title: 'Messages', properties: { messages, ...parameters }, required: ['messages'] }
    ]
  }
}

const of2023 = { max_tokens: { type: 'integer', default: 256 }, top_p: { type: 'number', minimum: 0, maximum: 2 } }
const of2025 = { max_tokens: { type: 'integer', default: 2_000 }, top_p: { type: 'number', minimum: 0.001, maximum: 1 } }
const ofOpenAi = { max_completion_tokens: { anyOf: [{ type: 'integer' }, { type: 'null' }] }, top_p: { anyOf: [{ type: 'number', minimum: 0, maximum: 1 }, { type: 'null' }] } }
const thinks = (member: string) => ({ chat_template_kwargs: { type: 'object', properties: { [member]: { type: 'boolean' } } } })
const batch = { type: 'object', title: 'Async', properties: { requests: { type: 'array', items: chat(of2023) } }, required: ['requests'] }
const responses = { type: 'object', title: 'Responses', properties: { input: text, reasoning: { type: 'object' } }, required: ['input'] }

t.test('a schema tells the family', t => {
  const cases = [
    { name: 'the ranges of 2023', given: chat(of2023), expected: 'classic' },
    { name: 'the ranges of 2025', given: chat(of2025), expected: 'classic-2025' },
    { name: 'text parts are no reason to send parts', given: chat(of2025, textParts), expected: 'classic-2025' },
    { name: 'the ranges of the batch form are not asked', given: { oneOf: [chat(of2025), batch] }, expected: 'classic-2025' },
    { name: 'image parts', given: chat(of2023, imageParts), expected: 'vision' },
    { name: 'one part without a list', given: chat(of2023, { anyOf: [text, { type: 'object', properties: { image_url: { type: 'object' } } }] }), expected: 'vision' },
    { name: 'guided_json', given: chat({ ...of2023, guided_json: { type: 'object' } }, imageParts), expected: 'guided' },
    { name: 'the newer name of the token limit', given: chat(ofOpenAi, imageParts), expected: 'openai' },
    { name: 'branches in branches', given: { anyOf: [chat(ofOpenAi), batch] }, expected: 'openai' },
    { name: 'the usual switch for thinking', given: chat({ ...ofOpenAi, ...thinks('enable_thinking') }), expected: 'openai' },
    { name: 'another switch for thinking', given: chat({ ...ofOpenAi, ...thinks('thinking') }), expected: 'kimi' },
    { name: 'the Responses form', given: { oneOf: [chat(of2025, textParts), responses] }, expected: 'gpt-oss' },
    { name: 'the Responses form alone', given: { oneOf: [responses] }, expected: 'gpt-oss' },
    { name: 'one form without a choice', given: { type: 'object', properties: { messages: {}, temperature: {} } }, expected: 'classic' }
  ]
  for (const { name, given, expected } of cases) t.equal(toFamilyName(given), expected, name)
  t.end()
})

t.test('what is no schema of a chat model tells none', t => {
  let endless: object = chat(of2025)
  for (let depth = 0; depth < 20; depth++) endless = { oneOf: [endless] }
  const cases = [
    { name: 'nothing', given: undefined },
    { name: 'null', given: null },
    { name: 'text', given: 'messages' },
    { name: 'a list', given: [chat(of2025)] },
    { name: 'an empty schema', given: {} },
    { name: 'an embedding model', given: { type: 'object', properties: { text } } },
    { name: 'a speech model', given: { type: 'object', properties: { input: text } } },
    { name: 'members of the wrong kind', given: { oneOf: 'x', anyOf: { messages: {} }, properties: ['messages'] } },
    { name: 'branches that are none', given: { oneOf: [null, 1, 'x', [chat(of2025)]] } },
    { name: 'only the batch form', given: { oneOf: [batch] } },
    { name: 'branches deeper than anybody writes them', given: endless },
    { name: 'a property that every object has', given: { properties: Object.create({ messages: {} }) } }
  ]
  for (const { name, given } of cases) t.equal(toFamilyName(given), undefined, name)
  t.end()
})
