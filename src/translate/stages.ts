import type { Stage } from '../generation/event.ts'
import { Ending } from '../generation/ending.ts'
import { JsonText } from '../generation/json-text.ts'
import { LeakedToolCalls } from '../generation/leaked-tool-calls.ts'
import { LogprobsCheck } from '../generation/logprobs-check.ts'
import { SingleToolCall } from '../generation/single-tool-call.ts'
import { StopSequences } from '../generation/stop-sequences.ts'
import { ThinkTags } from '../generation/think-tags.ts'
import type { Family } from '../workers-ai/family.ts'
import { parseModelJson } from './model-json.ts'
import { FormatCheck } from './review.ts'
import { toInput, type RunRequest } from './run-request.ts'
import { ToolArguments } from './tool-arguments.ts'

export interface StagesOptions {
  /** The answer is told as it is written, so what cannot be unsaid must not be held for repair. */
  isStreamed: boolean
  /** 0-based number of the generation among the request's; 0 when absent. */
  choice?: number
  newCallId: () => string
}

/**
 * The stages of one generation, in their order: thinking is no answer, a leaked call is no text, arguments are mended,
 * JSON is freed of prose, stop sequences end what is left, and the ending counts it all. What was asked for and is not there is told last.
 */
export function toStages (request: RunRequest, family: Family, { isStreamed, choice = 0, newCallId }: StagesOptions): Stage[] {
  const { told } = family.thinking
  const hasTools = request.tools.size > 0
  return [
    ...(told === 'none' || request.isVerbatim ? [] : [new ThinkTags({ isOpen: told === 'open-tags', maxTokens: request.maxTokens })]),
    ...(hasTools ? [new LeakedToolCalls({ tools: request.tools, parse: parseModelJson, newCallId, changes: family.tools === 'prompt' ? [] : request.changes })] : []),
    ...(request.singleToolCall ? [new SingleToolCall()] : []),
    ...(hasTools && !(isStreamed && family.streams.arguments) ? [new ToolArguments(request.tools, request.changes)] : []),
    ...(request.format ? [new JsonText(request.changes, { isList: request.format.schema?.['type'] === 'array' })] : []),
    ...(request.stop.length > 0 ? [new StopSequences(request.stop)] : []),
    new Ending({ promptTokens: toInput(request, choice).promptTokens, maxTokens: request.maxTokens }),
    ...(request.fields['logprobs'] === true ? [new LogprobsCheck(request.changes)] : []),
    ...(request.format && isStreamed ? [new FormatCheck(request.format, request.changes)] : [])
  ]
}
