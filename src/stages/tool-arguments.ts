import { withoutMarks } from './argument-marks.ts'
import { BracketScanner } from '../json/bracket-scanner.ts'
import type { Change } from '../generation/change.ts'
import type { Batch, Stage, ToolCallEvent } from '../generation/event.ts'
import { isObject } from '../json/is-object.ts'
import { toExactJsonText, toNumber } from '../json/exact-json.ts'
import type { WorkBudget } from '../json/work-budget.ts'
import { countViolations } from '../json/json-schema.ts'
import { parseJson, toExactValue, toModelJson } from '../json/lenient-json.ts'

type Schema = Record<string, unknown>

/** The longest chain of references and wrappers that is followed; a schema may refer to itself. */
const MAX_REFERENCES = 10

/**
 * Holds each tool call until it is complete, and repairs harmless mistakes in its arguments: almost valid JSON, JSON encoded
 * twice, numbers and booleans as strings, lists and objects as strings, `null` for optional members, and missing members that
 * may be null. Each repair is a change, and keeps the digits of numbers. Arguments that fit their schema, and those that
 * cannot be repaired, pass exactly as the model wrote them.
 */
export class ToolArguments implements Stage {
  #schemas: ReadonlyMap<string, Schema>
  #changes: Change[]
  #budget: WorkBudget
  #open: Array<ToolCallEvent & { name: string }> = []

  /** @param schemas the parameters of each tool that was offered, by name */
  constructor (schemas: ReadonlyMap<string, Schema>, changes: Change[], budget: WorkBudget) {
    this.#schemas = schemas
    this.#changes = changes
    this.#budget = budget
  }

  push (batch: Batch): Batch {
    const out: Batch = []
    for (const event of batch) {
      if (event.type === 'tool_call') {
        const open = this.#open.find(call => call.index === event.index)
        if (open) open.arguments += event.arguments
        else this.#open.push({ ...event, name: event.name ?? '' })
        continue
      }
      if (event.type === 'finish') {
        for (const call of this.#open) out.push(this.#mend(call))
        this.#open = []
      }
      out.push(event)
    }
    return out
  }

  #mend (call: ToolCallEvent & { name: string }): ToolCallEvent {
    const { text, repairs } = toMended(call.arguments, this.#schemas.get(call.name), this.#budget)
    for (const reason of repairs) {
      this.#changes.push({ param: `tool_calls[${call.index}].function.arguments`, action: 'repaired', repair: 'arguments', reason })
    }
    return { ...call, arguments: text }
  }
}

/**
 * @param text the arguments as the model wrote them
 * @param schema the tool's parameters, when they are known
 * @returns JSON text and the repair; the same text and no repair if it is valid or cannot be repaired
 */
export function toMended (text: string, schema: Schema | undefined, budget: WorkBudget): { text: string, repairs: string[] } {
  const asWritten = { text, repairs: [] }
  const repairs: string[] = []
  const unmarked = withoutMarks(text)
  if (unmarked !== text) repairs.push('the model wrote tokens of its chat template into the arguments')
  let json: string | undefined = unmarked
  let value = parseJson(json)
  if (value === undefined) {
    json = toClosed(unmarked, budget)
    value = json && parseJson(json)
    repairs.push('the model wrote JSON that does not parse')
  }
  if (typeof value === 'string') {
    json = toClosed(value, budget)
    value = json && parseJson(json)
    repairs.push('the model encoded the arguments twice')
  }
  if (json === undefined || !isObject(value)) return asWritten
  let mended: string | undefined
  const broken = schema && violations(schema, value, budget)
  if (schema !== undefined && broken !== undefined && broken > 0) {
    const cast = toJson(mend(toExactValue(json), schema, schema, budget))
    const left = cast === undefined ? undefined : violations(schema, parseJson(cast), budget)
    if (left !== undefined && left < broken) {
      mended = cast
      repairs.push('the model gave values of another type than the schema names')
    }
  }
  const written = repairs.length === 0 ? undefined : mended ?? toJson(toExactValue(json))
  return written === undefined ? asWritten : { text: written, repairs }
}

/** Undefined for nesting deeper than JavaScript can serialize. */
function toJson (value: unknown): string | undefined {
  try {
    return toExactJsonText(value)
  } catch {
    return undefined
  }
}

/** Surplus closing brackets, and tokens of a chat template. */
const BEHIND = /^(?:[\s}\]]|<[|｜][^<>]{1,40}>)*$/

/** Valid or almost valid JSON whose brackets are all closed: truncated arguments must not be completed by guessing. */
function toClosed (text: string, budget: WorkBudget): string | undefined {
  const json = text.trim()
  const length = new BracketScanner().read(json) ?? 0
  const closed = json.slice(0, length)
  return /[}\]]$/.test(closed) && BEHIND.test(json.slice(length)) ? toModelJson(closed, budget) : undefined
}

/** Undefined if it cannot be checked: the schema is invalid or too large. */
function violations (schema: Schema, value: unknown, budget: WorkBudget): number | undefined {
  try {
    return countViolations(schema, value, budget)
  } catch {
    return undefined
  }
}

