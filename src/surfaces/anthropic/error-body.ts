/** Body of every failure, and of the error event inside a stream. */
export interface AnthropicErrorBody {
  type: 'error'
  error: { type: AnthropicErrorType, message: string, details?: { error_code: string } }
  /** The value of the header `request-id`. */
  request_id: string
}

export type AnthropicErrorType = 'invalid_request_error' | 'authentication_error' | 'billing_error' | 'permission_error' | 'not_found_error' | 'conflict_error' |
  'request_too_large' | 'rate_limit_error' | 'api_error' | 'timeout_error' | 'overloaded_error'
