import type { PromptRequest } from '../generation/request.ts'
import { toCompletionRunRequest, toPrompts } from '../workers-ai/request/prompt-request.ts'
import { answerRequest, type InferenceAnswer, type Services } from './answer.ts'
import type { Call } from './call.ts'
import type { DryRunAnswer } from './dry-run.ts'

/** Characters of a prompt that decide where it may be cached; the rest changes while a person types. */
const PREFIX_LENGTH = 256

export interface PromptsAnswer extends InferenceAnswer {
  /** The prompts; each has the requested number of choices, one prompt after the other. */
  prompts: readonly [string, ...string[]]
}

/** Lets a model continue each prompt of a request: see `answerRequest`. */
export async function answerPrompts (services: Services, request: PromptRequest, call: Call): Promise<PromptsAnswer | DryRunAnswer> {
  const prompts = toPrompts(request)
  const answer = await answerRequest(services, {
    model: request.model,
    stream: request.stream === true,
    isDeterministic: () => request.temperature === 0,
    cachePrefix: () => [prompts[0].slice(0, PREFIX_LENGTH)],
    translator: model => () => toCompletionRunRequest(request, model, services.settings)
  }, call)
  return answer.kind === 'dry-run' ? answer : { ...answer, prompts }
}
