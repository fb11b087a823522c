import { Type, type Static } from '@sinclair/typebox'
import { boolean, integer, logitBias, Nullable, number, stop, streamOptions, string } from '../schema-parts.ts'

/**
 * The body of `POST /v1/completions`. Unknown members are taken, because clients send their servers' extensions here;
 * translate/ says what becomes of each.
 */
export const CompletionRequest = Type.Object({
  model: Type.String({ minLength: 1 }),
  prompt: Type.Optional(Type.Unsafe<string | unknown[] | null>({
    type: ['string', 'array', 'null'], minItems: 1, description: 'Text or a list of texts; translate/ refuses the lists of tokens OpenAI also takes.'
  })),
  best_of: integer(0, 20),
  echo: boolean,
  frequency_penalty: number(-2, 2),
  logit_bias: logitBias,
  logprobs: integer(0, 5),
  max_tokens: integer(0),
  // A chat's name for it, which clients of both send.
  max_completion_tokens: integer(1),
  n: integer(1, 128),
  presence_penalty: number(-2, 2),
  seed: integer(-(2 ** 63), 2 ** 63),
  stop,
  stream: boolean,
  stream_options: streamOptions,
  suffix: string,
  temperature: number(0, 2),
  top_p: number(0, 1),
  user: string,
  // Native parameters of Workers AI that clients send as extensions.
  top_k: Type.Optional(Nullable(Type.Number())),
  repetition_penalty: Type.Optional(Nullable(Type.Number())),
  raw: boolean,
  lora: string
})
export type CompletionRequest = Static<typeof CompletionRequest>
