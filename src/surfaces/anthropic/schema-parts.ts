import { Type, type Static, type TSchema } from '@sinclair/typebox'

/** `null` is as good as absent: clients whose types have optional members write it. */
export function Nullable<T extends TSchema> (schema: T) {
  return Type.Unsafe<Static<T> | null>({ ...schema, type: [schema['type'], 'null'] })
}

/** A union discriminated by one field; Ajv then names the field that is wrong instead of every branch. */
export function OneOf<T extends TSchema[]> (propertyName: string, schemas: [...T]) {
  return Type.Unsafe<Static<T[number]>>({
    type: 'object',
    discriminator: { propertyName },
    required: [propertyName],
    oneOf: schemas
  })
}

/** The same where the member may be null. */
export function OptionalOneOf<T extends TSchema[]> (propertyName: string, schemas: [...T]) {
  return Type.Optional(Type.Unsafe<Static<T[number]> | null>({ ...OneOf(propertyName, schemas), type: ['object', 'null'] }))
}

/** Text or a list of blocks. */
export function Content<T extends TSchema> (block: T) {
  return Type.Unsafe<string | Array<Static<T>>>({ type: ['string', 'array'], items: block })
}

export const optionalString = Type.Optional(Nullable(Type.String()))
export const optionalBoolean = Type.Optional(Nullable(Type.Boolean()))
