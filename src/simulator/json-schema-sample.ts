/** The keywords of JSON Schema that the sample respects. Schemas are the caller's: any value may be of the wrong type. */
export interface JsonSchema {
  $ref?: string
  type?: string | string[]
  const?: unknown
  enum?: unknown[]
  default?: unknown
  anyOf?: JsonSchema[]
  oneOf?: JsonSchema[]
  allOf?: JsonSchema[]
  properties?: Record<string, JsonSchema>
  required?: string[]
  items?: JsonSchema
  prefixItems?: JsonSchema[]
  minItems?: number
  maxItems?: number
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
  exclusiveMinimum?: number
  exclusiveMaximum?: number
  multipleOf?: number
  format?: string
  description?: string
}

interface Place {
  root: JsonSchema
  /** The name of the property being filled. */
  name: string
  depth: number
  /** What strings may say, used up one after the other. */
  words: string[]
}

/** From here on only what is required is filled in, and a choice prefers null: the way out of a schema that contains itself. */
const DEEP = 6
/** The end, even for a schema that requires itself. */
const DEEPEST = 24
const MOST_ITEMS = 100
const LONGEST_PADDING = 10_000

const FORMATS = new Map(Object.entries({
  'date-time': '2025-01-01T12:00:00Z',
  date: '2025-01-01',
  time: '12:00:00Z',
  duration: 'P1D',
  email: 'someone@example.com',
  hostname: 'example.com',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  uri: 'https://example.com/',
  uuid: '00000000-0000-4000-8000-000000000000'
}))

/**
 * A value that a JSON Schema allows; the same for the same schema and words.
 * Not respected: `pattern`, `not`, `if`, `uniqueItems`, references outside the schema.
 * @param words what strings may say, in this order; a string without one takes the example of its description (`e.g. …`), else its own name
 */
export function toSample (schema: JsonSchema, words: readonly string[] = []): unknown {
  return sample(schema, { root: schema, name: 'value', depth: 0, words: [...words] })
}

function sample (schema: JsonSchema | boolean | undefined | null, place: Place): unknown {
  if (typeof schema !== 'object' || schema === null) return place.name
  if (place.depth > DEEPEST) return null
  const deeper = { ...place, depth: place.depth + 1 }

  if (typeof schema.$ref === 'string') return sample(resolve(schema.$ref, place.root), deeper)
  if (schema.const !== undefined) return schema.const
  if (isFilled(schema.enum)) return schema.enum[0]
  if (isFilled(schema.allOf)) return sample(merge([schema, ...schema.allOf.map(part => follow(part, place.root))]), deeper)
  const choices = schema.anyOf ?? schema.oneOf
  if (isFilled(choices)) return sample(choose(choices, place.depth), deeper)

  switch (toType(schema)) {
    case 'object': return toObject(schema, deeper)
    case 'array': return toArray(schema, deeper)
    case 'integer':
    case 'number': return toNumber(schema)
    case 'boolean': return true
    case 'null': return null
    default: return toWording(schema, place)
  }
}

function isFilled<T> (list: T[] | undefined): list is T[] {
  return Array.isArray(list) && list.length > 0
}

/** Follows `#` and `#/a/b` inside the schema. */
function resolve (reference: string, root: JsonSchema): JsonSchema | undefined {
  const path = reference.replace(/^#\/?/, '').split('/').filter(Boolean)
  const names = path.map(name => name.replaceAll('~1', '/').replaceAll('~0', '~'))
  return names.reduce<unknown>((found, name) => (found as Record<string, unknown> | undefined)?.[name], root) as JsonSchema | undefined
}

function follow (part: JsonSchema | null, root: JsonSchema): JsonSchema {
  return (typeof part?.$ref === 'string' ? resolve(part.$ref, root) : part) ?? {}
}

function merge (parts: JsonSchema[]): JsonSchema {
  const { allOf, ...merged } = parts.reduce((one, other) => ({
    ...one,
    ...other,
    properties: { ...one.properties, ...other.properties },
    required: [...toNames(one.required), ...toNames(other.required)]
  }), {})
  return { type: 'object', ...merged }
}

function toNames (required: string[] | undefined): string[] {
  return Array.isArray(required) ? required : []
}

function choose (choices: JsonSchema[], depth: number): JsonSchema | undefined {
  const wayOut = depth >= DEEP ? choices.find(choice => choice.type === 'null') : undefined
  return wayOut ?? choices[0]
}

function toType ({ type, properties, items, prefixItems }: JsonSchema): string {
  const named = Array.isArray(type) ? type.find(name => name !== 'null') ?? 'null' : type
  if (named) return named
  if (properties) return 'object'
  return items ?? prefixItems ? 'array' : 'string'
}

function toObject ({ properties, required }: JsonSchema, place: Place): object {
  const wanted = toNames(required)
  const names = Object.keys(properties ?? {}).filter(name => place.depth <= DEEP || wanted.includes(name))
  // fromEntries and not assignment: a property may be called __proto__
  return Object.fromEntries(names.map(name => [name, sample(properties?.[name], { ...place, name })]))
}

function toArray ({ items, prefixItems, minItems = 0, maxItems = MOST_ITEMS }: JsonSchema, place: Place): unknown[] {
  const fixed = (isFilled(prefixItems) ? prefixItems : []).map(item => sample(item, place))
  const usual = items && place.depth <= DEEP ? 1 : 0
  const length = Math.min(Math.max(minItems, fixed.length, usual), maxItems, MOST_ITEMS)
  const rest = Array.from({ length: Math.max(0, length - fixed.length) }, () => sample(items, place))
  return [...fixed, ...rest].slice(0, length)
}

function toNumber ({ type, minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf }: JsonSchema): number {
  const whole = type !== 'number'
  const low = Math.max(minimum ?? -Infinity, exclusiveMinimum ?? -Infinity)
  const high = Math.min(maximum ?? Infinity, exclusiveMaximum ?? Infinity)
  const isAllowed = (value: number): boolean =>
    value >= low && value <= high && value !== exclusiveMinimum && value !== exclusiveMaximum
  const between = [1, low, whole ? Math.floor(low) + 1 : (low + high) / 2, low + 1, high, high - 1]
  const value = between.find(candidate => Number.isFinite(candidate) && isAllowed(candidate)) ?? 1
  const step = multipleOf && multipleOf > 0 ? multipleOf : whole ? 1 : undefined
  return step === undefined ? value : Math.ceil(value / step) * step
}

function toWording ({ format, description, minLength = 0, maxLength = LONGEST_PADDING }: JsonSchema, { name, words }: Place): string {
  const text = FORMATS.get(format ?? '') ?? words.shift() ?? toExample(description) ?? name
  return text.padEnd(Math.min(minLength, LONGEST_PADDING), '.').slice(0, maxLength)
}

/** The example a description gives: `The city, e.g. Oslo` says `Oslo`. */
function toExample (description: string | undefined): string | undefined {
  return typeof description === 'string' ? /\be\.g\.,? *["'`]?([^"'`.;()]+)/.exec(description)?.[1]?.trim() : undefined
}
