import type { Change } from '../../generation/change.ts'
import type { ThinkingWords } from '../../generation/request.ts'
import { EFFORTS, THINKING_WORDS } from '../../generation/thinking.ts'
import type { Family, Thinking } from '../models/family.ts'
import { toAskedThinking, type AskedThinking } from './asked-thinking.ts'

/** The native fields about thinking, and instructions for the stages. */
export interface Reasoning {
  /** The native fields. */
  fields: Record<string, unknown>
  /** The answer leaves out the thinking. */
  isHidden: boolean
}

/** The effort that turns thinking on if the request names none. */
const ORDINARY = 'medium'

/**
 * Translates the thinking parameters of a request for a family: the effort if the model takes it, the nearest one if it
 * takes others, or the switch of its template. Never both: kimi refuses an effort beside its switch. Only `none` turns
 * thinking off; a model that always thinks then gets its lowest effort. Each mapping is a change. So is an effort on a model
 * without that parameter.
 */
export function toReasoning (words: ThinkingWords, family: Family, changes: Change[]): Reasoning {
  // Most requests have no such parameter.
  if (THINKING_WORDS.every(name => words[name] == null)) return { fields: {}, isHidden: false }
  const { isHidden, kwargs, ...asked } = toAskedThinking(words, changes)
  const fields = asked.effort === undefined ? {} : toFields(asked, asked.effort, family.thinking, changes)
  const takesTemplate = family.extras.includes('chat_template_kwargs')
  if (!takesTemplate && Object.keys(kwargs).length > 0) {
    changes.push({ param: 'chat_template_kwargs', action: 'dropped', from: kwargs, reason: 'Workers AI does not take it' })
  }
  const template = { ...fields['chat_template_kwargs'] as object, ...(takesTemplate && kwargs) }
  return { fields: { ...fields, ...(Object.keys(template).length > 0 && { chat_template_kwargs: template }) }, isHidden }
}

function toFields ({ param }: Pick<AskedThinking, 'param'>, effort: string, thinking: Thinking, changes: Change[]): Record<string, unknown> {
  const { switch: name, isDefault, isMandatory = false } = thinking
  const levels = thinking.efforts.filter(level => level !== 'none')
  const isTold = param.startsWith('chat_template_kwargs.') && name !== undefined && (effort === 'none' || effort === 'on')
  const flip = (isOn: boolean) => {
    if (name === undefined) return {}
    const to = `chat_template_kwargs.${name}`
    if (!isTold || param !== to) changes.push({ param, action: 'renamed', from: effort, to: `${to}=${String(isOn)}`, reason: 'this model has a switch for thinking' })
    return { chat_template_kwargs: { [name]: isOn } }
  }
  if (effort === 'on') {
    if (name !== undefined && (isTold || (!isDefault && levels.length === 0))) return flip(true)
    return isDefault || isMandatory || thinking.channel === 'none' ? {} : toLevel(param, ORDINARY, levels, thinking, changes)
  }
  if (effort === 'none') {
    if (name !== undefined && !isMandatory) return flip(false)
    if (thinking.efforts.includes('none')) return named(param, effort, 'none', changes)
  }
  if (levels.length > 0 || name === undefined) return toLevel(param, effort, levels, thinking, changes)
  return flip(true)
}

/** The level nearest to the requested one, the higher of two. */
function toLevel (
  param: string,
  effort: string,
  levels: readonly string[],
  { channel, isMandatory = false }: Thinking,
  changes: Change[]
): Record<string, unknown> {
  const asked = EFFORTS.indexOf(effort)
  const distance = (level: string) => Math.abs(EFFORTS.indexOf(level) - asked)
  const [level] = levels.toSorted((one, other) => distance(one) - distance(other) || EFFORTS.indexOf(other) - EFFORTS.indexOf(one))
  if (level === undefined) {
    changes.push({
      param,
      action: 'dropped',
      from: effort,
      reason: channel === 'none' ? 'this model does not think' : 'the amount of thinking cannot be set for this model'
    })
    return {}
  }
  if (level === effort) return named(param, effort, level, changes)
  const always = isMandatory ? 'this model always thinks, and takes' : 'this model cannot turn thinking off, and takes'
  changes.push({
    param,
    action: 'clamped',
    from: effort,
    to: level,
    reason: `${effort === 'none' ? always : 'this model takes'} ${levels.join(', ')}`
  })
  return { reasoning_effort: level }
}

/** The effort field. A template switch that becomes an effort changes its name. */
function named (param: string, effort: string, level: string, changes: Change[]): Record<string, unknown> {
  if (param.startsWith('chat_template_kwargs.')) changes.push({ param, action: 'renamed', from: effort, to: `reasoning_effort=${level}`, reason: 'this model has no such switch' })
  return { reasoning_effort: level }
}
