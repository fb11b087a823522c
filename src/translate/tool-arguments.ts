import type { Batch, Stage, ToolCallEvent } from '../generation/event.ts'
import type { Change } from '../generation/change.ts'
import { toViolations } from './json-schema.ts'
import { parseJson, parseModelJson } from './model-json.ts'

type Schema = Record<string, unknown>

/**
 * Holds each tool call until it is whole, and mends the harmless mistakes models make in its arguments: JSON that is
 * nearly JSON, encoded twice, numbers and booleans as strings, lists and objects as strings, `null` for what may be
 * left out, and nothing for what may be null. Each repair is a change. Arguments that fit their schema, and those that
 * cannot be mended, pass exactly as the model wrote them.
 */
export class ToolArguments implements Stage {
  #schemas: ReadonlyMap<string, Schema>
  #changes: Change[]
  #open: Array<ToolCallEvent & { name: string }> = []

  /** @param schemas the parameters of each tool that was offered, by name */
  constructor (schemas: ReadonlyMap<string, Schema>, changes: Change[]) {
    this.#schemas = schemas
    this.#changes = changes
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
    const { text, repairs } = toMended(call.arguments, this.#schemas.get(call.name))
    for (const reason of repairs) {
      this.#changes.push({ param: `tool_calls[${call.index}].function.arguments`, action: 'repaired', reason })
    }
    return { ...call, arguments: text }
  }
}

/**
 * @param text the arguments as the model wrote them
 * @param schema the tool's parameters, when they are known
 * @returns JSON text, and what was done to it; the same text and nothing when it is sound or beyond repair
 */
export function toMended (text: string, schema: Schema | undefined): { text: string, repairs: string[] } {
  const asWritten = { text, repairs: [] }
  const repairs: string[] = []
  let value = parseJson(text)
  if (value === undefined) {
    value = parseModelJson(text)
    repairs.push('the model wrote JSON that does not parse')
  }
  if (typeof value === 'string') {
    value = parseModelJson(value)
    repairs.push('the model encoded the arguments twice')
  }
  if (!isObject(value)) return asWritten
  if (schema !== undefined && violations(schema, value) > 0) {
    const mended = mend(value, schema, schema)
    if (violations(schema, mended) < violations(schema, value)) {
      value = mended
      repairs.push('the model gave values of another type than the schema names')
    }
  }
  return repairs.length === 0 ? asWritten : { text: JSON.stringify(value), repairs }
}

/** A schema that is none cannot be violated. */
function violations (schema: Schema, value: unknown): number {
  try {
    return toViolations(schema, value).length
  } catch {
    return 0
  }
}

function mend (value: unknown, schema: unknown, root: Schema): unknown {
  const resolved = resolve(schema, root)
  const types = typesOf(resolved, root)
  if (types.length > 0 && !types.includes(typeOf(value)) && !(typeOf(value) === 'integer' && types.includes('number'))) {
    const cast = toType(value, types)
    if (cast !== undefined) return mend(cast, resolved, root)
  }
  if (Array.isArray(value)) return value.map(item => mend(item, resolved['items'], root))
  if (!isObject(value)) return value
  return mendMembers(value, resolved, root)
}

function mendMembers (value: Record<string, unknown>, schema: Schema, root: Schema): Record<string, unknown> {
  const properties = isObject(schema['properties']) ? schema['properties'] : {}
  const required = new Set(Array.isArray(schema['required']) ? schema['required'] : [])
  const mended: Record<string, unknown> = {}
  for (const [name, member] of Object.entries(value)) {
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined
    const types = typesOf(resolve(property, root), root)
    if (member === null && !required.has(name) && types.length > 0 && !types.includes('null')) continue
    define(mended, name, mend(member, property, root))
  }
  for (const [name, property] of Object.entries(properties)) {
    if (!required.has(name) || Object.hasOwn(mended, name)) continue
    const resolved = resolve(property, root)
    if ('default' in resolved) define(mended, name, resolved['default'])
    else if (typesOf(resolved, root).includes('null')) define(mended, name, null)
  }
  return mended
}

/** A member by any name, `__proto__` too, as an own property. */
function define (target: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, enumerable: true, writable: true, configurable: true })
}

/** The value in one of the types, when it is that value in other clothes; undefined when it is not. */
function toType (value: unknown, types: readonly string[]): unknown {
  if (typeof value === 'string') {
    const read = parseJson(value.trim()) ?? { True: true, False: false, None: null }[value.trim()]
    if (read === undefined || typeof read === 'string') return undefined
    const type = typeOf(read)
    return types.includes(type) || (type === 'integer' && types.includes('number')) ? read : undefined
  }
  if (types.includes('string') && (typeof value === 'number' || typeof value === 'boolean')) return String(value)
  if (types.includes('integer') && typeof value === 'number' && Number.isInteger(value)) return value
  if (types.includes('array') && value !== null && !Array.isArray(value)) return [value]
  return undefined
}

function resolve (schema: unknown, root: Schema): Schema {
  if (!isObject(schema)) return {}
  const reference = schema['$ref']
  if (typeof reference !== 'string' || !reference.startsWith('#/')) return schema
  const target = reference.slice(2).split('/').reduce<unknown>((node, key) => isObject(node) ? node[key.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined, root)
  return isObject(target) && target !== schema && target['$ref'] === undefined ? target : {}
}

function typesOf (schema: Schema, root: Schema): string[] {
  const { type } = schema
  if (typeof type === 'string') return [type]
  if (Array.isArray(type)) return type.filter(one => typeof one === 'string')
  for (const branches of [schema['anyOf'], schema['oneOf']]) {
    if (Array.isArray(branches)) return branches.flatMap(branch => typesOf(resolve(branch, root), root))
  }
  return []
}

function typeOf (value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value
}

function isObject (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
