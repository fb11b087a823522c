import { InvalidRequestError, quoted } from '../../errors.ts'
import type { Change } from '../../generation/change.ts'
import { isObject } from '../../json/is-object.ts'
import type { GenerationRequest, JsonSchemaFormat, ResponseFormat } from '../../generation/request.ts'
import type { Family } from '../models/family.ts'
import { newWorkBudget, type WorkBudget } from '../../json/work-budget.ts'
import { copyDigits, toExactJson } from '../../json/exact-integers.ts'
import { countViolations, isRead, isTooLarge, loadCheckers, readSchema, toViolations, UncheckedError } from '../../json/json-schema.ts'
import { parseJson } from '../../json/lenient-json.ts'

/** The JSON that a caller requests. */
export interface OutputFormat {
  name: string
  /** Absent if the caller gave none. */
  schema?: Record<string, unknown>
  /** Whether an answer that does not fit is an error; otherwise it is returned with a change. */
  isStrict: boolean
  /** OpenAI's `json_schema` as it was sent. */
  envelope?: JsonSchemaFormat
}

/** How a model is asked for JSON: natively in one of four forms, or by a text in the system message. */
export type OutputForm = 'bare' | 'envelope' | 'guided' | 'object' | 'prompt'

/** The place of changes that concern the schema. */
const SCHEMA = 'response_format.json_schema.schema'

/** Keywords that OpenAI's subset lacks and guided decoding does not support. The answer is checked against them anyway. */
const UNSENT = new Set(['not', 'if', 'then', 'else', 'dependentRequired', 'dependentSchemas', 'propertyNames', 'unevaluatedProperties', '$schema', '$id'])

/** Steps that the compilation of a schema may take: many, because it has its own turn of the event loop. */
const COMPILING = 6_000

/**
 * Compiles the schema of a structured output in advance. This takes long, so each schema gets its own turn of the event loop.
 * @param ownTurn resolves in a turn of the event loop without other heavy work
 * @returns undefined if there is nothing to wait for
 */
export function prepareChecks (
  { response_format: format, tools, functions }: GenerationRequest,
  ownTurn: () => Promise<unknown>
): Promise<unknown> | undefined {
  const schema = format == null || format.type === 'text' ? undefined : (toAsked(format).schema ?? undefined)
  if (schema === undefined && !tools?.length && !functions?.length) return undefined
  const loaded = loadCheckers()
  if (schema === undefined) return loaded
  return (loaded ?? Promise.resolve()).then(async () => {
    if (isRead(schema)) return
    await ownTurn()
    try {
      readSchema(schema, { ...newWorkBudget(), compiling: COMPILING })
    } catch {
      // Reported where the schema is used.
    }
  })
}

/**
 * The caller's `response_format`; undefined for text. Parts of its schema that cannot be checked are changes.
 * @throws InvalidRequestError if its schema is not a JSON Schema
 */
export function toOutputFormat (
  { response_format: format }: GenerationRequest,
  workBudget: WorkBudget,
  changes: Change[]
): OutputFormat | undefined {
  if (format == null || format.type === 'text') return undefined
  const asked = toAsked(format)
  const { name, schema, strict } = asked
  if (schema == null) return { name, isStrict: false }
  try {
    for (const reason of readSchema(schema, workBudget)) { changes.push({ param: `${SCHEMA}.pattern`, action: 'dropped', reason: `a pattern is not enforced: ${reason}` }) }
  } catch (error) {
    if (!(error instanceof UncheckedError)) {
      throw new InvalidRequestError(
        place => `Invalid schema for ${place} '${quoted(name)}': ${quoted((error as Error).message.slice(0, 300))}`,
        { param: 'response_format' }
      )
    }
    changes.push({ param: SCHEMA, action: 'dropped', reason: `the answer is not checked against it: ${error.message}` })
  }
  return { name, schema, isStrict: strict === true, envelope: asked }
}

function toAsked (format: Exclude<ResponseFormat, { type: 'text' }>) {
  return format.type === 'json_object' ? { name: format.type, schema: format.schema, strict: false } : format.json_schema
}

/** The form in which a family takes a format: `prompt` if it takes none; JSON without a schema if it takes no instructions. */
export function toOutputForm ({ schema }: OutputFormat, family: Family): OutputForm {
  if (schema === undefined) return family.jsonObject ? 'object' : 'prompt'
  if (family.jsonSchema !== 'none') return family.jsonSchema
  return family.dialogueOnly ? 'object' : 'prompt'
}

/**
 * The form to try after Cloudflare has refused one: `prompt` if the model supports no schema or did not meet this one, otherwise
 * the other native form, because documentation and models disagree about which one they take.
 * @param otherForm the form that may pass by the refusal: JSON requested in words, or another body
 * @returns undefined if the refusal was about something else, or nothing is left to try
 */
