import type { Model, ModelId } from './model.ts'
import type { Task } from './task.ts'

/** Each segment letters, digits, `.`, `_`, `-`, beginning with a letter or digit: nothing that could leave `/ai/run/`. */
const MODEL_ID = /^@(cf|hf)\/[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*$/

/** Longest name that is looked at; Cloudflare's ids have fewer than 80 characters. */
const MAX_LENGTH = 200

export interface ModelNames {
  aliases: Readonly<Record<string, string>>
  /** Serves unknown names. */
  defaultModel?: string | undefined
  /** Ids of the models that are known, for names without their `@cf/author/`. */
  known: Iterable<string>
}

/** Whether a text is a model id that may be put into an upstream path. */
export function isModelId (text: string): text is ModelId {
  return text.length <= MAX_LENGTH && MODEL_ID.test(text)
}

/**
 * The model id a caller means: an alias, an id, an id without `@cf/`, a bare name that only one model has, any of
 * these after `cloudflare/` or `workers-ai/`, else the default model.
 * @returns undefined when nothing fits
 */
export function toModelId (asked: string, { aliases, defaultModel, known }: ModelNames): ModelId | undefined {
  const alias = Object.hasOwn(aliases, asked) ? aliases[asked] : undefined
  return toId(alias ?? asked, known) ?? (defaultModel === undefined ? undefined : toId(defaultModel, known))
}

function toId (name: string, known: Iterable<string>): ModelId | undefined {
  if (isModelId(name)) return name
  const bare = name.replace(/^(cloudflare|workers-ai)\//, '')
  if (isModelId(bare)) return bare
  if (!/^[\w./-]+$/.test(bare) || bare.length > MAX_LENGTH) return undefined
  const ids = [...known]
  const exact = ids.find(id => id === `@cf/${bare}`)
  const [match, another] = exact === undefined ? ids.filter(id => id.endsWith(`/${bare}`)) : [exact]
  return match !== undefined && another === undefined && isModelId(match) ? match : undefined
}

/** Whether a model has been retired by a day (an ISO date): Cloudflare answers 5028 from its last day on. */
export function isRetired ({ retirement }: Pick<Model, 'retirement'>, day: string): boolean {
  return retirement !== undefined && retirement <= day
}

/** The models to suggest when one is retired or unknown: those of the task without an end, cheapest first, at most three. */
export function toSuggestions (models: readonly Model[], task: Task = 'text-generation'): string[] {
  return toCheapest(models.filter(model => model.task === task && (model.tools || task === 'text-embeddings')))
}

/** The models to suggest for images when a model that sees none was asked for: the same, with vision instead of tools. */
export function toVisionSuggestions (models: readonly Model[]): string[] {
  return toCheapest(models.filter(model => model.task === 'text-generation' && model.vision && model.family.content === 'parts'))
}

function toCheapest (models: readonly Model[]): string[] {
  return models
    .filter(model => model.retirement === undefined && !model.paidOnly)
    .sort((one, other) => toPrice(one) - toPrice(other))
    .slice(0, 3)
    .map(model => model.id)
}

/** Of the answer, or of the question where there is no answer to pay for. */
function toPrice ({ price }: Model): number {
  return price?.output ?? price?.input ?? Infinity
}
