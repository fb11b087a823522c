import t from 'tap'
import { findMessageFaults, refuseMessages } from '../../../src/simulator/validation/message-faults.ts'
import type { RunMessage } from '../../../src/simulator/run-body.ts'
import { CATALOGUE } from '../../../src/workers-ai/models/catalogue.ts'
import { KIMI, LLAMA, LLAMA_4, MISTRAL } from '../asking.ts'

const GUARD = '@cf/meta/llama-guard-3-8b'
const text = { type: 'text', text: 'Hi' }
const png = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }
const web = { type: 'image_url', image_url: { url: 'https://example.com/a.png' } }

const faults: Array<{ name: string, model?: string, given: unknown, expected: string[] }> = [
  { name: 'text passes', given: [{ role: 'user', content: 'Hi' }], expected: [] },
  { name: 'messages are a list', given: 'Hi', expected: ["Type mismatch of '/messages', 'string' not in 'array'"] },
  { name: 'that is not empty', given: [], expected: ["Length of '/messages' must be >= 1 not met"] },
  { name: 'of objects', given: ['Hi'], expected: ["Type mismatch of '/messages/0', 'string' not in 'object'"] },
  { name: 'parts are refused by classic models', given: [{ role: 'user', content: [text] }], expected: ["Type mismatch of '/messages/0/content', 'array' not in 'string'"] },
  { name: 'null too', given: [{ role: 'assistant', content: null }], expected: ["Type mismatch of '/messages/0/content', 'null' not in 'string'"] },
  { name: 'a missing content is required, and so is the role', given: [{ role: 'user', content: 'Hi' }, { role: 'assistant' }], expected: ["required properties at '/messages/1' are 'role,content'"] },
  { name: 'every fault is told', given: [{ content: 'Hi' }, { role: 1, content: '' }], expected: ["required properties at '/messages/0' are 'role,content'", "Type mismatch of '/messages/1/role', 'integer' not in 'string'"] },
  { name: 'guided models take parts', model: LLAMA_4, given: [{ role: 'user', content: [text, png] }], expected: [] },
  { name: 'and one part alone', model: LLAMA_4, given: [{ role: 'user', content: text }], expected: [] },
  { name: 'but no image from the web', model: LLAMA_4, given: [{ role: 'user', content: [text, web] }], expected: ["'/messages/0/content/1/image_url/url' must be a data URI, HTTP URL will not be accepted"] },
  { name: 'nobody takes one', model: KIMI, given: [{ role: 'user', content: [web] }], expected: ["'/messages/0/content/0/image_url/url' must be a data URI, HTTP URL will not be accepted"] },
  { name: 'an image has a url', model: KIMI, given: [{ role: 'user', content: [{ type: 'image_url' }] }], expected: ["required properties at '/messages/0/content/0/image_url' are 'url'"] },
  { name: 'parts have known types', model: KIMI, given: [{ role: 'user', content: [{ type: 'video' }] }], expected: ["enum video not in text,image_url,input_audio,file at '/messages/0/content/0/type'"] },
  { name: 'a text part has text', model: KIMI, given: [{ role: 'user', content: [{ type: 'text' }] }], expected: ["Type mismatch of '/messages/0/content/0/text', 'undefined' not in 'string'"] },
  { name: 'OpenAI-shaped models let an assistant say nothing', model: KIMI, given: [{ role: 'assistant', content: null }, { role: 'assistant' }], expected: [] },
  { name: 'but not a user', model: KIMI, given: [{ role: 'user', content: null }], expected: ["Type mismatch of '/messages/0/content', 'null' not in 'string'"] },
  { name: 'they know their roles', model: KIMI, given: [{ role: 'bot', content: 'Hi' }], expected: ["enum bot not in developer,system,user,assistant,tool,function at '/messages/0/role'"] },
  { name: 'and need the id of a call', model: KIMI, given: [{ role: 'tool', content: 'rain' }], expected: ["required properties at '/messages/0' are 'role,content,tool_call_id'"] },
  { name: 'mistral needs it, too', model: MISTRAL, given: [{ role: 'tool', content: 'rain' }], expected: ["required properties at '/messages/0' are 'role,content,tool_call_id'"] },
  { name: 'a judge knows two roles', model: GUARD, given: [{ role: 'system', content: 'Hi' }], expected: ["enum system not in user,assistant at '/messages/0/role'"] }
]
for (const { name, model = LLAMA, given, expected } of faults) {
  t.strictSame(findMessageFaults({ messages: given }, CATALOGUE.get(model)!), expected, name)
}

const refusals: Array<{ name: string, model: string, given: RunMessage[], expected: { code: number, message: RegExp } }> = [
  { name: 'mistral is particular about ids', model: MISTRAL, given: [{ role: 'tool', content: '', tool_call_id: 'call_1' }], expected: { code: 8007, message: /Tool call id was call_1 but must be a-z, A-Z, 0-9, with a length of 9/ } },
  { name: 'a judge hears both sides in turn', model: GUARD, given: [{ role: 'user', content: '' }, { role: 'user', content: '' }], expected: { code: 8007, message: /must alternate/ } },
  { name: 'qwen3.8 wants the system first', model: '@cf/qwen/qwen3.8-27b', given: [{ role: 'user', content: '' }, { role: 'system', content: '' }], expected: { code: 8007, message: /System message must be at the beginning/ } },
  { name: 'vector images break the server', model: KIMI, given: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/svg+xml,<svg/>' } }] }], expected: { code: 8005, message: /Internal Server Error/ } }
]
for (const { name, model, given, expected } of refusals) t.throws(() => refuseMessages(given, CATALOGUE.get(model)!), expected, name)

t.doesNotThrow(() => refuseMessages([{ role: 'tool', content: '', tool_call_id: 'a1b2c3d4e' }], CATALOGUE.get(MISTRAL)!), 'nine letters and digits please mistral')
