import t from 'tap'
import { toAskedParameters } from '../../../src/workers-ai/request/asked-parameters.ts'
import type { RunRequest } from '../../../src/workers-ai/request/run-request.ts'

const run = {
  fields: { temperature: 0.5, top_p: 0.9, top_k: 4, frequency_penalty: 1, presence_penalty: 2, tools: [{ name: 'secret' }], other: 'text' },
  seed: 7,
  stop: ['END'],
  choices: 2,
  maxTokens: 30,
  format: { kind: 'json' }
} as unknown as RunRequest

t.strictSame(toAskedParameters(run, true), {
  stream: true, choices: 2, maxTokens: 30, isJson: true, temperature: 0.5, topP: 0.9, topK: 4, frequencyPenalty: 1, presencePenalty: 2, seed: 7, stop: ['END']
})
t.strictSame(toAskedParameters({ fields: { temperature: 'hot' }, stop: [], choices: 1, maxTokens: 5 } as unknown as RunRequest, false), {
  stream: false, choices: 1, maxTokens: 5, isJson: false
}, 'what a body does not have is absent')
