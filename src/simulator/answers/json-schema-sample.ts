import type { JsonSchema } from './json-schema.ts'
import { toPlausibleNumber, toPlausibleText } from './plausible-values.ts'
import { NO_VALUES, toLabelled, toWordsOf, type TextValues } from './text-values.ts'

/** What the sample is for: `answer` is written out, with sentences and lists; `arguments` of a call are as few as may be. */
export type Purpose = 'answer' | 'arguments'

/** What goes along: the same object for the whole sample. */
interface Source {
  root: JsonSchema
  purpose: Purpose
  /** What was asked, used up one after the other. */
  values: TextValues
  /** Whether a required member of the outermost object had to be made up. */
  isMadeUp: boolean
}

interface Place {
  source: Source
  /** The name of the property being filled. */
  name: string
  depth: number
  /** How many lists this is inside. */
  lists: number
  /** Which item of a list this is, or is inside, from 0. */
  item?: number
  /** A required member of the outermost object. */
  isNeeded?: boolean
}

/** From here on only what is required is filled in, and a choice prefers null: the way out of a schema that contains itself. */
const DEEP = 6
/** The end, even for a schema that requires itself. */
const DEEPEST = 24
const MAX_ITEMS = 100
const LONGEST_PADDING = 10_000

export interface Sample {
  value: unknown
  /** Whether the text had a value for every required text and number of the outermost object. */
  isFromText: boolean
}

/**
 * A value that a JSON Schema allows; the same for the same schema and values. What the text offers comes first: members of
 * objects in it, labels, enum values that occur, numbers and strings in their order.
 * Not respected: `pattern`, `not`, `if`, references outside the schema.
 */
export function toSample (schema: JsonSchema, purpose: Purpose, values: Readonly<TextValues> = NO_VALUES): Sample {
  const source: Source = {
    root: schema,
    purpose,
    values: { ...values, numbers: [...values.numbers], strings: [...values.strings] },
    isMadeUp: false
  }
  const value = sample(schema, { source, name: 'value', depth: 0, lists: 0 })
  return { value, isFromText: !source.isMadeUp }
}

