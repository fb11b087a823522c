import type { InputItem, ItemReference, ResponseToolChoice, TextFormat, ToolParam } from './request.ts'

/** Answer of `POST /v1/responses`, with every key OpenAI always sends. */
export interface ResponseObject {
  /** `resp_` and 50 hexadecimal digits. */
  id: string
  object: 'response'
  /** Unix time in seconds. */
  created_at: number
  completed_at: number | null
  status: 'in_progress' | 'completed' | 'incomplete' | 'failed'
  background: false
  error: { code: string, message: string } | null
  incomplete_details: { reason: 'max_output_tokens' | 'content_filter' } | null
  instructions: string | null
  max_output_tokens: number | null
  max_tool_calls: number | null
  /** The model as the caller named it. */
  model: string
  output: OutputItem[]
  parallel_tool_calls: boolean
  previous_response_id: string | null
  prompt_cache_key: string | null
  reasoning: { effort: string | null, summary: 'auto' | 'concise' | 'detailed' | null }
  safety_identifier: string | null
  service_tier: 'default'
  store: boolean
  temperature: number
  text: { format: TextFormat, verbosity: string }
  tool_choice: ResponseToolChoice
  tools: ToolParam[]
  top_logprobs: number
  top_p: number
  truncation: 'auto' | 'disabled'
  /** Null until the end. */
  usage: ResponseUsage | null
  user: string | null
  metadata: Record<string, string>
}

export interface ResponseUsage {
  input_tokens: number
  input_tokens_details: { cached_tokens: number, cache_write_tokens: number }
  output_tokens: number
  output_tokens_details: { reasoning_tokens: number }
  total_tokens: number
}

export type ItemStatus = 'in_progress' | 'completed' | 'incomplete'

export interface ResponseLogprob {
  token: string
  logprob: number
  bytes: number[]
  top_logprobs: Array<{ token: string, logprob: number, bytes: number[] }>
}

interface OutputText {
  type: 'output_text'
  text: string
  annotations: never[]
  logprobs: ResponseLogprob[]
}

export interface OutputMessage {
  id: string
  type: 'message'
  status: ItemStatus
  role: 'assistant'
  content: OutputText[]
}

/** Thinking: as `content`, or as `summary` for callers that requested one. */
export interface OutputReasoning {
  id: string
  type: 'reasoning'
  summary: Array<{ type: 'summary_text', text: string }>
  content?: Array<{ type: 'reasoning_text', text: string }>
}

export interface OutputFunctionCall {
  id: string
  type: 'function_call'
  status: ItemStatus
  call_id: string
  name: string
  namespace?: string
  /** JSON text; may not parse. */
  arguments: string
}

export interface OutputCustomToolCall {
  id: string
  type: 'custom_tool_call'
  status: ItemStatus
  call_id: string
  name: string
  namespace?: string
  input: string
}

/** A compaction, which replaces the conversation before it. */
export interface OutputCompaction {
  id: string
  type: 'compaction'
  encrypted_content: string
}

export type OutputItem = OutputMessage | OutputReasoning | OutputFunctionCall | OutputCustomToolCall | OutputCompaction

/** Answer of `POST /v1/responses/compact`. */
export interface CompactedResponse {
  id: string
  object: 'response.compaction'
  /** Unix time in seconds. */
  created_at: number
  /** The messages of the user, and the compaction of the whole conversation. */
  output: KeptItem[]
  usage: ResponseUsage
}

/** An item of a response's input as it is stored and listed: it always has an id. */
export type KeptItem = Exclude<InputItem, ItemReference> & { id: string }

/** A stored response: itself, and all items that it was made of. */
export interface KeptResponse {
  response: ResponseObject
  items: KeptItem[]
}

/** Answer of `GET /v1/responses/{id}/input_items`. */
export interface ResponseItemList {
  object: 'list'
  data: KeptItem[]
  first_id: string
  last_id: string
  has_more: boolean
}

/** Answer of `DELETE /v1/responses/{id}`. */
export interface DeletedResponse {
  id: string
  object: 'response'
  deleted: true
}
