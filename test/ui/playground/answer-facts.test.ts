import t from 'tap'
import { toFacts, toStateText } from '../../../src/ui/playground/answer-facts.ts'

const none = { servedModel: undefined, usage: undefined, firstTokenMs: undefined, durationMs: undefined }

t.strictSame(toFacts(none, undefined), [])
t.strictSame(toFacts({
  servedModel: '@cf/a/b',
  usage: { prompt_tokens: 1_200, completion_tokens: 40, prompt_tokens_details: { cached_tokens: 1_000 }, completion_tokens_details: { reasoning_tokens: 5 } },
  firstTokenMs: 320,
  durationMs: 1_400
}, { id: 'a', ended_at: 0, status: 200, neurons: 0.2273 }), [
  'answered by @cf/a/b', '1,200 tokens in (1,000 cached)', '40 out (5 thinking)', '0.227 neurons', 'first token 320 ms', '1.4 s in all'
])
t.strictSame(toFacts(none, { id: 'a', ended_at: 0, status: 499, input_tokens: 5, output_tokens: 2, neurons: null }), ['5 tokens in', '2 out'], 'of a stopped answer the server knows')

const words = { finishReason: undefined, thinking: '', content: '' }
t.equal(toStateText({ ...words, state: 'waiting' }), 'Waiting for the first token')
t.equal(toStateText({ ...words, state: 'growing', thinking: 'x' }), 'Thinking')
t.equal(toStateText({ ...words, state: 'growing', content: 'x' }), 'Answering')
t.equal(toStateText({ ...words, state: 'done', finishReason: 'length' }), 'Cut off by the limit of tokens')
t.equal(toStateText({ ...words, state: 'done', finishReason: 'stop' }), '')
t.equal(toStateText({ ...words, state: 'stopped' }), 'Stopped')
