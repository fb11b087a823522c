import t from 'tap'
import type { Batch, TokenLogprob } from '../../../../src/generation/event.ts'
import { toCompletion, toCompletionChoice, toLogprobs, toTextFinishReason } from '../../../../src/surfaces/openai/completions/fold.ts'
import { faultsOf } from '../../../openai-schemas.ts'

const usage = { promptTokens: 3, completionTokens: 4 }
const token = (text: string, logprob: number): TokenLogprob => ({ token: text, logprob, bytes: null, top_logprobs: [{ token: text, logprob, bytes: null }, { token: 'x', logprob: -9, bytes: null }] })
const end: Batch = [{ type: 'usage', usage }, { type: 'finish', reason: null }]

t.test('a generation becomes a choice', t => {
  const cases: Array<{ name: string, given: Batch, echo?: string, expected: object }> = [
    { name: 'text', given: [{ type: 'text', text: ' upon' }, { type: 'text', text: ' a time' }, ...end], expected: { text: ' upon a time', index: 2, logprobs: null, finish_reason: 'stop' } },
    { name: 'text after its prompt', given: [{ type: 'text', text: ' upon' }, ...end], echo: 'Once', expected: { text: 'Once upon', index: 2, logprobs: null, finish_reason: 'stop' } },
    { name: 'nothing after its prompt', given: end, echo: 'Once', expected: { text: 'Once', index: 2, logprobs: null, finish_reason: 'stop' } },
    { name: 'thinking, which a text has no place for', given: [{ type: 'reasoning', text: 'Hm' }, { type: 'text', text: 'Yes' }, ...end], expected: { text: 'Yes', index: 2, logprobs: null, finish_reason: 'stop' } },
    { name: 'a call nobody asked for', given: [{ type: 'tool_call', index: 0, id: 'call_1', name: 'f', arguments: '{}' }, { type: 'finish', reason: 'tool_calls' }], expected: { text: '', index: 2, logprobs: null, finish_reason: 'stop' } },
    { name: 'a text that was cut', given: [{ type: 'text', text: 'a' }, { type: 'finish', reason: 'length' }], expected: { text: 'a', index: 2, logprobs: null, finish_reason: 'length' } },
    {
      name: 'log probabilities, whose places count from the prompt',
      given: [{ type: 'text', text: ' upon', logprobs: [token(' up', -1), token('on', -2)] }, { type: 'text', text: ' a' }, { type: 'text', text: ' time', logprobs: [token(' time', -3)] }, ...end],
      echo: 'Once',
      expected: {
        text: 'Once upon a time',
        index: 2,
        logprobs: { tokens: [' up', 'on', ' time'], token_logprobs: [-1, -2, -3], top_logprobs: [{ ' up': -1, x: -9 }, { on: -2, x: -9 }, { ' time': -3, x: -9 }], text_offset: [4, 7, 11] },
        finish_reason: 'stop'
      }
    }
  ]
  for (const { name, given, echo = '', expected } of cases) t.strictSame(toCompletionChoice(given, 2, echo).choice, expected, name)
  const error = new Error('broken')
  t.throws(() => toCompletionChoice([{ type: 'text', text: 'a' }, { type: 'failure', error }], 0, ''), error, 'a failure is thrown')
  t.end()
})

t.test('choices become one completion, and one bill', t => {
  const choices = [toCompletionChoice([{ type: 'text', text: 'a', logprobs: [token('a', -1)] }, ...end], 0, ''), toCompletionChoice(end, 1, 'b')]
  const completion = toCompletion(choices, { id: 'cmpl-1', created: 5, model: 'm', fingerprint: 'fp_1' })
  t.match(completion, { id: 'cmpl-1', object: 'text_completion', created: 5, model: 'm', system_fingerprint: 'fp_1', choices: [{ index: 0, text: 'a' }, { index: 1, text: 'b' }], usage: { prompt_tokens: 6, completion_tokens: 8, total_tokens: 14 } })
  t.strictSame(faultsOf('CreateCompletionResponse', completion), [])
  t.end()
})

t.test('a text ends as OpenAI\'s do', t => {
  t.strictSame([null, 'stop', 'length', 'content_filter', 'tool_calls'].map(reason => toTextFinishReason(reason as 'stop' | null)), ['stop', 'stop', 'length', 'content_filter', 'stop'])
  t.strictSame(toLogprobs([], 3), { tokens: [], token_logprobs: [], top_logprobs: [], text_offset: [] })
  t.end()
})
