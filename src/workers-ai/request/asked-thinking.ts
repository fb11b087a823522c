import type { Change } from '../../generation/change.ts'
import type { ThinkingWords } from '../../generation/request.ts'
import { EFFORTS } from '../../generation/thinking.ts'
import { isObject } from '../../json/is-object.ts'

/** Names of the thinking switch in chat templates. */
const SWITCHES = ['enable_thinking', 'thinking'] as const

/** Budgets, in tokens, up to which the effort is low or medium: a rule of thumb, because no model here takes a budget. */
const LOW_BUDGET = 2_048
const MEDIUM_BUDGET = 8_192

/** What a request asks of the model's thinking. */
export interface AskedThinking {
  /** One of OpenAI's efforts, or `on` for the model's own choice; undefined if the request says nothing. */
  effort: string | undefined
  /** The caller's parameter that the effort comes from. */
  param: string
  /** The answer leaves the thinking out. */
  isHidden: boolean
  /** Variables of the chat template other than the thinking switch. */
  kwargs: Record<string, unknown>
}

interface Statement {
  param: string
  effort: string
}

/**
 * Reads the thinking parameters of a request, in the forms of several servers. The first one wins: the template's own switch,
 * OpenAI's effort, OpenRouter's `reasoning`, Anthropic's `thinking`, Qwen's switch. After a mere `on` the next one may set the effort.
 * @param changes gets forms other than OpenAI's and the template's, contradictions, and unknown values
 */
export function toAskedThinking (words: ThinkingWords, changes: Change[]): AskedThinking {
  const given = words.chat_template_kwargs
  const kwargs = isObject(given) ? { ...given } : {}
  for (const name of SWITCHES) if (typeof kwargs[name] === 'boolean') delete kwargs[name]
  const statements = [
    ...ofTemplate(given),
    ...ofEffort(words),
    ...ofReasoning(words, changes),
    ...ofThinking(words, changes),
    ...ofSwitch(words, changes),
    ...ofBudget(words, changes)
  ]
  const [first] = statements
  const said = first?.effort === 'on' ? statements.find(({ effort }) => effort !== 'on' && effort !== 'none') ?? first : first
  for (const { param, effort } of statements) {
    if (said !== undefined && effort !== said.effort && effort !== 'on') changes.push({ param, action: 'dropped', from: effort, reason: `${said.param} says otherwise` })
    else if (param !== 'reasoning_effort' && !(param.startsWith('chat_template_kwargs') && param === said?.param)) changes.push({ param, action: 'renamed', to: 'reasoning_effort', reason: 'other servers\' words for it are understood' })
  }
  return { effort: said?.effort, param: said?.param ?? 'reasoning_effort', isHidden: isHidden(words, changes), kwargs }
}

function ofTemplate (kwargs: unknown): Statement[] {
  if (!isObject(kwargs)) return []
  return SWITCHES.flatMap(name => typeof kwargs[name] === 'boolean' ? [toStatement(`chat_template_kwargs.${name}`, kwargs[name])] : [])
}

function ofEffort ({ reasoning_effort: effort }: ThinkingWords): Statement[] {
  return typeof effort === 'string' && EFFORTS.includes(effort) ? [{ param: 'reasoning_effort', effort }] : []
}

function ofReasoning ({ reasoning }: ThinkingWords, changes: Change[]): Statement[] {
  if (reasoning == null) return []
  if (!isObject(reasoning)) return notUnderstood('reasoning', reasoning, changes)
  const { effort, enabled, max_tokens: budget, exclude: _, ...others } = reasoning
  for (const [name, value] of Object.entries(others)) if (value != null) changes.push({ param: `reasoning.${name}`, action: 'dropped', from: value, reason: 'it has no known member' })
  if (effort != null && !EFFORTS.includes(effort)) return notUnderstood('reasoning.effort', effort, changes)
  return [
    ...(enabled === false ? [toStatement('reasoning.enabled', false)] : []),
    ...(effort == null ? [] : [{ param: 'reasoning.effort', effort: String(effort) }]),
    ...(typeof budget === 'number' ? [{ param: 'reasoning.max_tokens', effort: toEffort(budget) }] : []),
    ...(enabled === true ? [toStatement('reasoning.enabled', true)] : [])
  ]
}

function ofThinking ({ thinking }: ThinkingWords, changes: Change[]): Statement[] {
  if (thinking == null) return []
  if (typeof thinking === 'boolean') return [toStatement('thinking', thinking)]
  const { type, budget_tokens: budget } = isObject(thinking) ? thinking : {}
  switch (type) {
    case 'disabled': return [toStatement('thinking', false)]
    case 'enabled': return [typeof budget === 'number' ? { param: 'thinking', effort: toEffort(budget) } : toStatement('thinking', true)]
    case 'auto': case 'adaptive': return [toStatement('thinking', true)]
    default: return notUnderstood('thinking', thinking, changes)
  }
}

function ofSwitch ({ enable_thinking: isOn }: ThinkingWords, changes: Change[]): Statement[] {
  if (isOn == null) return []
  return typeof isOn === 'boolean' ? [toStatement('enable_thinking', isOn)] : notUnderstood('enable_thinking', isOn, changes)
}

function ofBudget ({ thinking_budget: budget }: ThinkingWords, changes: Change[]): Statement[] {
  if (budget == null) return []
  return typeof budget === 'number' ? [{ param: 'thinking_budget', effort: toEffort(budget) }] : notUnderstood('thinking_budget', budget, changes)
}

function isHidden ({ reasoning, include_reasoning: isIncluded }: ThinkingWords, changes: Change[]): boolean {
  const param = isObject(reasoning) && reasoning['exclude'] === true ? 'reasoning.exclude' : 'include_reasoning'
  const isAsked = param === 'reasoning.exclude' || isIncluded === false
  if (isAsked) changes.push({ param, action: 'emulated', reason: 'the model thinks anyway; its thinking is left out of the answer' })
  return isAsked
}

function toStatement (param: string, isOn: unknown): Statement {
  return { param, effort: isOn === true ? 'on' : 'none' }
}

/** @param budget in tokens; negative means no limit, as in Qwen's and Gemini's APIs */
function toEffort (budget: number): string {
  if (budget < 0) return 'on'
  if (budget === 0) return 'none'
  if (budget <= LOW_BUDGET) return 'low'
  return budget <= MEDIUM_BUDGET ? 'medium' : 'high'
}

function notUnderstood (param: string, from: unknown, changes: Change[]): [] {
  changes.push({ param, action: 'dropped', from, reason: 'unknown form' })
  return []
}
