import type { Change } from '../generation/change.ts'
import type { ChatCompletionRequest } from '../openai/chat-completion-request.ts'
import type { Family } from '../workers-ai/family.ts'

/** OpenAI's efforts from none to most. */
const EFFORTS = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']

/** Efforts that mean as little thinking as there can be. */
const OFF = new Set(['none', 'minimal'])

/**
 * `reasoning_effort` in the words of a family: the same word where it is known, the nearest one where others are, and
 * the template's switch where there is one. Each mapping is a change; so is an effort on a model that cannot be told.
 *
 * What the caller put into `chat_template_kwargs` wins over what the effort would set there.
 */
export function toReasoning (request: ChatCompletionRequest, family: Family, changes: Change[]): Record<string, unknown> {
  const effort = request.reasoning_effort
  if (effort === null || effort === undefined) return {}
  const { thinking } = family
  const native = toNativeEffort(effort, thinking.efforts)
  const kwargs = thinking.switch === undefined ? undefined : { [thinking.switch]: !OFF.has(effort) }
  const isOffBySwitch = kwargs !== undefined && OFF.has(effort) && !thinking.efforts.includes(effort)
  if (native === undefined && kwargs === undefined) {
    changes.push({ param: 'reasoning_effort', action: 'dropped', from: effort, reason: thinking.told === 'none' ? 'this model does not think' : 'this model cannot be told how much to think' })
    return {}
  }
  if (isOffBySwitch || native === undefined) {
    changes.push({ param: 'reasoning_effort', action: 'renamed', from: effort, to: `chat_template_kwargs.${thinking.switch}=${String(!OFF.has(effort))}`, reason: 'this model has a switch for thinking' })
  } else if (native !== effort) {
    changes.push({ param: 'reasoning_effort', action: 'clamped', from: effort, to: native, reason: `this model knows ${thinking.efforts.join(', ')}` })
  }
  const given = (request as { chat_template_kwargs?: unknown }).chat_template_kwargs
  return {
    ...(native !== undefined && !isOffBySwitch && { reasoning_effort: native }),
    ...(kwargs !== undefined && { chat_template_kwargs: { ...kwargs, ...(typeof given === 'object' && given) } })
  }
}

/** The known effort nearest to the one asked for, the lower of two; undefined when none is known. */
function toNativeEffort (effort: string, known: readonly string[]): string | undefined {
  const asked = EFFORTS.indexOf(effort)
  return known.toSorted((one, other) => Math.abs(EFFORTS.indexOf(one) - asked) - Math.abs(EFFORTS.indexOf(other) - asked) || EFFORTS.indexOf(one) - EFFORTS.indexOf(other))[0]
}
