import t from 'tap'
import { toLogprobs } from '../../../src/simulator/native/logprobs.ts'

t.equal(toLogprobs(['Hi'], { topLogprobs: undefined, form: 'messages' }), null, 'none where none are asked for')
t.strictSame(toLogprobs([], { topLogprobs: 0, form: 'messages' }), { content: [] })

const hi = { token: 'Hi', logprob: -0.772376, bytes: [72, 105] }
t.strictSame(toLogprobs(['Hi'], { topLogprobs: 0, form: 'messages' }), { content: [{ ...hi, top_logprobs: [] }] }, 'a chat has a list')
t.strictSame(toLogprobs(['Hi', ' é'], { topLogprobs: 2, form: 'messages' }), {
  content: [
    { ...hi, top_logprobs: [hi, { token: ' the', logprob: -2.772376, bytes: [32, 116, 104, 101] }] },
    { token: ' é', logprob: -0.653564, bytes: [32, 195, 169], top_logprobs: [{ token: ' é', logprob: -0.653564, bytes: [32, 195, 169] }, { token: ' the', logprob: -2.653564, bytes: [32, 116, 104, 101] }] }
  ]
})
t.strictSame(toLogprobs(['Hi', ' é'], { topLogprobs: 1, form: 'prompt' }), {
  text_offset: [0, 2],
  token_logprobs: [-0.772376, -0.653564],
  tokens: ['Hi', ' é'],
  top_logprobs: [{ Hi: -0.772376 }, { ' é': -0.653564 }]
}, 'a prompt has lists side by side')
