import type { Stage } from '../generation/event.ts'
import { Ending } from '../generation/ending.ts'
import { JsonText } from '../generation/json-text.ts'
import { LeakedToolCalls } from '../generation/leaked-tool-calls.ts'
import { SingleToolCall } from '../generation/single-tool-call.ts'
import { StopSequences } from '../generation/stop-sequences.ts'
import { ThinkTags } from '../generation/think-tags.ts'
import type { Family } from '../workers-ai/family.ts'
import { parseModelJson } from './model-json.ts'
import { FormatCheck } from './review.ts'
import type { RunRequest } from './run-request.ts'
import { ToolArguments } from './tool-arguments.ts'

export interface StagesOptions {
  /** The answer is told as it is written, so what cannot be unsaid must not be held for repair. */
  isStreamed: boolean
  newCallId: () => string
}

/**
 * The stages of one generation, in their order: thinking is no answer, a leaked call is no text, arguments are mended,
 * JSON is freed of prose, stop sequences end what is left, and the ending counts it all.
 */
export function toStages (request: RunRequest, family: Family, { isStreamed, newCallId }: StagesOptions): Stage[] {
  const { told } = family.thinking
  const hasTools = request.tools.size > 0
  return [
    ...(told === 'none' ? [] : [new ThinkTags({ isOpen: told === 'open-tags', maxTokens: request.maxTokens })]),
    ...(hasTools ? [new LeakedToolCalls({ tools: request.tools, parse: parseModelJson, newCallId, changes: family.tools === 'prompt' ? [] : request.changes })] : []),
    ...(request.singleToolCall ? [new SingleToolCall()] : []),
    ...(hasTools && !(isStreamed && family.streams.arguments) ? [new ToolArguments(request.tools, request.changes)] : []),
    ...(request.format ? [new JsonText(request.changes, { isList: request.format.schema?.['type'] === 'array' })] : []),
    ...(request.stop.length > 0 ? [new StopSequences(request.stop)] : []),
    new Ending(request),
    ...(request.format && isStreamed ? [new FormatCheck(request.format, request.changes)] : [])
  ]
}
