import { Ajv, _, type ErrorObject, type KeywordCxt, type Options, type ValidateFunction } from 'ajv'
import ajvDraft04 from 'ajv-draft-04'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { RE2JS } from 're2js'
import { spend, type WorkBudget, type Kind } from './work-budget.ts'
import { FORMATS } from './formats.ts'
import { toLinearPattern, UnreadPatternError } from './pattern.ts'
import { toServedSchema, type Schema } from './served-schema.ts'

/** A compiled schema. */
export interface Checker {
  /** Why parts of the schema are not enforced, in sentences that quote nothing of it. */
  unenforced: readonly string[]
  /**
   * The violations by a value.
   * @throws WorkBudgetError; RangeError for too deep nesting
   */
  errorsOf: (value: unknown, budget: WorkBudget) => ErrorObject[]
}

/** The schema is invalid. The message quotes it, and is for its author only. */
export class InvalidSchemaError extends Error {
  override name = 'InvalidSchemaError'
}

type Draft = '04' | '07' | '2019-09' | '2020-12'

/** The used part of an Ajv instance; each draft has its own class. */
type Validator = Pick<Ajv, 'compile' | 'validateSchema' | 'errors' | 'errorsText' | 'RULES'>

// Its default export is the module itself where it was not bundled.
const Ajv04 =
  (ajvDraft04 as unknown as { default?: typeof ajvDraft04.default }).default ?? (ajvDraft04 as unknown as typeof ajvDraft04.default)

const DRAFTS: Record<Draft, new (options: Options) => Validator> = { '04': Ajv04 as unknown as new (options: Options) => Validator, '07': Ajv, '2019-09': Ajv2019, '2020-12': Ajv2020 }

/** An Ajv per draft, created for the first schema of that draft. */
const readers = new Map<Draft, Validator>()

/** Keywords that check each item or member of a value. */
const LOOPING = new Set(['items', 'additionalItems', 'contains', 'unevaluatedItems', 'additionalProperties', 'patternProperties', 'propertyNames', 'unevaluatedProperties', 'minProperties', 'maxProperties', 'dependencies'])

/** Keywords that read each character of a text. */
const READING = new Set(['minLength', 'maxLength', 'format', 'const', 'enum'])

/** Steps to compile one keyword, without its subschemas. */
const KEYWORD_STEPS = 2

/**
 * Compiles a schema by the draft that `$schema` names, or without one by the first draft that accepts it.
 * @throws InvalidSchemaError; WorkBudgetError if the compilation takes too many steps; other errors of Ajv
 */
export function toChecker (schema: Schema, budget: WorkBudget): Checker {
  const meter = new Meter(budget, 'compiling')
  const draft = toDraft(schema)
  const patterns = new Patterns(meter)
  const { schema: served, unenforced } = toServedSchema(schema, { keepsId: draft === '04', reasonAgainst: pattern => patterns.reasonAgainst(pattern) })
  const ajv = newAjv(draft, { meta: false, validateSchema: false, code: { optimize: false, regExp: patterns.engine() } })
  countSteps(ajv, meter)
  const validate = compile(ajv, served)
  return {
    unenforced,
    errorsOf: (value, budget) => meter.during(budget, () => validate(value) ? [] : validate.errors ?? [])
  }
}

function compile (ajv: Validator, schema: Schema): ValidateFunction {
  try {
    return ajv.compile(schema)
  } catch (error) {
    if (error instanceof Ajv.MissingRefError) throw new InvalidSchemaError(error.message)
    throw error
  }
}

function newAjv (draft: Draft, options: Options): Validator {
  // Targets of references are not inlined: a thousand references to a thousand subschemas would become a million.
  return new DRAFTS[draft]({
    strict: false,
    allErrors: true,
    validateFormats: true,
    inlineRefs: false,
    logger: false,
    formats: FORMATS,
    ...options
  })
}

/** @throws InvalidSchemaError if the draft does not accept the schema */
function toDraft (schema: Schema): Draft {
  const named = toNamedDraft(schema['$schema'])
  const drafts: Draft[] = named === undefined ? ['2020-12', '07', '04'] : [named]
  const { $schema: _draft, ...body } = schema
  let complaint: string | undefined
  for (const draft of drafts) {
    let reader = readers.get(draft)
    if (reader === undefined) readers.set(draft, reader = newAjv(draft, {}))
    if (reader.validateSchema(body) === true) return draft
    complaint ??= `data/${reader.errorsText(reader.errors, { dataVar: 'data' })}`.replace('data/data', 'data')
  }
  throw new InvalidSchemaError(`schema is invalid: ${complaint}`)
}

/** An unknown URI names no draft; OpenAPI's dialects are among them. */
function toNamedDraft (address: unknown): Draft | undefined {
  const name = typeof address === 'string' ? /^https?:\/\/json-schema\.org\/(?:draft\/(2020-12|2019-09)|draft-(0[467]))\/schema#?$/.exec(address) : undefined
  const draft = name?.[1] ?? name?.[2]
  return draft === '06' ? '07' : draft as Draft | undefined
}

/** Counts the steps of one compilation, and then of each check. */
class Meter {
  #budget: WorkBudget
  #kind: Kind

  constructor (budget: WorkBudget, kind: Kind) {
    this.#budget = budget
    this.#kind = kind
  }

