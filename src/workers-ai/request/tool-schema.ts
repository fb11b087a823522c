import type { Change } from '../../generation/change.ts'
import { isObject } from '../../json/is-object.ts'
import { copyDigits } from '../../json/exact-integers.ts'

type Schema = Record<string, unknown>

/** Keywords whose values are data, not schemas. */
const DATA = new Set(['const', 'default', 'enum', 'examples', 'example', 'required', 'type'])

/** Keywords whose members are schemas, for any member name. */
const MAPS = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas'])

/** Keywords that must be lists that are not empty. */
const LISTS = new Set(['enum', 'anyOf', 'oneOf', 'allOf'])

/** The longest chain of references from root to root that is followed. */
const MAX_REFERENCES = 10

/**
 * A tool's parameters without parts that schema generators leave behind and strict parsers refuse, at any depth: empty lists
 * and nulls for unset maps and lists (Go's nil, PHP's empty array), and a root that is a reference, where templates that
 * print properties would find none. Most removed parts mean nothing; the removal of a part with a meaning is a change.
 */
export function toSoundParameters (parameters: Schema, path: string, changes: Change[]): Schema {
  return toSoundSchema(withoutRootReference(parameters), path, changes)
}

function toSoundSchema (schema: Schema, path: string, changes: Change[]): Schema {
  const sound: Schema = {}
  for (const [keyword, value] of Object.entries(schema)) {
    if (isNothing(keyword, value)) continue
    const isMap = MAPS.has(keyword)
    if (isMap ? !isObject(value) && !isEmptyList(value) : keyword === 'required' && !isNames(value)) {
      changes.push({ param: `${path}.${keyword}`, action: 'dropped', reason: 'it is not valid in JSON Schema' })
    } else if (isMap) {
      sound[keyword] = toSoundMembers(isObject(value) ? value : {}, path, changes)
    } else {
      sound[keyword] = DATA.has(keyword) ? value : toSound(value, path, changes)
    }
  }
  copyDigits(schema, sound)
  return sound
}

function toSoundMembers (members: Schema, path: string, changes: Change[]): Schema {
  return Object.fromEntries(Object.entries(members).map(([name, member]) => {
    // Allows anything, in a form that templates can read.
    if (member === true || member === null) return [name, {}]
    return [name, isObject(member) ? toSoundSchema(member, `${path}.${name}`, changes) : member]
  }))
}

function toSound (value: unknown, path: string, changes: Change[]): unknown {
  if (Array.isArray(value)) return value.map(one => toSound(one, path, changes))
  return isObject(value) ? toSoundSchema(value, path, changes) : value
}

/** Whether a keyword has no meaning with this value. */
function isNothing (keyword: string, value: unknown): boolean {
  if (value === null) return keyword !== 'const' && keyword !== 'default'
  if (keyword === 'required') return value === false
  if (keyword === 'type') return value === '' || isEmptyList(value)
  return (LISTS.has(keyword) || keyword === 'items') && isEmptyList(value)
}

function isNames (value: unknown): boolean {
  return Array.isArray(value) && value.every(name => typeof name === 'string')
}

function isEmptyList (value: unknown): boolean {
  return Array.isArray(value) && value.length === 0
}

function withoutRootReference (parameters: Schema): Schema {
  let root = parameters
  for (let steps = 0; steps < MAX_REFERENCES && typeof root['$ref'] === 'string'; steps++) {
    const { $ref: reference, ...beside } = root
    const target = toTarget(reference as string, parameters)
    if (target === undefined) return root
    root = { ...target, ...beside }
  }
  return root
}

/** The schema that a JSON pointer names. */
function toTarget (reference: string, root: Schema): Schema | undefined {
  if (!reference.startsWith('#/')) return undefined
  let node: unknown = root
  for (const part of reference.slice(2).split('/')) {
    const name = toName(part)
    if (!isObject(node) || !Object.hasOwn(node, name)) return undefined
    node = node[name]
  }
  return isObject(node) ? node : undefined
}

function toName (part: string): string {
  try {
    return decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')
  } catch {
    return part
  }
}
