import t from 'tap'
import type { Batch, TokenLogprob } from '../../../../src/generation/event.ts'
import type { Completion } from '../../../../src/surfaces/openai/completions/wire.ts'
import { CompletionChunks, toCompletionUsageChunk } from '../../../../src/surfaces/openai/completions/chunks.ts'
import { toCompletionChoice } from '../../../../src/surfaces/openai/completions/fold.ts'
import { faultsOf } from '../../../openai-schemas.ts'

const identity = { id: 'cmpl-1', created: 5, model: 'a "model"', fingerprint: 'fp_1' }
const logprobs: TokenLogprob[] = [{ token: ' upon', logprob: -1, bytes: null, top_logprobs: [] }]
const events: Batch[] = [
  [{ type: 'reasoning', text: 'Hm' }],
  [{ type: 'text', text: ' upon', logprobs }, { type: 'text', text: ' "a"', json: '" \\"a\\""' }],
  [{ type: 'text', text: ' time' }],
  [{ type: 'usage', usage: { promptTokens: 3, completionTokens: 4 } }, { type: 'finish', reason: 'length' }]
]

function told (batches: Batch[], { echo = '', withUsage = false } = {}): Completion[] {
  const encoder = new CompletionChunks(identity, 1, echo, withUsage)
  return batches.map(batch => encoder.encode(batch)).join('').split('\n\n').filter(Boolean).map(event => JSON.parse(event.replace(/^data: /, '')))
}

t.test('a choice is told piece by piece', t => {
  const head = { id: 'cmpl-1', object: 'text_completion', created: 5, model: 'a "model"', system_fingerprint: 'fp_1' }
  const piece = (text: string, more: object = {}) => ({ ...head, choices: [{ text, index: 1, logprobs: null, finish_reason: null, ...more }] })
  const first = piece(' upon', { logprobs: { tokens: [' upon'], token_logprobs: [-1], top_logprobs: [{}], text_offset: [0] } })
  t.strictSame(told(events), [first, piece(' "a"'), piece(' time'), piece('', { finish_reason: 'length' })])
  t.strictSame(told([[{ type: 'finish', reason: null }]], { echo: 'Once' }), [piece('Once'), piece('', { finish_reason: 'stop' })], 'the prompt comes first, whatever follows')
  t.strictSame(told(events, { echo: 'Once' })[1], piece(' upon', { logprobs: { tokens: [' upon'], token_logprobs: [-1], top_logprobs: [{}], text_offset: [4] } }), 'and only once')
  t.ok(told(events, { withUsage: true }).every(chunk => chunk.usage === null), 'usage is null until the end, for those who asked')
  t.strictSame(told([[{ type: 'usage', usage: { promptTokens: 1, completionTokens: 1 } }]]), [], 'the bill is for later')
  t.end()
})

t.test('the pieces are what a whole answer is folded from', t => {
  const chunks = told(events, { echo: 'Once' })
  const { choice } = toCompletionChoice(events.flat(), 1, 'Once')
  t.equal(chunks.map(({ choices }) => choices[0]?.text).join(''), choice.text)
  t.equal(chunks.at(-1)?.choices[0]?.finish_reason, choice.finish_reason)
  t.strictSame(chunks.flatMap(chunk => faultsOf('CreateCompletionResponse', chunk)), [])
  t.end()
})

t.test('the last chunk tells the bill', t => {
  const chunk: unknown = JSON.parse(toCompletionUsageChunk(identity, { promptTokens: 3, completionTokens: 4 }).slice('data: '.length))
  t.match(chunk, { id: 'cmpl-1', object: 'text_completion', choices: [], usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 } })
  t.strictSame(faultsOf('CreateCompletionResponse', chunk), [])
  const encoder = new CompletionChunks(identity, 0, '', false)
  encoder.encode(events.flat())
  t.strictSame(encoder.usage, { promptTokens: 3, completionTokens: 4 })
  t.end()
})
