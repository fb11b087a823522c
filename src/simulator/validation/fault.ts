/** JSON's types as Cloudflare's validator names them; a whole number is an `integer`. */
export type JsonType = 'string' | 'number' | 'integer' | 'boolean' | 'object' | 'array' | 'null' | 'undefined'

/** An object whose members are not validated yet. */
export type Fields = Record<string, unknown>

/** The type of anything that came out of JSON. */
export function toType (value: unknown): JsonType {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value as JsonType
}

/** Whether a value is an object whose members can be looked at. */
export function isObject (value: unknown): value is Fields {
  return toType(value) === 'object'
}

/** The faults of a member that may be absent, in the validator's words: none, or one of type. `null` among the types is not named. */
export function findTypeFault (fields: Fields, name: string, types: JsonType[]): string[] {
  const type = toType(fields[name])
  const fits = type === 'undefined' || types.includes(type) || (type === 'integer' && types.includes('number'))
  return fits ? [] : [mismatch(`/${name}`, fields[name], types.filter(other => other !== 'null'))]
}

/** The faults of a number that may be absent: none, or one of range. Both ends are allowed. */
export function findRangeFault (fields: Fields, name: string, [least, most]: readonly [least: number, most: number]): string[] {
  const value = fields[name]
  if (typeof value !== 'number') return []
  if (value < least) return [`'/${name}' must be >= ${least}`]
  return value > most ? [`'/${name}' must be <= ${most}`] : []
}

/** A value of the wrong type at a path such as `/messages/0/content`. */
export function mismatch (path: string, value: unknown, types: JsonType[]): string {
  return `Type mismatch of '${path || '/'}', '${toType(value)}' not in ${types.map(type => `'${type}'`).join(',')}`
}

/** A missing member; the validator names all that are required, not the one that is missing. */
export function required (path: string, ...names: string[]): string {
  return `required properties at '${path || '/'}' are '${names.join(',')}'`
}

/** A string that is none of those allowed. */
export function notInEnum (path: string, value: unknown, allowed: string[]): string {
  return `enum ${String(value)} not in ${allowed.join(',')} at '${path}'`
}

/** A string or list that is too short. */
export function tooShort (path: string): string {
  return `Length of '${path}' must be >= 1 not met`
}
