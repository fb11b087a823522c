import { readMessageStream } from '../streams/message-stream.ts'

const ERROR_TYPES = ['invalid_request_error', 'authentication_error', 'billing_error', 'permission_error', 'not_found_error', 'conflict_error', 'request_too_large', 'rate_limit_error', 'api_error', 'timeout_error', 'overloaded_error']

/** Whether a path is one of Anthropic's API, whose errors have a form of their own. */
export function isOfMessages (path: string): boolean {
  return /^\/v1\/messages(?:[/?]|$)/.test(path)
}

/** What is wrong with an answer of the Messages API; empty when nothing is. */
export function faultsOfMessages (status: number, isStream: boolean, text: string): string[] {
  if (isStream) return readMessageStream(text).complaints
  const { type, role, content, input_tokens: count, error, request_id: requestId } = JSON.parse(text)
  if (status < 400) return (type === 'message' && role === 'assistant' && Array.isArray(content)) || count > 0 ? [] : [`no message: ${text.slice(0, 300)}`]
  const isError = type === 'error' && ERROR_TYPES.includes(error?.type) && typeof error.message === 'string' && error.message !== '' && typeof requestId === 'string'
  return isError ? [] : [`no error of Anthropic's: ${text.slice(0, 300)}`]
}
