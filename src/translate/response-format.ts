import { InvalidRequestError } from '../errors.ts'
import type { ChatCompletionRequest } from '../openai/chat-completion-request.ts'
import type { Model } from '../workers-ai/model.ts'

/**
 * The native fields that make a model answer in JSON: `guided_json` with the bare schema, `response_format` with
 * OpenAI's envelope, or `response_format` with the bare schema, as the family takes it.
 * @throws InvalidRequestError for a format this model cannot hold
 */
export function toNativeFormat ({ response_format: format }: ChatCompletionRequest, { id, family }: Model): Record<string, unknown> {
  if (format == null || format.type === 'text') return {}
  const unsupported = () => new InvalidRequestError(`Invalid parameter: 'response_format' of type '${format.type}' is not supported with the model '${id}'.`, { param: 'response_format', code: 'unsupported_value' })
  if (format.type === 'json_object') {
    if (!family.jsonObject) throw unsupported()
    return { response_format: { type: 'json_object' } }
  }
  const { json_schema: envelope } = format
  switch (family.jsonSchema) {
    case 'envelope': return { response_format: { type: 'json_schema', json_schema: envelope } }
    case 'guided': return { guided_json: envelope.schema ?? {} }
    case 'bare': return { response_format: { type: 'json_schema', json_schema: envelope.schema ?? {} } }
    case 'none': throw unsupported()
  }
}
