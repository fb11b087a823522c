import { Type, type Static } from '@sinclair/typebox'
import { optionalInteger, optionalString } from '../schema-parts.ts'

/**
 * The body of `POST /v1/embeddings`. Unknown members are accepted, because clients send other servers' extensions here;
 * `workers-ai/request` decides what happens to each.
 */
export const EmbeddingRequest = Type.Object({
  model: Type.String({ minLength: 1 }),
  input: Type.Unsafe<string | unknown[]>({
    type: ['string', 'array'], minItems: 1, maxItems: 2_048, description: 'Text or a list of texts. Lists of tokens, which OpenAI also takes, are refused.'
  }),
  encoding_format: Type.Optional(Type.Unsafe<'float' | 'base64' | null>({ type: ['string', 'null'], enum: ['float', 'base64', null] })),
  dimensions: optionalInteger(1),
  user: optionalString
})
export type EmbeddingRequest = Static<typeof EmbeddingRequest>
