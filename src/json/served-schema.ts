import { isObject } from './is-object.ts'
export type Schema = Record<string, unknown>

/** The schema that answers are checked against. */
export interface ServedSchema {
  schema: Schema
  /** Why some of its patterns are not enforced, each reason once. */
  unenforced: string[]
}

export interface ServedSchemaOptions {
  /** `id` is the address of a schema, as it was in draft-04. */
  keepsId: boolean
  /** Why a pattern cannot be enforced; undefined when it can. */
  reasonAgainst: (pattern: string) => string | undefined
}

/** Keywords whose values are not schemas. */
const DATA = new Set(['const', 'default', 'enum', 'example', 'examples', 'required', 'dependentRequired', 'discriminator'])

/** Keywords whose members are schemas, for any member name. */
const MAPS = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas', 'dependencies'])

/**
 * Makes of a caller's schema one that Ajv can check answers against: without patterns that are not enforced, with
 * OpenAPI's `nullable` in JSON Schema's words, without what Ajv gives a meaning of its own (`$async`).
 */
export function toServedSchema (schema: Schema, { keepsId, reasonAgainst }: ServedSchemaOptions): ServedSchema {
  const reasons = new Set<string>()

  const isEnforced = (pattern: string): boolean => {
    const reason = reasonAgainst(pattern)
    if (reason !== undefined) reasons.add(reason)
    return reason === undefined
  }

  const serve = (one: unknown): unknown => {
    if (Array.isArray(one)) return one.map(serve)
    return isObject(one) ? serveSchema(one) : one
  }

  const serveSchema = (one: Schema): Schema => {
    const served: Schema = {}
    for (const [keyword, value] of Object.entries(one)) {
      if (keyword === '$async' || keyword === 'nullable' || (keyword === 'id' && !keepsId)) continue
      if (keyword === 'pattern' && typeof value === 'string' && !isEnforced(value)) continue
      if (DATA.has(keyword)) {
        served[keyword] = value
      } else if (MAPS.has(keyword) && isObject(value)) {
        served[keyword] = Object.fromEntries(Object.entries(value).map(([name, member]) => [name, serve(member)]))
      } else {
        served[keyword] = serve(value)
      }
    }
    const { patternProperties } = served
    if (isObject(patternProperties)) withoutUnenforced(served, patternProperties)
    return one['nullable'] === true ? orNull(served) : served
  }

  /** The properties that such a pattern would match are unknown, so other properties cannot be checked either. */
  const withoutUnenforced = (served: Schema, patternProperties: Schema): void => {
    const kept = Object.entries(patternProperties).filter(([pattern]) => isEnforced(pattern))
    if (kept.length === Object.keys(patternProperties).length) return
    served['patternProperties'] = Object.fromEntries(kept)
    delete served['additionalProperties']
    delete served['unevaluatedProperties']
  }

  const { $schema: _draft, ...body } = schema
  return { schema: serveSchema(body), unenforced: [...reasons] }
}

/** OpenAPI 3.0 allows `nullable` only beside `type`, but authors use it anywhere. */
function orNull (schema: Schema): Schema {
  const { type, enum: values, anyOf } = schema
  if (schema['$ref'] === undefined && schema['allOf'] === undefined && schema['oneOf'] === undefined && schema['const'] === undefined && schema['not'] === undefined) {
    const orNull = { ...schema, ...(Array.isArray(values) && !values.includes(null) && { enum: [...values, null] }) }
    if (typeof type === 'string' || Array.isArray(type)) return { ...orNull, type: [...new Set([type, 'null'].flat())], ...(Array.isArray(anyOf) && { anyOf: [...anyOf, { type: 'null' }] }) }
    if (Array.isArray(anyOf)) return { ...orNull, anyOf: [...anyOf, { type: 'null' }] }
  }
  const { $id, id, $anchor, $defs, definitions, ...rest } = schema
  const names = Object.fromEntries(Object.entries({ $id, id, $anchor, $defs, definitions }).filter(([, value]) => value !== undefined))
  return { ...names, anyOf: [rest, { type: 'null' }] }
}
