import { isObject } from '../../json/is-object.ts'

type Schema = Record<string, unknown>

/**
 * The same schema, whose alternatives, consequences and items are definitions that it refers to. Ajv makes a function of each of
 * these, and of all else one more. V8 optimizes no function of more than 60 KB of bytecode, and the schema of a chat in a single
 * function has more: it checks a short body in 3 µs, and these do in 0.1 µs.
 */
export function inParts (schema: Schema): Schema {
  const names = new Map<Schema, string>()
  const definitions: Schema = {}
  const partOf = (part: unknown): unknown => {
    if (!isObject(part) || !isLarge(part)) return part
    const known = names.get(part)
    const name = known ?? `part${names.size}`
    names.set(part, name)
    if (known === undefined) definitions[name] = withParts(part, partOf)
    return { $ref: `#/$defs/${name}` }
  }
  return { ...withParts(schema, partOf), $defs: definitions }
}

/** Whether it is worth a function. */
function isLarge ({ properties, oneOf, anyOf, allOf }: Schema): boolean {
  return properties !== undefined || oneOf !== undefined || anyOf !== undefined || allOf !== undefined
}

function withParts (schema: Schema, partOf: (part: unknown) => unknown): Schema {
  const within = (part: unknown) => isObject(part) ? withParts(part, partOf) : part
  return mapped(schema, (value, keyword) => {
    switch (keyword) {
      case 'properties': return isObject(value) ? mapped(value, within) : value
      case 'allOf': return Array.isArray(value) ? value.map(within) : value
      case 'oneOf':
      case 'anyOf': return Array.isArray(value) ? value.map(partOf) : value
      case 'then':
      case 'items': return partOf(value)
      default: return value
    }
  })
}

function mapped (schema: Schema, toValue: (value: unknown, name: string) => unknown): Schema {
  return Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, toValue(value, name)]))
}
