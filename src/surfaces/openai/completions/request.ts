import { Type, type Static } from '@sinclair/typebox'
import { logitBias, Nullable, optionalBoolean, optionalInteger, optionalNumber, optionalString, stop, streamOptions } from '../schema-parts.ts'

/**
 * The body of `POST /v1/completions`. Unknown members are accepted, because clients send other servers' extensions here;
 * `workers-ai/request` decides what happens to each.
 */
export const CompletionRequest = Type.Object({
  model: Type.String({ minLength: 1 }),
  prompt: Type.Optional(Type.Unsafe<string | unknown[] | null>({
    type: ['string', 'array', 'null'], minItems: 1, description: 'Text or a list of texts. Lists of tokens, which OpenAI also takes, are refused.'
  })),
  best_of: optionalInteger(0, 20),
  echo: optionalBoolean,
  frequency_penalty: optionalNumber(-2, 2),
  logit_bias: logitBias,
  logprobs: optionalInteger(0, 5),
  max_tokens: optionalInteger(0),
  // The chat API's name for it, which clients of both APIs send.
  max_completion_tokens: optionalInteger(1),
  n: optionalInteger(1, 128),
  presence_penalty: optionalNumber(-2, 2),
  seed: optionalInteger(-(2 ** 63), 2 ** 63),
  stop,
  stream: optionalBoolean,
  stream_options: streamOptions,
  suffix: optionalString,
  temperature: optionalNumber(0, 2),
  top_p: optionalNumber(0, 1),
  user: optionalString,
  // Native parameters of Workers AI that clients send as extensions.
  top_k: Type.Optional(Nullable(Type.Number())),
  repetition_penalty: Type.Optional(Nullable(Type.Number())),
  raw: optionalBoolean,
  lora: optionalString
})
export type CompletionRequest = Static<typeof CompletionRequest>
