import { Ajv, type AnySchema, type ValidateFunction } from 'ajv'
import type { FastifyServerOptions } from 'fastify'

/** Fastify passes the whole route definition; its types contain only the schema. */
type Route = { schema: AnySchema }

/** Created for the first body. It compiles the schema of an endpoint once for all its paths. */
let ajv: Ajv | undefined

const compilersFactory = {
  // Fastify asks for one for each prefix of paths.
  buildValidator: () => ({ schema }: Route) => whenNeeded(() => {
    // Optimized code would take twice as long to compile, and run no faster.
    ajv ??= new Ajv({ discriminator: true, allowUnionTypes: true, addUsedSchema: false, validateSchema: false, code: { optimize: false } })
    return ajv.compile(schema)
  }),
  // Answers have no schemas.
  buildSerializer: () => () => JSON.stringify
}

/**
 * Validates bodies by their schemas, and leaves them unchanged, unlike Fastify's defaults. A schema is compiled for the first
 * body that needs it: compiling all of them takes a fifth of a start.
 */
export const BODY_SCHEMAS = { compilersFactory } as unknown as NonNullable<FastifyServerOptions['schemaController']>

/** Fastify reads the errors from the validating function. */
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