export function toOtherForm (form: OutputForm, otherForm: 'words' | 'body' | undefined): OutputForm | undefined {
  if (form === 'prompt' || otherForm === undefined) return undefined
  if (otherForm === 'words') return 'prompt'
  return ({ bare: 'envelope', envelope: 'bare', guided: 'bare', object: 'prompt' } as const)[form]
}

/** The native fields of a form; none for `prompt`, which uses `toInstruction`. */
export function toNativeFormat ({ name, schema, envelope }: OutputFormat, form: OutputForm, changes: Change[]): Record<string, unknown> {
  if (form === 'prompt') {
    changes.push({ param: 'response_format', action: 'emulated', reason: 'this model takes no schema; the prompt describes it, and the answer is checked' })
    return {}
  }
  if (form === 'object' && schema !== undefined) changes.push({ param: 'response_format', action: 'emulated', reason: 'this model takes no schema; it is asked for JSON, and the answer is checked' })
  if (form === 'object' || schema === undefined) return { response_format: { type: 'json_object' } }
  const sent = isTooLarge(schema) ? schema : toSent(schema, changes)
  switch (form) {
    case 'guided': return { guided_json: sent }
    case 'bare': return { response_format: { type: 'json_schema', json_schema: sent } }
    case 'envelope': {
      const given = Object.entries(envelope ?? {}).filter(([, value]) => value !== null && value !== undefined)
      return { response_format: { type: 'json_schema', json_schema: { ...Object.fromEntries(given), name, schema: sent } } }
    }
  }
}

/** The instruction for a model without native schemas. */
export function toInstruction ({ schema }: OutputFormat): string {
  const begin = `Answer with one JSON ${schema?.['type'] === 'array' ? 'array' : 'object'} and nothing else: no explanation and no code fence.`
  return schema === undefined ? begin : `${begin} It must match this JSON Schema:\n${toExactJson(schema)}`
}

/**
 * Why an answer does not fit its format, worded for the model and the caller. Undefined if it fits, or if it cannot be
 * checked, which is a change.
 */
export function toComplaint ({ schema }: OutputFormat, answer: string, workBudget: WorkBudget, changes: Change[]): string | undefined {
  const value = parseJson(answer)
  if (value === undefined) return 'the answer is not valid JSON'
  if (schema === undefined) return isObject(value) ? undefined : 'the answer is not a JSON object'
  try {
    return toViolations(schema, value, workBudget).join('; ') || undefined
  } catch (error) {
    if (!changes.some(({ param }) => param === SCHEMA)) changes.push({ param: SCHEMA, action: 'dropped', reason: (error as Error).message })
    return undefined
  }
}

/** How far an answer is from its format: the number of schema errors, or more than any such number if it is not JSON. */
export function toDistance ({ schema }: OutputFormat, answer: string, workBudget: WorkBudget): number {
  const value = parseJson(answer)
  if (value === undefined) return Infinity
  if (schema === undefined) return isObject(value) ? 0 : 1
  try {
    return countViolations(schema, value, workBudget)
  } catch {
    return 0
  }
}

function toSent (schema: Record<string, unknown>, changes: Change[]): Record<string, unknown> {
  const dropped = new Set<string>()
  const sent = withoutUnsent(schema, dropped)
  for (const keyword of dropped) {
    if (keyword.startsWith('$')) continue
    changes.push({ param: `${SCHEMA}.${keyword}`, action: 'dropped', reason: 'Workers AI cannot enforce this keyword; the answer is checked for it' })
  }
  return sent
}

function withoutUnsent (schema: Record<string, unknown>, dropped: Set<string>): Record<string, unknown> {
  const sent = Object.fromEntries(Object.entries(schema).flatMap(([key, value]): Array<[string, unknown]> => {
    if (UNSENT.has(key)) {
      dropped.add(key)
      return []
    }
    if (key === 'properties' || key === 'patternProperties' || key === '$defs' || key === 'definitions') return [[key, mapSchemas(value, dropped)]]
    if (key === 'enum' || key === 'const' || key === 'default' || key === 'examples') return [[key, value]]
    if (Array.isArray(value)) return [[key, value.map(one => isObject(one) ? withoutUnsent(one, dropped) : one)]]
    return [[key, isObject(value) ? withoutUnsent(value, dropped) : value]]
  }))
  copyDigits(schema, sent)
  return sent
}

/** The values of `properties` are schemas, for any name. */
function mapSchemas (schemas: unknown, dropped: Set<string>): unknown {
  if (!isObject(schemas)) return schemas
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [name, isObject(schema) ? withoutUnsent(schema, dropped) : schema])
  )
}
