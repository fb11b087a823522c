import t from 'tap'
import { toMostTokens } from '../../src/inference/allowance.ts'
import type { RunInput } from '../../src/workers-ai/request/run-request.ts'

function inputs (...tokens: [number, ...number[]]): [RunInput, ...RunInput[]] {
  return tokens.map(promptTokens => ({ member: 'messages', json: [], promptTokens })) as unknown as [RunInput, ...RunInput[]]
}

t.strictSame(toMostTokens({ inputs: inputs(10), choices: 1, maxTokens: 100 }), { promptTokens: 10, completionTokens: 100 })
t.strictSame(toMostTokens({ inputs: inputs(10), choices: 3, maxTokens: 100 }), { promptTokens: 30, completionTokens: 300 }, 'each choice is a call of its own')
t.strictSame(toMostTokens({ inputs: inputs(10, 20), choices: 4, maxTokens: 5 }), { promptTokens: 60, completionTokens: 20 }, 'each prompt has as many choices')
