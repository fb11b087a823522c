import t from 'tap'
import type { Message } from '../../../src/surfaces/openai/chat-completions/request.ts'
import { toBody, toRunRequest } from '../../../src/workers-ai/request/run-request.ts'
import type { FamilyName } from '../../../src/workers-ai/models/family.ts'
import { toText } from '../../../src/workers-ai/transport/request-body.ts'
import { modelOf } from '../../workers-ai/request/model-of.ts'

/** Says something nothing else says. */
const WORD = 'xylophone'

/** What OpenAI's API and the servers and clients around it put into a message: where it is not sent, it is told. */
const MEMBERS: Array<{ path: string, given: object }> = [
  { path: 'messages[0].name', given: { role: 'user', content: 'a', name: WORD } },
  { path: 'messages[0].images', given: { role: 'assistant', content: 'a', images: [{ image_url: { url: WORD } }] } },
  { path: 'messages[0].images', given: { role: 'system', content: 'a', images: [WORD] } },
  { path: 'messages[0].id', given: { role: 'user', content: 'a', id: WORD } },
  { path: 'messages[0].cache_control', given: { role: 'user', content: 'a', cache_control: { type: WORD } } },
  { path: 'messages[0].content[0].cache_control', given: { role: 'system', content: [{ type: 'text', text: 'a', cache_control: { type: WORD } }] } },
  { path: 'messages[0].content[0].cache_control', given: { role: 'user', content: [{ type: 'text', text: 'a', cache_control: { type: WORD } }] } },
  { path: 'messages[0].content[0].cache_control', given: { role: 'assistant', content: [{ type: 'text', text: 'a', cache_control: { type: WORD } }] } },
  { path: 'messages[0].content[0].cache_control', given: { role: 'tool', tool_call_id: 'a', content: [{ type: 'text', text: 'a', cache_control: { type: WORD } }] } },
  { path: 'messages[0].content[0].citations', given: { role: 'assistant', content: [{ type: 'text', text: 'a', citations: [WORD] }] } },
  { path: 'messages[0].refusal', given: { role: 'assistant', content: 'a', refusal: WORD } },
  { path: 'messages[0].annotations', given: { role: 'assistant', content: 'a', annotations: [{ type: WORD }] } },
  { path: 'messages[0].audio', given: { role: 'assistant', content: 'a', audio: { id: WORD } } },
  { path: 'messages[0].prefix', given: { role: 'assistant', content: 'a', prefix: true } },
  { path: 'messages[0].provider_specific_fields', given: { role: 'assistant', content: 'a', provider_specific_fields: { x: WORD } } },
  { path: 'messages[0].reasoning_content', given: { role: 'assistant', content: 'a', reasoning_content: WORD } },
  { path: 'messages[0].reasoning', given: { role: 'assistant', content: 'a', reasoning: WORD } },
  { path: 'messages[0].reasoning_details', given: { role: 'assistant', content: 'a', reasoning_details: [{ type: 'reasoning.text', text: WORD }] } },
  { path: 'messages[0].thinking_blocks', given: { role: 'assistant', content: 'a', thinking_blocks: [{ type: 'thinking', thinking: WORD }] } },
  { path: 'messages[0].reasoning_text', given: { role: 'assistant', content: 'a', reasoning_text: WORD } },
  { path: 'messages[0].reasoning_opaque', given: { role: 'assistant', content: 'a', reasoning_opaque: WORD } },
  { path: 'messages[0].thinking', given: { role: 'assistant', content: 'a', thinking: WORD } },
  { path: 'messages[0].tool_calls[0].extra_content', given: { role: 'assistant', tool_calls: [{ id: 'a', type: 'function', extra_content: { signature: WORD }, function: { name: 'f', arguments: '{}' } }] } },
  { path: 'messages[0].tool_calls[0]', given: { role: 'assistant', tool_calls: [{ id: 'a', type: 'custom', custom: { name: 'f', input: WORD } }] } },
  { path: 'messages[0].is_error', given: { role: 'tool', tool_call_id: 'a', content: 'a', is_error: true } },
  { path: 'messages[0].artifact', given: { role: 'tool', tool_call_id: 'a', content: 'a', artifact: WORD } },
  { path: 'messages[0].tool_calls', given: { role: 'user', content: 'a', tool_calls: [{ id: WORD }] } },
  { path: 'messages[0].timestamp', given: { role: 'user', content: 'a', timestamp: 1_700_000_000 } }
]

const FAMILIES: FamilyName[] = ['classic', 'classic-2025', 'hermes', 'guided', 'llama-4', 'qwen3', 'gpt-oss', 'kimi', 'gemma-4', 'openai', 'guard']

for (const family of FAMILIES) {
  t.test(`on a model of the family ${family} no member of a message is lost in silence`, t => {
    for (const { path, given } of MEMBERS) {
      const run = toRunRequest({ model: 'm', messages: [given as Message, { role: 'user', content: 'hi' }] }, modelOf(family), { defaultMaxTokens: 100, maxChoices: 8, unsupportedParams: 'warn', emulateTools: true, rejectIfBusy: false })
      const isSent = toText(toBody(run, { stream: false, choice: 0, baseSeed: 1 })).includes(WORD)
      const isTold = run.changes.some(({ param, action }) => param === path || (param === 'messages[0]' && action === 'dropped'))
      t.ok(isSent || isTold, `${path} of the role ${(given as { role: string }).role}: ${isSent ? 'sent' : isTold ? 'told' : 'lost'}`)
    }
    t.end()
  })
}

t.test('members that say nothing are nothing to tell', t => {
  const given = { role: 'assistant', content: 'a', refusal: null, annotations: [], audio: null, function_call: null, tool_calls: [], reasoning_content: null, reasoning_details: [], provider_specific_fields: {}, images: [] }
  const run = toRunRequest({ model: 'm', messages: [given as Message] }, modelOf('classic'), { defaultMaxTokens: 100, maxChoices: 8, unsupportedParams: 'warn', emulateTools: true, rejectIfBusy: false })
  t.strictSame(run.changes, [])
  t.end()
})
