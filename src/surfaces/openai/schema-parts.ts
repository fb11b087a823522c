import { Type, type Static, type TSchema } from '@sinclair/typebox'

/** `null` means the same as absent everywhere in OpenAI's requests. */
export function Nullable<T extends TSchema> (schema: T) {
  return Type.Unsafe<Static<T> | null>({ ...schema, type: [schema['type'], 'null'] })
}

/** A member that is a number of this range; both ends are accepted. */
export const optionalNumber = (minimum: number, maximum: number) => Type.Optional(Nullable(Type.Number({ minimum, maximum })))

/** A member that is a whole number of this range; both ends are accepted. */
export const optionalInteger = (minimum: number, maximum?: number) =>
  Type.Optional(Nullable(Type.Integer({ minimum, ...(maximum !== undefined && { maximum }) })))

export const optionalBoolean = Type.Optional(Nullable(Type.Boolean()))
export const optionalString = Type.Optional(Nullable(Type.String()))
export const optionalObject = Type.Optional(Type.Unsafe<object | null>({ type: ['object', 'null'] }))

/** `image_url` of a part. OpenAI's own form has an object; other servers take the URL itself. */
export const imageUrl = Type.Unsafe<{ url: string, detail?: string | null } | string>({
  type: ['object', 'string'], required: ['url'], properties: { url: { type: 'string' }, detail: { type: ['string', 'null'] } }
})

/** `logit_bias`: a number for each token's id. */
export const logitBias = Type.Optional(Type.Unsafe<Record<string, number> | null>({ type: ['object', 'null'], additionalProperties: { type: 'number', minimum: -100, maximum: 100 } }))

/** `stop`: one sequence, or up to four. */
export const stop = Type.Optional(Type.Unsafe<string | string[] | null>({ type: ['string', 'array', 'null'], items: { type: 'string' }, maxItems: 4 }))

export const streamOptions = Type.Optional(Nullable(Type.Object({ include_usage: optionalBoolean, include_obfuscation: optionalBoolean })))
