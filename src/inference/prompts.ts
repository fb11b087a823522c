import type { PromptRequest } from '../generation/request.ts'
import { toCompletionRunRequest, toPrompts } from '../workers-ai/request/prompt-request.ts'
import { answerRequest, type InferenceAnswer, type Services } from './answer.ts'
import type { Call } from './call.ts'
import type { DryRunAnswer } from './dry-run.ts'

/** As much of a prompt as says where it may be cached, in characters; the rest changes with every key a person presses. */
const PREFIX_LENGTH = 256

export interface PromptsAnswer extends InferenceAnswer {
  /** What is gone on with; each has as many choices as the request asks for, one prompt after the other. */
  prompts: readonly [string, ...string[]]
}

/** Has a model go on with each prompt of a request: see `answerRequest`. */
export async function answerPrompts (services: Services, request: PromptRequest, call: Call): Promise<PromptsAnswer | DryRunAnswer> {
  const prompts = toPrompts(request)
  const answer = await answerRequest(services, {
    model: request.model,
    stream: request.stream === true,
    cachePrefix: () => [prompts[0].slice(0, PREFIX_LENGTH)],
    translator: model => () => toCompletionRunRequest(request, model, services.settings)
  }, call)
  return answer.kind === 'dry-run' ? answer : { ...answer, prompts }
}
