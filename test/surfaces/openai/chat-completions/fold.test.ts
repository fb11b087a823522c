import t from 'tap'
import type { Batch, GenerationEvent } from '../../../../src/generation/event.ts'
import { toChatCompletion, toChoice, toFinishReason, type ReplyIdentity } from '../../../../src/surfaces/openai/chat-completions/fold.ts'

const IDENTITY: ReplyIdentity = { id: 'chatcmpl-1', created: 1_760_000_000, model: 'gpt-4o', fingerprint: 'fp_1', legacyFunctions: false }
const LEGACY: ReplyIdentity = { ...IDENTITY, legacyFunctions: true }

const usage: GenerationEvent = { type: 'usage', usage: { promptTokens: 3, completionTokens: 4 } }

function call (index: number, name: string, args: string): GenerationEvent {
  return { type: 'tool_call', index, id: `call_${index}`, name, arguments: args }
}

t.test('events are folded into a choice with every field OpenAI sends', t => {
  const base = { role: 'assistant', refusal: null, annotations: [] }
  const made = (index: number, name: string, args: string) => ({ id: `call_${index}`, type: 'function', function: { name, arguments: args } })
  const cases: Array<{ name: string, given: Batch, identity?: ReplyIdentity, message: Record<string, unknown>, finish: string }> = [
    { name: 'text', given: [{ type: 'text', text: 'Hel' }, { type: 'text', text: 'lo' }, usage, { type: 'finish', reason: 'stop' }], message: { ...base, content: 'Hello' }, finish: 'stop' },
    { name: 'nothing', given: [{ type: 'finish', reason: null }], message: { ...base, content: '' }, finish: 'stop' },
    { name: 'thinking', given: [{ type: 'reasoning', text: 'H' }, { type: 'reasoning', text: 'm' }, { type: 'text', text: 'Yes' }, { type: 'finish', reason: 'length' }], message: { ...base, content: 'Yes', reasoning_content: 'Hm' }, finish: 'length' },
    { name: 'only thinking', given: [{ type: 'reasoning', text: 'Hm' }, { type: 'finish', reason: 'length' }], message: { ...base, content: '', reasoning_content: 'Hm' }, finish: 'length' },
    { name: 'a call in pieces', given: [call(0, 'f', ''), { type: 'tool_call', index: 0, arguments: '{"a"' }, { type: 'tool_call', index: 0, arguments: ':1}' }, { type: 'finish', reason: 'tool_calls' }], message: { ...base, content: null, tool_calls: [made(0, 'f', '{"a":1}')] }, finish: 'tool_calls' },
    { name: 'calls whose pieces alternate, after text', given: [{ type: 'text', text: 'Wait' }, call(0, 'f', '{'), call(1, 'g', '{'), { type: 'tool_call', index: 0, arguments: '}' }, { type: 'tool_call', index: 1, arguments: '}' }, { type: 'finish', reason: 'tool_calls' }], message: { ...base, content: 'Wait', tool_calls: [made(0, 'f', '{}'), made(1, 'g', '{}')] }, finish: 'tool_calls' },
    { name: 'the first call, for those who speak of functions', given: [call(0, 'f', '{}'), call(1, 'g', '{}'), { type: 'finish', reason: 'tool_calls' }], identity: LEGACY, message: { ...base, content: null, function_call: { name: 'f', arguments: '{}' } }, finish: 'function_call' },
    { name: 'text, for those who speak of functions', given: [{ type: 'text', text: 'Hi' }, { type: 'finish', reason: 'stop' }], identity: LEGACY, message: { ...base, content: 'Hi' }, finish: 'stop' }
  ]
  for (const { name, given, identity = IDENTITY, message, finish } of cases) {
    t.strictSame(toChoice(given, 2, identity).choice, { index: 2, message, logprobs: null, finish_reason: finish }, name)
  }
  t.end()
})

t.test('a failure is thrown', t => {
  const error = new Error('broken')
  t.throws(() => toChoice([{ type: 'text', text: 'a' }, { type: 'failure', error }], 0, IDENTITY), error)
  t.end()
})

t.test('the answer holds its choices and the sum of their bills', t => {
  const choices = ['a', 'b'].map((text, index) => toChoice([{ type: 'text', text }, usage, { type: 'finish', reason: 'stop' }], index, IDENTITY))
  const { choices: told, usage: bill, ...rest } = toChatCompletion(choices, IDENTITY)
  t.strictSame(rest, { id: 'chatcmpl-1', object: 'chat.completion', created: 1_760_000_000, model: 'gpt-4o', service_tier: 'default', system_fingerprint: 'fp_1' })
  t.strictSame(told.map(({ index, message }) => [index, message.content]), [[0, 'a'], [1, 'b']])
  t.match(bill, { prompt_tokens: 6, completion_tokens: 8, total_tokens: 14 })
  t.end()
})

t.test('calls are the reason in the caller\'s own words', t => {
  t.equal(toFinishReason('tool_calls', LEGACY), 'function_call')
  t.equal(toFinishReason('tool_calls', IDENTITY), 'tool_calls')
  t.equal(toFinishReason('length', LEGACY), 'length')
  t.end()
})