function mend (value: unknown, schema: unknown, root: Schema, budget: WorkBudget): unknown {
  if (schema === undefined) return value
  const resolved = resolve(schema, root)
  const types = typesOf(resolved, root)
  const cast = types.length === 0 || isOf(value, types) ? value : toType(value, types, budget)
  const known = branchFor(cast, resolved, root)
  if (Array.isArray(cast)) return cast.map(item => mend(item, known['items'], root, budget))
  return isObject(cast) && toNumber(cast) === undefined ? mendMembers(cast, known, root, budget) : cast
}

function mendMembers (value: Record<string, unknown>, schema: Schema, root: Schema, budget: WorkBudget): Record<string, unknown> {
  const properties = isObject(schema['properties']) ? schema['properties'] : {}
  const required = new Set(Array.isArray(schema['required']) ? schema['required'] : [])
  const mended: Array<[string, unknown]> = []
  for (const [name, member] of Object.entries(value)) {
    const property = Object.hasOwn(properties, name) ? properties[name] : schema['additionalProperties']
    const types = typesOf(resolve(property, root), root)
    const isLeftOut = member === null && !required.has(name) && types.length > 0 && !types.includes('null')
    if (!isLeftOut) mended.push([name, mend(member, property, root, budget)])
  }
  for (const [name, property] of Object.entries(properties)) {
    if (!required.has(name) || Object.hasOwn(value, name)) continue
    const resolved = resolve(property, root)
    if (Object.hasOwn(resolved, 'default')) mended.push([name, resolved['default']])
    else if (typesOf(resolved, root).includes('null')) mended.push([name, null])
  }
  // Unlike an assignment this defines an own member for any name, also `__proto__`.
  return Object.fromEntries(mended)
}

/** The value converted to one of the types, if it is only encoded differently; otherwise the value itself. */
function toType (value: unknown, types: readonly string[], budget: WorkBudget): unknown {
  const read = typeof value === 'string' ? toLiteral(value.trim(), budget) : undefined
  // 1.0 is read as an integer if the schema allows only integers.
  if (read !== undefined && isOf(read, types)) return types.includes('number') ? read : toSafeInteger(read) ?? read
  if (types.includes('string') && (toNumber(value) !== undefined || typeof value === 'boolean')) return String(value)
  if (types.includes('array') && value !== null && !Array.isArray(value)) return [value]
  return value
}

function toSafeInteger (value: unknown): number | undefined {
  const number = toNumber(value)
  return Number.isSafeInteger(number) ? number : undefined
}

function toLiteral (text: string, budget: WorkBudget): unknown {
  switch (text) {
    case 'True': return true
    case 'False': return false
    case 'None': return null
  }
  const json = parseJson(text) === undefined ? toClosed(text, budget) : text
  return json === undefined ? undefined : toExactValue(json)
}

/** A schema itself, without the references and single `allOf` it may be wrapped in. */
function resolve (schema: unknown, root: Schema): Schema {
  let resolved = schema
  for (let steps = 0; steps < MAX_REFERENCES && isObject(resolved); steps++) {
    const { $ref: reference, allOf } = resolved
    if (typeof reference === 'string') resolved = toTarget(reference, root)
    else if (Array.isArray(allOf) && allOf.length === 1) resolved = allOf[0]
    else return resolved
  }
  return {}
}

/** The target of a JSON pointer into the schema. */
function toTarget (reference: string, root: Schema): unknown {
  if (reference !== '#' && !reference.startsWith('#/')) return undefined
  return reference.split('/').slice(1).reduce<unknown>((node, part) => {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
    return isObject(node) && Object.hasOwn(node, key) ? node[key] : undefined
  }, root)
}

/** Of several alternative schemas the only one with the value's type; a schema without alternatives itself. */
function branchFor (value: unknown, schema: Schema, root: Schema): Schema {
  const branches = branchesOf(schema, root)
  if (branches.length === 0) return schema
  const [branch = {}, ...others] = branches.filter(one => isOf(value, typesOf(one, root)))
  return others.length === 0 ? branch : {}
}

function branchesOf (schema: Schema, root: Schema): Schema[] {
  const branches = schema['anyOf'] ?? schema['oneOf']
  return Array.isArray(branches) ? branches.map(branch => resolve(branch, root)) : []
}

/** The types that a schema or its alternatives name; empty if they name none. */
function typesOf (schema: Schema, root: Schema): string[] {
  return [schema, ...branchesOf(schema, root)].flatMap(({ type, enum: values }) =>
    type === undefined && Array.isArray(values) ? values.map(typeOf) : [type].flat().filter(one => typeof one === 'string'))
}

function isOf (value: unknown, types: readonly string[]): boolean {
  const type = typeOf(value)
  return types.includes(type) || (type === 'integer' && types.includes('number'))
}

function typeOf (value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  const number = toNumber(value)
  if (number !== undefined) return Number.isInteger(number) ? 'integer' : 'number'
  return typeof value
}
