import { CATALOGUE } from './catalogue.ts'
import type { Model } from './model.ts'

/** Words in names that describe how a model runs, or that it chats, not its purpose. */
const ORDINARY = new Set(['instruct', 'it', 'chat', 'fast', 'flash', 'turbo', 'pro'])

interface Candidate {
  model: Model
  /** Length of the common beginning of both names, in characters. */
  shared: number
  /** As in `kimi-k2.6`; 0 if the name has none. */
  version: number
  /** Number of words that only this name has and that show a special purpose, such as `code` in `kimi-k2.7-code`. */
  strange: number
}

/**
 * The newest model of a model's line, by its name: the same maker, the same beginning, the highest version, general models
 * before special ones. Makers keep a line's form of requests and answers from version to version, so this is the best guess
 * for an unknown model.
 * @returns undefined if the catalogue has no such line
 */
export function toNewestOfLine (id: string): Model | undefined {
  const [, maker, name = ''] = id.split('/')
  const candidates = [...CATALOGUE.values()]
    .filter(model => model.task === 'text-generation' && model.id.split('/')[1] === maker && toLine(nameOf(model)) === toLine(name))
    .map((model): Candidate => ({
      model,
      shared: toShared(nameOf(model), name),
      version: toVersion(nameOf(model)),
      strange: toWords(nameOf(model)).filter(word => !ORDINARY.has(word) && !name.includes(word)).length
    }))
  const current = candidates.filter(({ model }) => model.retirement === undefined && !model.id.endsWith('-lora'))
  return (current.length > 0 ? current : candidates).sort(byKinship)[0]?.model
}

function byKinship (one: Candidate, other: Candidate): number {
  return (
    other.shared - one.shared ||
    Math.floor(other.version) - Math.floor(one.version) ||
    one.strange - other.strange ||
    other.version - one.version
  )
}

function nameOf ({ id }: Model): string {
  return id.split('/')[2] ?? ''
}

/** The letters a name begins with: `glm` of `glm-5.2`. */
function toLine (name: string): string {
  return /^[a-z]*/i.exec(name)?.[0].toLowerCase() ?? ''
}

function toShared (one: string, other: string): number {
  let length = 0
  while (length < one.length && one[length] === other[length]) length++
  return length
}

/** The first number that is not a size such as `7b` or `16e`. */
function toVersion (name: string): number {
  return Number(/(?<![\d.])\d+(?:\.\d+)?(?![\d.]*[a-z])/i.exec(name)?.[0] ?? 0)
}

function toWords (name: string): string[] {
  return name.split('-').slice(1).filter(word => /^[a-z]+$/i.test(word))
}