function sample (schema: JsonSchema | boolean | undefined | null, place: Place): unknown {
  if (typeof schema !== 'object' || schema === null) return place.name
  if (place.depth > DEEPEST) return null
  const deeper = { ...place, depth: place.depth + 1 }

  if (typeof schema.$ref === 'string') return sample(resolve(schema.$ref, place.source.root), deeper)
  if (schema.const !== undefined) return schema.const
  if (isFilled(schema.enum)) return toChoice(schema.enum, place)
  if (isFilled(schema.allOf)) return sample(merge([schema, ...schema.allOf.map(part => follow(part, place.source.root))]), deeper)
  const choices = schema.anyOf ?? schema.oneOf
  if (isFilled(choices)) return sample(choose(choices, place.depth), deeper)

  switch (toType(schema)) {
    case 'object': return toObject(schema, deeper)
    case 'array': return toArray(schema, deeper)
    case 'integer':
    case 'number': return toNumber(schema, place)
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

function toObject ({ properties, required }: JsonSchema, place: Place): unknown {
  if (properties === undefined && place.depth > 1) return toLabelledObject(place) ?? {}
  const wanted = toNames(required)
  const names = Object.keys(properties ?? {}).filter(name => place.depth <= DEEP || wanted.includes(name))
  // fromEntries and not assignment: a property may be called __proto__
  return Object.fromEntries(
    names.map(name => [name, sample(properties?.[name], { ...place, name, isNeeded: place.depth === 1 && wanted.includes(name) })])
  )
}

/** An object of any members: the one the text has for it. */
function toLabelledObject ({ name, source: { values } }: Place): unknown {
  const labelled = toLabelled(name, values)
  return typeof labelled === 'object' ? labelled : values.objects[0]
}

function toArray ({ items, prefixItems, minItems = 0, maxItems = MAX_ITEMS, uniqueItems }: JsonSchema, place: Place): unknown[] {
  const inside = { ...place, lists: place.lists + 1 }
  const fixed = (isFilled(prefixItems) ? prefixItems : []).map(item => sample(item, inside))
  const usual = items && place.depth <= DEEP ? toUsualLength(items, place) : 0
  const most = uniqueItems === true && isFilled(items?.enum) ? items.enum.length : MAX_ITEMS
  const length = Math.min(Math.max(minItems, fixed.length, usual), maxItems, most)
  const rest = Array.from({ length: Math.max(0, length - fixed.length) }, (_, item) => sample(items, { ...inside, item }))
  return [...fixed, ...rest].slice(0, length)
}

/** A list without bounds has all that the text offers for it; else an answer's has a few items, fewer inside another list. */
function toUsualLength (items: JsonSchema, { lists, source: { purpose, values } }: Place): number {
  const type = toType(items)
  const offered = isFilled(items.enum) ? 0 : type === 'string' ? values.strings.length : type === 'number' || type === 'integer' ? values.numbers.length : 0
  if (offered > 0 && purpose === 'arguments') return offered
  if (purpose === 'arguments') return 1
  return lists === 0 ? type === 'object' ? 3 : 4 : lists === 1 ? 2 : 1
}

/** The value that the text names, or else another one for each item of a list. */
function toChoice (choices: unknown[], { name, item = 0, source: { values } }: Place): unknown {
  const labelled = toLabelled(name, values)
  const occurs = (choice: unknown) => typeof choice === 'string' && choice !== '' && hasWord(values.text, choice)
  return choices.find(choice => choice === labelled) ?? (item === 0 ? choices.find(occurs) : undefined) ?? choices[item % choices.length]
}

function hasWord (text: string, word: string): boolean {
  const [lowerText, lowerWord] = [text.toLowerCase(), word.toLowerCase()]
  const index = lowerText.indexOf(lowerWord)
  return index !== -1 && !/[\p{L}\p{N}_]/u.test((lowerText[index - 1] ?? ' ') + (lowerText[index + lowerWord.length] ?? ' '))
}

function toNumber (schema: JsonSchema, place: Place): number {
  const { type, minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema
  const whole = type !== 'number'
  const low = Math.max(minimum ?? -Infinity, exclusiveMinimum ?? -Infinity)
  const high = Math.min(maximum ?? Infinity, exclusiveMaximum ?? Infinity)
  const isAllowed = (value: number): boolean =>
    value >= low && value <= high && value !== exclusiveMinimum && value !== exclusiveMaximum
  const given = takeNumber(
    place,
    value => isAllowed(value) && (!whole || Number.isInteger(value)) && (!multipleOf || value % multipleOf === 0)
  )
  if (given !== undefined) return given
  makeUp(place)
  const plausible = toPlausibleNumber(place.name) ?? NaN
  const counted = (place.item ?? 0) + 1
  const between = [
    whole ? Math.round(plausible) : plausible,
    counted,
    1,
    low,
    whole ? Math.floor(low) + 1 : (low + high) / 2,
    low + 1,
    high,
    high - 1
  ]
  const value = between.find(candidate => Number.isFinite(candidate) && isAllowed(candidate)) ?? 1
  const step = multipleOf && multipleOf > 0 ? multipleOf : whole ? 1 : undefined
  return step === undefined ? value : Math.ceil(value / step) * step
}

/** The number for this place in the text: after its label, or the next one that fits. */
function takeNumber ({ name, source: { values } }: Place, fits: (value: number) => boolean): number | undefined {
  const labelled = toLabelled(name, values)
  const named = labelled === undefined || labelled === '' ? NaN : Number(labelled)
  const index = Number.isFinite(named) && fits(named) ? values.numbers.indexOf(named) : values.numbers.findIndex(fits)
  const [next] = index === -1 ? [] : values.numbers.splice(index, 1)
  return next ?? (fits(named) ? named : undefined)
}

function makeUp ({ source, isNeeded }: Place): void {
  if (isNeeded === true) source.isMadeUp = true
}

function toWording (schema: JsonSchema, place: Place): string {
  const { minLength = 0, maxLength = LONGEST_PADDING } = schema
  const text = takeText(schema, place) ?? toInvention(schema, place)
  return text.padEnd(Math.min(minLength, LONGEST_PADDING), '.').slice(0, maxLength)
}

/** The text that was asked for this place, or that everybody expects of its name. */
function takeText (schema: JsonSchema, { name, source: { values } }: Place): string | undefined {
  const labelled = toLabelled(name, values)
  if (typeof labelled === 'string') {
    values.strings = values.strings.filter(one => one !== labelled)
    return labelled
  }
  return toPlausibleText(name, schema, values.text) ?? values.strings.shift()
}

/** The example of the description (`e.g. …`); in an answer a sentence for a described text; else the text's own name. */
function toInvention ({ description }: JsonSchema, place: Place): string {
  makeUp(place)
  const { name, item, source: { purpose } } = place
  const example = toExample(description)
  if (example !== undefined) return example
  const own = item === undefined ? name : `${name} ${item + 1}`
  if (purpose === 'arguments' || typeof description !== 'string' || description.trim() === '') return own
  const about = description.trim().replace(/[.\s]+$/, '')
  return `Simulated ${toWordsOf(own).join(' ')}: ${about.charAt(0).toLowerCase()}${about.slice(1)}.`
}

/** The example a description gives: `The city, e.g. Oslo` says `Oslo`. */
function toExample (description: string | undefined): string | undefined {
  return typeof description === 'string' ? /\be\.g\.,? *["'`]?([^"'`.;()]+)/.exec(description)?.[1]?.trim() : undefined
}
