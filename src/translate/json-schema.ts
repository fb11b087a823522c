import { Ajv2020, type ErrorObject, type Options, type ValidateFunction } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { TooLongError, withinTime } from './time-limit.ts'

/** Compiled schemas that are kept; agents send the same few with every request. */
const MAX_SCHEMAS = 200

/** Characters of schema text that are kept compiled; a longer one is compiled each time. */
const MAX_KEPT_LENGTH = 64 * 1024

/** How many errors are told: enough for a model to mend its answer, few enough to read. */
const MAX_ERRORS = 5

/** How long one check may take, in milliseconds; ordinary ones take less than one. */
const CHECK_MS = 250

/** Patterns as JavaScript reads them with the flag `u`, else without: it refuses escapes other languages take, like `\-`. */
const toPattern = Object.assign((pattern: string, flags: string): RegExp => {
  try {
    return new RegExp(pattern, flags)
  } catch {
    return new RegExp(pattern)
  }
}, { code: 'new RegExp' })

/** Knows what a schema is; made when the first one comes. */
let schemas: Ajv2020 | undefined

const compiled = new Map<string, ValidateFunction>()

/**
 * What of a value does not fit a JSON Schema (draft 2020-12), each as path and complaint; empty when all fits. A value
 * that cannot be checked, because that takes too long or because it is too deep, does not fit.
 * @throws Error when the schema itself is none
 */
export function toViolations (schema: Record<string, unknown>, value: unknown): string[] {
  try {
    return errorsOf(schema, value).slice(0, MAX_ERRORS).map(toViolation)
  } catch (error) {
    if (error instanceof TooLongError || error instanceof RangeError) return ['/ cannot be checked against the schema']
    throw error
  }
}

/**
 * How many things of a value do not fit a JSON Schema.
 * @throws Error when the schema itself is none, or the check takes too long
 */
export function countViolations (schema: Record<string, unknown>, value: unknown): number {
  return errorsOf(schema, value).length
}

/** @throws Error when the schema is none, or one that takes too long to check anything against */
export function checkSchema (schema: Record<string, unknown>): void {
  // One that refers to itself without end compiles, and shows when it is used.
  errorsOf(schema, {})
}

function errorsOf (schema: Record<string, unknown>, value: unknown): ErrorObject[] {
  // Not within the time: it takes longer than all the rest, once, and broken off halfway Ajv would never know.
  const known = schemas ??= newSchemas()
  return withinTime(CHECK_MS, () => {
    const validate = toValidator(schema, known)
    return validate(value) ? [] : validate.errors ?? []
  })
}

function toValidator (schema: Record<string, unknown>, schemas: Ajv2020): ValidateFunction {
  const text = JSON.stringify(schema)
  const known = compiled.get(text)
  if (known) {
    // Last used goes last, so that the first is the one to forget.
    compiled.delete(text)
    compiled.set(text, known)
    return known
  }
  // An older draft is read as this one. Ajv's own `$async` would make a promise of the verdict.
  const { $schema: _draft, $async: _async, ...body } = schema
  schemas.validateSchema(body, true)
  // One Ajv a schema: schemas of different callers may claim the same $id, and forgetting one must free its memory.
  const validate = newAjv({ meta: false, validateSchema: false }).compile(body)
  if (text.length <= MAX_KEPT_LENGTH) compiled.set(text, validate)
  if (compiled.size > MAX_SCHEMAS) compiled.delete(compiled.keys().next().value as string)
  return validate
}

function newSchemas (): Ajv2020 {
  const ajv = newAjv({})
  ajv.validateSchema({})
  return ajv
}

function newAjv (options: Options): Ajv2020 {
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: true, logger: false, code: { regExp: toPattern }, ...options })
  formats.default(ajv)
  return ajv
}

function toViolation ({ instancePath, message = 'is not accepted', params, keyword }: ErrorObject): string {
  const extra = keyword === 'additionalProperties' ? ` ('${String(params['additionalProperty'])}')` : keyword === 'enum' ? ` (${JSON.stringify(params['allowedValues']).slice(0, 200)})` : ''
  return `${instancePath || '/'} ${message}${extra}`
}
