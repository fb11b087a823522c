import type { Stage } from '../generation/event.ts'
import { ArgumentMarks } from '../stages/argument-marks.ts'
import { CustomCalls } from '../stages/custom-calls.ts'
import { Ending } from '../stages/ending.ts'
import { HarmonyChannels } from '../stages/harmony-channels.ts'
import { HiddenThinking } from '../stages/hidden-thinking.ts'
import { JsonText } from '../stages/json-extraction.ts'
import { LeakedToolCalls } from '../stages/leaked-calls/stage.ts'
import { LogprobsCheck } from '../stages/logprobs-check.ts'
import { SingleToolCall } from '../stages/single-tool-call.ts'
import { StopSequences } from '../stages/stop-sequences.ts'
import { THINK, ThinkTags, THOUGHT_CHANNEL } from '../stages/think-tags.ts'
import { ToolNames } from '../stages/tool-names.ts'
import { toExactJsonText } from '../json/exact-json.ts'
import type { Family } from '../workers-ai/models/family.ts'
import { ForcedArguments } from '../stages/forced-arguments.ts'
import { parseModelJsonExactly } from '../json/lenient-json.ts'
import { FormatCheck } from './review.ts'
import { toInput, type RunRequest } from '../workers-ai/request/run-request.ts'
import { ToolArguments } from '../stages/tool-arguments.ts'

export interface StagesOptions {
  /** The answer is streamed, so text that was sent cannot be repaired. */
  isStreamed: boolean
  /** 0-based number of the generation among the request's; 0 when absent. */
  choice?: number
  newCallId: () => string
}

/**
 * The stages of one generation, in order: they separate thinking and leaked calls from the text, repair names and arguments,
 * extract JSON from prose, apply stop sequences, and count everything in the ending. Missing parts are reported last.
 */
export function toStages (request: RunRequest, family: Family, { isStreamed, choice = 0, newCallId }: StagesOptions): Stage[] {
  const { channel, marks } = family.thinking
  const { tools, changes, maxTokens, forcedTool } = request
  const hasTools = tools.size > 0
  const thinks = channel !== 'none' && !request.isVerbatim
  const stages: Stage[] = []
  if (thinks && marks === 'harmony') stages.push(new HarmonyChannels())
  if (thinks) stages.push(new ThinkTags({ tags: marks === 'gemma' ? [THINK, THOUGHT_CHANNEL] : [THINK], isOpen: channel === 'open-tags', maxTokens }))
  if (hasTools) {
    stages.push(
      new LeakedToolCalls({
        tools: withNamespace(tools),
        parse: text => parseModelJsonExactly(text, request.workBudget),
        write: toExactJsonText,
        newCallId,
        changes: family.tools === 'prompt' ? [] : changes
      }),
      new ToolNames(tools, changes)
    )
  }
  if (forcedTool !== undefined) {
    stages.push(new ForcedArguments({
      name: forcedTool,
      schema: tools.get(forcedTool) ?? {},
      newCallId,
      changes,
      workBudget: request.workBudget
    }))
  }
  if (request.singleToolCall) stages.push(new SingleToolCall())
  if (hasTools && isStreamed && family.streams.arguments) stages.push(new ArgumentMarks(changes))
  else if (hasTools) stages.push(new ToolArguments(tools, changes, request.workBudget))
  if (request.customTools) stages.push(new CustomCalls(request.customTools, request.workBudget))
  if (request.format) stages.push(new JsonText(changes, { isList: request.format.schema?.['type'] === 'array' }))
  if (request.stop.length > 0) stages.push(new StopSequences(request.stop))
  stages.push(new Ending({ promptTokens: toInput(request, choice).promptTokens, maxTokens }))
  // Billed even if it is removed later, so it is counted first.
  if (request.hidesThinking) stages.push(new HiddenThinking())
  if (request.fields['logprobs'] === true) stages.push(new LogprobsCheck(changes))
  if (request.format && isStreamed) stages.push(new FormatCheck(request.format, changes, request.workBudget))
  return stages
}

/** Models also know tools by the namespace of their template, and write it in JSON calls. */
function withNamespace (tools: RunRequest['tools']): RunRequest['tools'] {
  return new Map([...tools].flatMap(([name, schema]) => [[name, schema], [`functions.${name}`, schema]]))
}
