import { InvalidRequestError, quoted } from '../../errors.ts'
import type { Change } from '../../generation/change.ts'
import { isObject } from '../../json/is-object.ts'
import type { GenerationRequest, JsonSchemaFormat, ResponseFormat } from '../../generation/request.ts'
import type { Family } from '../models/family.ts'
import { newWorkBudget, type WorkBudget } from '../../json/work-budget.ts'
import { copyDigits, toExactJson } from '../../json/exact-integers.ts'
import { countViolations, isRead, isTooLarge, loadCheckers, readSchema, toViolations, UncheckedError } from '../../json/json-schema.ts'
import { parseJson } from '../../json/lenient-json.ts'

/** The JSON a caller wants to read. */
export interface OutputFormat {
  name: string
  /** Absent where the caller gave none. */
  schema?: Record<string, unknown>
  /** An answer that does not fit is an error; else it is returned with a change. */
  isStrict: boolean
  /** OpenAI's `json_schema` as it was sent. */
  envelope?: JsonSchemaFormat
}

/** How a model is made to answer in JSON: natively in one of four forms, or by words in the system message. */
export type OutputForm = 'bare' | 'envelope' | 'guided' | 'object' | 'prompt'

/** A change that concerns the schema. */
const SCHEMA = 'response_format.json_schema.schema'

/** Keywords OpenAI's subset lacks and guided decoding stumbles over; the answer is checked against them all the same. */
const UNSENT = new Set(['not', 'if', 'then', 'else', 'dependentRequired', 'dependentSchemas', 'propertyNames', 'unevaluatedProperties', '$schema', '$id'])

/** Steps of a schema's compilation: it has a turn of the event loop for itself. */
const COMPILING = 6_000

/**
 * Reads the schema of a structured output before it is needed: it takes long, so each one waits for a turn of its own.
 * @param ownTurn resolves in a turn of the event loop without other heavy work
 * @returns undefined where there is nothing to wait for
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
      // It is told to its writer where the schema is used.
    }
  })
}

/**
 * What the caller's `response_format` asks for; undefined for text. What cannot be checked of its schema is a change.
 * @throws InvalidRequestError when its schema is none
 */
export function toOutputFormat (
  { response_format: format }: GenerationRequest,
  effort: WorkBudget,
  changes: Change[]
): OutputFormat | undefined {
  if (format == null || format.type === 'text') return undefined
  const asked = toAsked(format)
  const { name, schema, strict } = asked
  if (schema == null) return { name, isStrict: false }
  try {
    for (const reason of readSchema(schema, effort)) { changes.push({ param: `${SCHEMA}.pattern`, action: 'dropped', reason: `a pattern is not enforced: ${reason}` }) }
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

/** The form a family takes a format in; JSON by words where it takes none, or without its schema where it hears no words. */
export function toOutputForm ({ schema }: OutputFormat, family: Family): OutputForm {
  if (schema === undefined) return family.jsonObject ? 'object' : 'prompt'
  if (family.jsonSchema !== 'none') return family.jsonSchema
  return family.dialogueOnly ? 'object' : 'prompt'
}

/**
 * The form to try after Cloudflare has refused one: words when the model holds no schema or did not meet this one, else the
 * other way to write the schema, because documentation and models disagree about which one they take.
 * @param otherForm what the refusal says may pass: the JSON asked for in words, or the body written differently
 * @returns undefined when the refusal was about something else, or nothing is left to try
 */
export function toOtherForm (form: OutputForm, otherForm: 'words' | 'body' | undefined): OutputForm | undefined {
  if (form === 'prompt' || otherForm === undefined) return undefined
  if (otherForm === 'words') return 'prompt'
  return ({ bare: 'envelope', envelope: 'bare', guided: 'bare', object: 'prompt' } as const)[form]
}

/** The native fields of a form; none for `prompt`, whose words are `toInstruction`'s. */
export function toNativeFormat ({ name, schema, envelope }: OutputFormat, form: OutputForm, changes: Change[]): Record<string, unknown> {
  if (form === 'prompt') {
    changes.push({ param: 'response_format', action: 'emulated', reason: 'this model holds no schema; it is asked for in words, and the answer is checked' })
    return {}
  }
  if (form === 'object' && schema !== undefined) changes.push({ param: 'response_format', action: 'emulated', reason: 'this model holds no schema; it is asked for JSON, and the answer is checked' })
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

/** What to tell a model that holds no schema. */
export function toInstruction ({ schema }: OutputFormat): string {
  const begin = `Answer with one JSON ${schema?.['type'] === 'array' ? 'array' : 'object'} and nothing else: no explanation and no code fence.`
  return schema === undefined ? begin : `${begin} It must match this JSON Schema:\n${toExactJson(schema)}`
}

/**
 * What is wrong with an answer in a format, in words for the model and the caller; undefined when it fits, and when it
 * cannot be checked, which is told.
 */
export function toComplaint ({ schema }: OutputFormat, answer: string, effort: WorkBudget, changes: Change[]): string | undefined {
  const value = parseJson(answer)
  if (value === undefined) return 'the answer is not valid JSON'
  if (schema === undefined) return isObject(value) ? undefined : 'the answer is not a JSON object'
  try {
    return toViolations(schema, value, effort).join('; ') || undefined
  } catch (error) {
    if (!changes.some(({ param }) => param === SCHEMA)) changes.push({ param: SCHEMA, action: 'dropped', reason: (error as Error).message })
    return undefined
  }
}

/** How far an answer is from its format: the number of complaints, and more than all of them when it is no JSON. */
export function toDistance ({ schema }: OutputFormat, answer: string, effort: WorkBudget): number {
  const value = parseJson(answer)
  if (value === undefined) return Infinity
  if (schema === undefined) return isObject(value) ? 0 : 1
  try {
    return countViolations(schema, value, effort)
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

/** The values of `properties` are schemas, whatever the names are. */
function mapSchemas (schemas: unknown, dropped: Set<string>): unknown {
  if (!isObject(schemas)) return schemas
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [name, isObject(schema) ? withoutUnsent(schema, dropped) : schema])
  )
}
