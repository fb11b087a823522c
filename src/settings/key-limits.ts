import { nearestName } from './did-you-mean.ts'

/** What one key may use. A member that is absent limits nothing. */
export interface KeyLimits {
  /** Requests per minute. */
  rpm?: number
  /** Tokens per minute, of prompts and answers. */
  tpm?: number
  /** Requests per day (UTC). */
  rpd?: number
  /** Requests in progress at the same time. */
  parallel?: number
  /** Neurons per day (UTC). */
  neurons_per_day?: number
  /** Neurons per calendar month (UTC). */
  neurons_per_month?: number
  /** Names of the only models it may use: ids, aliases or bare names. */
  models?: string[]
}

/** The entry for every key that has no entry of its own. */
export const EVERY_OTHER_KEY = '*'

/** Far below the integers that a double holds, also in millionths. */
const MAX_LIMIT = 1_000_000_000

const COUNTS = ['rpm', 'tpm', 'rpd', 'parallel'] as const
const BUDGETS = ['neurons_per_day', 'neurons_per_month'] as const
const MEMBERS: readonly string[] = [...COUNTS, ...BUDGETS, 'models']

/** @returns the entries of `KEY_LIMITS` by name; undefined for a text that is not a JSON object of objects */
export function readKeyLimits (text: string): Map<string, KeyLimits> | undefined {
  const entries = toEntries(text)
  return entries && new Map(entries.map(([name, entry]) => [name, toKeyLimits(entry)]))
}

/**
 * What is wrong with `KEY_LIMITS`, which has the form of a map of maps.
 * @param names of the keys; only `*` is allowed where callers bring their own tokens
 * @returns the first fault as the end of a sentence; undefined when there is none
 */
export function findFault (text: string, names: ReadonlySet<string>, isPassthrough: boolean): string | undefined {
  for (const [name, entry] of toEntries(text) ?? []) {
    if (name !== EVERY_OTHER_KEY && isPassthrough) return `has an entry for ${JSON.stringify(name)}, but with AUTH_MODE=passthrough no key has a name; expected only "*", which limits each token by itself`
    if (name !== EVERY_OTHER_KEY && !names.has(name)) return toUnknownName(name, names)
    for (const [member, value] of Object.entries(entry)) {
      const fault = findFaultOf(member, value)
      if (fault !== undefined) return `${JSON.stringify(name)} ${fault}`
    }
  }
  return undefined
}

/** A number may be a text: a config file has nothing else. */
function toKeyLimits (entry: Record<string, unknown>): KeyLimits {
  return Object.fromEntries(Object.entries(entry).map(([member, value]) => [member, typeof value === 'string' ? Number(value) : value]))
}

function toEntries (text: string): Array<[name: string, entry: Record<string, unknown>]> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (!isMap(value)) return undefined
    const entries = Object.entries(value)
    return entries.every((entry): entry is [string, Record<string, unknown>] => isMap(entry[1])) ? entries : undefined
  } catch {
    return undefined
  }
}

function isMap (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function toUnknownName (name: string, names: ReadonlySet<string>): string {
  const near = nearestName(name, names)
  const known = names.size === 0 ? 'no key of API_KEYS has a name (name:key)' : `the names in API_KEYS are ${[...names].join(', ')}`
  return `has an entry for ${JSON.stringify(name)}, but ${known}${near === undefined ? '' : `; did you mean ${near}?`}`
}

function findFaultOf (member: string, value: unknown): string | undefined {
  if (!MEMBERS.includes(member)) {
    const near = nearestName(member, new Set(MEMBERS))
    return `has the unknown limit ${JSON.stringify(member)}${near === undefined ? `; expected ${MEMBERS.join(', ')}` : `; did you mean ${near}?`}`
  }
  if (member === 'models') {
    const isRight = Array.isArray(value) && value.length > 0 && value.every(one => typeof one === 'string' && one !== '')
    return isRight ? undefined : 'has wrong models; expected a list of at least one name of a model'
  }
  const isWhole = (COUNTS as readonly string[]).includes(member)
  if (isLimit(value, isWhole)) return undefined
  return `has a wrong ${member} (${JSON.stringify(value)}); expected a ${isWhole ? 'whole number from 1' : 'number above 0 and up'} to ${MAX_LIMIT}`
}

function isLimit (value: unknown, isWhole: boolean): boolean {
  if (typeof value === 'string' && !/^\d+(?:\.\d+)?$/.test(value)) return false
  if (typeof value !== 'string' && typeof value !== 'number') return false
  const number = Number(value)
  return number > 0 && number <= MAX_LIMIT && (!isWhole || Number.isInteger(number))
}
