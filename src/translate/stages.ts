import type { Stage } from '../generation/event.ts'
import { ArgumentMarks } from '../generation/argument-marks.ts'
import { Ending } from '../generation/ending.ts'
import { HarmonyChannels } from '../generation/harmony-channels.ts'
import { HiddenThinking } from '../generation/hidden-thinking.ts'
import { JsonText } from '../generation/json-text.ts'
import { LeakedToolCalls } from '../generation/leaked-tool-calls.ts'
import { LogprobsCheck } from '../generation/logprobs-check.ts'
import { SingleToolCall } from '../generation/single-tool-call.ts'
import { StopSequences } from '../generation/stop-sequences.ts'
import { THINK, ThinkTags, THOUGHT_CHANNEL } from '../generation/think-tags.ts'
import { ToolNames } from '../generation/tool-names.ts'
import { toExactJsonText } from '../workers-ai/exact-json.ts'
import type { Family } from '../workers-ai/family.ts'
import { CustomCalls } from './custom-tools.ts'
import { ForcedArguments } from './forced-arguments.ts'
import { parseModelJsonExactly } from './model-json.ts'
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
 * The stages of one generation, in their order: thinking is no answer, a leaked call is no text, names and arguments are
 * mended, JSON is freed of prose, stop sequences end what is left, and the ending counts it all. What was asked for and is
 * not there is told last.
 */
export function toStages (request: RunRequest, family: Family, { isStreamed, choice = 0, newCallId }: StagesOptions): Stage[] {
  const { told, marks } = family.thinking
  const { tools, changes, maxTokens, forcedTool } = request
  const hasTools = tools.size > 0
  const thinks = told !== 'none' && !request.isVerbatim
  return [
    ...(thinks && marks === 'harmony' ? [new HarmonyChannels()] : []),
    ...(thinks ? [new ThinkTags({ tags: marks === 'gemma' ? [THINK, THOUGHT_CHANNEL] : [THINK], isOpen: told === 'open-tags', maxTokens })] : []),
    ...(hasTools ? [new LeakedToolCalls({ tools: withNamespace(tools), parse: text => parseModelJsonExactly(text, request.effort), write: toExactJsonText, newCallId, changes: family.tools === 'prompt' ? [] : changes }), new ToolNames(tools, changes)] : []),
    ...(forcedTool === undefined ? [] : [new ForcedArguments({ name: forcedTool, schema: tools.get(forcedTool) ?? {}, newCallId, changes, effort: request.effort })]),
    ...(request.singleToolCall ? [new SingleToolCall()] : []),
    ...(hasTools ? [isStreamed && family.streams.arguments ? new ArgumentMarks(changes) : new ToolArguments(tools, changes, request.effort)] : []),
    ...(request.customTools ? [new CustomCalls(request.customTools, request.effort)] : []),
    ...(request.format ? [new JsonText(request.changes, { isList: request.format.schema?.['type'] === 'array' })] : []),
    ...(request.stop.length > 0 ? [new StopSequences(request.stop)] : []),
    new Ending({ promptTokens: toInput(request, choice).promptTokens, maxTokens: request.maxTokens }),
    // It was billed, so it is counted first.
    ...(request.hidesThinking ? [new HiddenThinking()] : []),
    ...(request.fields['logprobs'] === true ? [new LogprobsCheck(request.changes)] : []),
    ...(request.format && isStreamed ? [new FormatCheck(request.format, request.changes, request.effort)] : [])
  ]
}

/** Models know tools by the namespace their template puts them in, too, and so write calls in JSON. */
function withNamespace (tools: RunRequest['tools']): RunRequest['tools'] {
  return new Map([...tools].flatMap(([name, schema]) => [[name, schema], [`functions.${name}`, schema]]))
}
