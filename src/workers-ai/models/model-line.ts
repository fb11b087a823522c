import { CATALOGUE } from './catalogue.ts'
import type { Model } from './model.ts'

/** Words of names that say how a model is run, or that it chats, not what it is for. */
const ORDINARY = new Set(['instruct', 'it', 'chat', 'fast', 'flash', 'turbo', 'pro'])

interface Candidate {
  model: Model
  /** How many characters its name begins with that the other one begins with, too. */
  shared: number
  /** As in `kimi-k2.6`; 0 where the name has none. */
  version: number
  /** Words of its name that the other one lacks, and that make it special, as `code` in `kimi-k2.7-code`. */
  strange: number
}

/**
 * The newest model of the line a model belongs to by its name: the same maker, the same beginning, the highest version; a
 * plain one before one for something special. Makers keep what a line takes and gives from one version to the next, so it
 * is the best guess for an unknown model.
 * @returns undefined when the catalogue knows no such line
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

/** The first number that is no size, as `7b` and `16e` are. */
function toVersion (name: string): number {
  return Number(/(?<![\d.])\d+(?:\.\d+)?(?![\d.]*[a-z])/i.exec(name)?.[0] ?? 0)
}

function toWords (name: string): string[] {
  return name.split('-').slice(1).filter(word => /^[a-z]+$/i.test(word))
}
