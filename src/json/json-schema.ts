import { LRUCache } from 'lru-cache'
import type { WorkBudget } from './work-budget.ts'
import type { Checker } from './schema-checker.ts'

type Schema = Record<string, unknown>

/** The most objects and lists of a schema, and characters of its names and texts. */
const MAX_NODES = 1_000
const MAX_CHARACTERS = 128 * 1024

/** Compiled schemas that are kept; agents send the same few with every request. */
const MAX_SCHEMAS = 200

/** Characters of schema text that are kept compiled; a longer one is compiled for each request. */
const MAX_KEPT_LENGTH = 64 * 1024

/** Maximum number of errors in a message: enough for a model to correct its answer, few enough to read. */
const MAX_ERRORS = 5

/** The longest message, in characters: it may quote a schema. */
const MAX_COMPLAINT = 300

/** The result of compiling a schema: a checker, or why there is none. */
type Reading = { checker: Checker } | { error: Error }

let checkers: typeof import('./schema-checker.ts') | undefined

const kept = new LRUCache<string, Checker>({ max: MAX_SCHEMAS })
const readings = new WeakMap<Schema, Reading>()

/** An answer or a schema cannot be checked: too large, too deep, or the check itself failed. The message quotes nothing. */
export class UncheckedError extends Error {
  override name = 'UncheckedError'
}

/** Loads the code of checks, a quarter of a megabyte that many servers never need. Must be awaited before any check. */
export function loadCheckers (): Promise<unknown> | undefined {
  return checkers === undefined ? import('./schema-checker.ts').then(loaded => { checkers = loaded }) : undefined
}

/** Whether a schema was compiled before, so that its next check starts at once. */
export function isRead (schema: Schema): boolean {
  return lookUp(schema) !== undefined
}

/**
 * Why parts of a schema are not enforced, in sentences that quote nothing of it; empty if everything is enforced.
 * @throws Error for an invalid schema, with a message for its author; UncheckedError if nothing can be checked against it
 */
export function readSchema (schema: Schema, budget: WorkBudget): readonly string[] {
  return toChecker(schema, budget).unenforced
}

/**
 * The violations of a JSON Schema by a value, each with path and message; empty if it fits.
 * @throws UncheckedError
 */
export function toViolations (schema: Schema, value: unknown, budget: WorkBudget): string[] {
  return errorsOf(schema, value, budget).slice(0, MAX_ERRORS).map(toViolation)
}

/**
 * The number of violations of a JSON Schema by a value.
 * @throws UncheckedError
 */
export function countViolations (schema: Schema, value: unknown, budget: WorkBudget): number {
  return errorsOf(schema, value, budget).length
}

function errorsOf (schema: Schema, value: unknown, budget: WorkBudget): ReturnType<Checker['errorsOf']> {
  try {
    return toChecker(schema, budget).errorsOf(value, budget)
  } catch (error) {
    throw new UncheckedError('the answer cannot be checked against the schema', { cause: error })
  }
}

function toChecker (schema: Schema, budget: WorkBudget): Checker {
  const reading = lookUp(schema) ?? compile(schema, budget)
  readings.set(schema, reading)
  if ('error' in reading) throw reading.error
  return reading.checker
}

function lookUp (schema: Schema): Reading | undefined {
  const known = readings.get(schema)
  if (known !== undefined) return known
  if (isTooLarge(schema)) return { error: new UncheckedError('the schema is too large to be read') }
  const text = JSON.stringify(schema)
  const checker = kept.get(text)
  return checker && { checker }
}

function compile (schema: Schema, budget: WorkBudget): Reading {
  if (checkers === undefined) throw new Error('loadCheckers was not waited for')
  const { toChecker, InvalidSchemaError } = checkers
  try {
    const checker = toChecker(schema, budget)
    const text = JSON.stringify(schema)
    if (text.length <= MAX_KEPT_LENGTH) kept.set(text, checker)
    return { checker }
  } catch (error) {
    return { error: error instanceof InvalidSchemaError ? error : new UncheckedError('the schema cannot be read', { cause: error }) }
  }
}

/** Whether a schema is too large to be compiled. */
export function isTooLarge (schema: Schema): boolean {
  let nodes = 0
  let characters = 0
  const open: object[] = [schema]
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    nodes++
    if (Array.isArray(one) && one.length > MAX_CHARACTERS) return true
    for (const name in one) {
      const member = (one as Schema)[name]
      characters += name.length
      if (typeof member === 'string') characters += member.length
      else if (typeof member === 'object' && member !== null) open.push(member)
      if (nodes + open.length > MAX_NODES || characters > MAX_CHARACTERS) return true
    }
  }
  return false
}

function toViolation ({ instancePath, message = 'is not accepted', params, keyword }: ReturnType<Checker['errorsOf']>[number]): string {
  const extra = keyword === 'additionalProperties' ? ` ('${String(params['additionalProperty'])}')` : keyword === 'enum' ? ` (${JSON.stringify(params['allowedValues']).slice(0, 200)})` : ''
  return `${instancePath || '/'} ${message}${extra}`.slice(0, MAX_COMPLAINT)
}
