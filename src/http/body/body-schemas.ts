import { Ajv, type AnySchema, type ValidateFunction } from 'ajv'
import type { FastifyServerOptions } from 'fastify'

/** Fastify hands over the whole route definition; its types speak of the schema alone. */
type Route = { schema: AnySchema }

/** Made when the first body comes. It compiles the schema of an endpoint once, whatever paths that has. */
let ajv: Ajv | undefined

const compilersFactory = {
  // Fastify asks for one for each prefix of paths.
  buildValidator: () => ({ schema }: Route) => whenNeeded(() => {
    // Shorter code would take twice as long to make, and run no faster.
    ajv ??= new Ajv({ discriminator: true, allowUnionTypes: true, addUsedSchema: false, validateSchema: false, code: { optimize: false } })
    return ajv.compile(schema)
  }),
  // Answers have no schemas.
  buildSerializer: () => () => JSON.stringify
}

/**
 * How bodies are checked: by their schemas, and left as they were sent, which Fastify's own rules would not do. A schema
 * is compiled when the first body comes that it is for: all of them at once are a fifth of a start.
 */
export const BODY_SCHEMAS = { compilersFactory } as unknown as NonNullable<FastifyServerOptions['schemaController']>

/** Fastify reads what is wrong from the function that found it. */
function whenNeeded (compile: () => ValidateFunction): ValidateFunction {
  let compiled: ValidateFunction | undefined
  const validate = (body: unknown): boolean => {
    compiled ??= compile()
    const isValid = compiled(body) as boolean
    validate.errors = compiled.errors
    return isValid
  }
  validate.errors = undefined as ValidateFunction['errors']
  return validate as ValidateFunction
}
