/** All members that a native answer or frame may have. Each may be missing, null or of another type. */
export interface NativeFrame {
  id?: unknown
  model?: unknown
  response?: unknown
  tool_calls?: unknown
  finish_reason?: unknown
  usage?: unknown
  choices?: unknown
  output?: unknown
  incomplete_details?: { reason?: unknown } | null
  result?: unknown
}

export interface NativeChoice {
  index?: unknown
  delta?: NativeMessage | null
  message?: NativeMessage | null
  text?: unknown
  finish_reason?: unknown
  logprobs?: unknown
}

export interface NativeUsage {
  prompt_tokens?: unknown
  completion_tokens?: unknown
  /** Their names in the Responses API. */
  input_tokens?: unknown
  output_tokens?: unknown
  prompt_tokens_details?: { cached_tokens?: unknown } | null
  completion_tokens_details?: { reasoning_tokens?: unknown } | null
  input_tokens_details?: { cached_tokens?: unknown } | null
  output_tokens_details?: { reasoning_tokens?: unknown } | null
  /** Neurons billed so far. */
  neurons?: unknown
}

/** A message, or a piece of one, in OpenAI-shaped answers. */
export interface NativeMessage {
  content?: unknown
  reasoning_content?: unknown
  reasoning?: unknown
  tool_calls?: unknown
}

/** One item of a Responses API `output`; every field may be missing or of another type. */
export interface OutputItem {
  type?: unknown
  /** Parts of a message or of its thinking. */
  content?: unknown
  /** A summary of the thinking instead of all of it. */
  summary?: unknown
  call_id?: unknown
  name?: unknown
  arguments?: unknown
}