  spend (steps: number): void {
    spend(this.#budget, this.#kind, steps)
  }

  /** @param each steps for each item, member or 64 characters of the value */
  spendFor (value: unknown, steps: number, each: number): void {
    this.spend(steps + each * lengthOf(value))
  }

  /** Counts the checks in it against this budget. */
  during<T> (budget: WorkBudget, check: () => T): T {
    this.#budget = budget
    this.#kind = 'checking'
    return check()
  }
}

function lengthOf (value: unknown): number {
  if (typeof value === 'string') return value.length / 64
  if (typeof value !== 'object' || value === null) return 0
  return Array.isArray(value) ? value.length : Object.keys(value).length
}

/**
 * Makes every keyword count its steps, at compilation and at each run: a schema that refers to itself can double the work with
 * each level. Replaces the keywords that compare numbers and items by exact ones with linear time.
 */
function countSteps ({ RULES }: Validator, meter: Meter): void {
  for (const rule of Object.values(RULES.all)) {
    if (typeof rule !== 'object' || !('code' in rule.definition)) continue
    const { definition, keyword } = rule
    if (keyword === 'uniqueItems') definition.error = { message: 'must NOT have duplicate items' }
    const code = toOwnCode(keyword, meter) ?? definition.code.bind(definition)
    definition.code = (context: KeywordCxt, type?: string) => {
      const { gen, data, schema } = context
      const steps = 2 + sizeOf(schema, keyword)
      meter.spend(KEYWORD_STEPS + steps / 8)
      const ref = gen.scopeValue('obj', { ref: meter })
      const each = LOOPING.has(keyword) ? (keyword === 'patternProperties' ? steps : 4) : READING.has(keyword) ? 1 : 0
      gen.code(each === 0 ? _`${ref}.spend(${steps})` : _`${ref}.spendFor(${data}, ${steps}, ${each})`)
      code(context, type)
    }
  }
}

function toOwnCode (keyword: string, meter: Meter): ((context: KeywordCxt) => void) | undefined {
  const ref = keyword === 'multipleOf' ? isMultiple : keyword === 'uniqueItems' ? (wanted: boolean, list: unknown[]) => !wanted || isUnique(list, meter) : undefined
  return ref && (context => {
    context.fail(_`!${context.gen.scopeValue('func', { ref })}(${context.schemaCode}, ${context.data})`)
  })
}

/** The steps that a keyword may need. */
function sizeOf (schema: unknown, keyword: string): number {
  if (typeof schema !== 'object' || schema === null) return 0
  // Each missing member becomes an error.
  if (keyword === 'required') return 4 * lengthOf(schema)
  if (keyword !== 'enum' && keyword !== 'const') return lengthOf(schema)
  return JSON.stringify(schema).length / 8
}

/** Whether a number is a multiple of another one in decimal digits, as written: 19.99 is a multiple of 0.01. */
function isMultiple (step: number, value: number): boolean {
  const of = toDecimal(step)
  const one = toDecimal(value)
  if (of === undefined || one === undefined) return true
  const exponent = Math.min(of.exponent, one.exponent)
  const digits = ({ digits, exponent: own }: Decimal) => digits * 10n ** BigInt(own - exponent)
  return digits(of) !== 0n && digits(one) % digits(of) === 0n
}

interface Decimal {
  digits: bigint
  exponent: number
}

/** Undefined for a value too large for a number. */
function toDecimal (value: number): Decimal | undefined {
  const [, whole = '', fraction = '', exponent = '0'] = /^(-?\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value)) ?? []
  return whole === '' ? undefined : { digits: BigInt(whole + fraction), exponent: Number(exponent) - fraction.length }
}

/** Compared by their JSON, because comparing all pairs would take quadratic time. */
function isUnique (list: unknown[], meter: Meter): boolean {
  const seen = new Set<string>()
  for (const item of list) {
    const json = JSON.stringify(item, inOrder)
    meter.spend(1 + json.length / 8)
    seen.add(json)
  }
  return seen.size === list.length
}

function inOrder (_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => one < other ? -1 : 1))
}

/** The patterns of one schema. */
class Patterns {
  #meter: Meter
  #known = new Map<string, RE2JS | string>()
  #sizes = new Map<RE2JS, number>()

  constructor (meter: Meter) {
    this.#meter = meter
  }

  /** Why a pattern cannot be enforced; undefined when it can. */
  reasonAgainst (pattern: string): string | undefined {
    const read = this.#read(pattern)
    return typeof read === 'string' ? read : undefined
  }

  /** Ajv's factory of patterns. */
  engine (): NonNullable<NonNullable<Options['code']>['regExp']> {
    const toPattern = (pattern: string) => {
      const read = this.#read(pattern)
      // A pattern in a place without a schema keyword that a reference points to.
      if (typeof read === 'string') throw new UnreadPatternError(read)
      const size = this.#sizes.get(read) ?? 1
      return {
        test: (text: string) => {
          this.#meter.spend(size * (1 + text.length))
          return read.test(text)
        },
        // Ajv keeps them apart by it.
        toString: () => pattern
      }
    }
    return Object.assign(toPattern, { code: 'toPattern' })
  }

  #read (pattern: string): RE2JS | string {
    const known = this.#known.get(pattern)
    if (known !== undefined) return known
    const read = this.#toEngine(pattern)
    this.#known.set(pattern, read)
    return read
  }

  #toEngine (pattern: string): RE2JS | string {
    try {
      const { source, size } = toLinearPattern(pattern)
      this.#meter.spend(1 + size / 16)
      const engine = RE2JS.compile(source)
      this.#sizes.set(engine, Math.max(size, engine.programSize()) / 2)
      return engine
    } catch (error) {
      if (error instanceof UnreadPatternError) return error.message
      if (error instanceof Error && error.name.startsWith('RE2JS')) return 'the engine cannot read it'
      throw error
    }
  }
}
