// Schemas of answers, made of the types that the code itself is checked against.
import { fileURLToPath } from 'node:url'
import { createGenerator } from 'ts-json-schema-generator'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const DEFINITIONS = '#/definitions/'

/**
 * @param {Iterable<string>} names of exported types, each the only one of its name
 * @returns {Record<string, object>} a schema for each of them and for each type it refers to, by names that a component may have
 */
export function schemasOfTypes (names) {
  const generator = createGenerator({
    path: `${ROOT}.ci/openapi/answers.ts`,
    tsconfig: `${ROOT}.ci/openapi/tsconfig.json`,
    // The build has checked them just now.
    skipTypeCheck: true,
    additionalProperties: true
  })
  const schemas = [...new Set(names)].map(name => generator.createSchema(name).definitions ?? {})
  return Object.fromEntries(Object.entries(Object.assign({}, ...schemas)).map(([name, schema]) => [toName(name), renamed(schema)]))
}

/** @returns a copy whose references lead to components */
function renamed (schema) {
  return JSON.parse(JSON.stringify(schema), (key, value) => key === '$ref' && typeof value === 'string' && value.startsWith(DEFINITIONS)
    ? `#/components/schemas/${toName(decodeURIComponent(value.slice(DEFINITIONS.length)))}`
    : value)
}

/** `UsagePage<Costs>` is no name of a component. */
function toName (name) {
  return name.replaceAll(/[^\w.-]+/g, '_').replace(/_$/, '')
}
