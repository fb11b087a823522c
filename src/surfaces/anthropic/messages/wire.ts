/** Answer of `POST /v1/messages`. Members that would be null are left out: some clients' schemas take no null there. */
export interface MessageObject {
  /** `msg_` and 24 letters or digits. */
  id: string
  type: 'message'
  role: 'assistant'
  /** The model as the caller named it. */
  model: string
  content: ContentBlock[]
  /** Null at the beginning of a stream. */
  stop_reason: StopReason | null
  /** The one of the caller's stop sequences that ended the answer. */
  stop_sequence: string | null
  /** Only beside `refusal`. */
  stop_details?: StopDetails
  usage: MessageUsage
}

export type StopReason = 'end_turn' | 'max_tokens' | 'stop_sequence' | 'tool_use' | 'refusal' | 'model_context_window_exceeded'

export interface StopDetails {
  type: 'refusal'
  category: null
  explanation: null
}

export interface TextBlock {
  type: 'text'
  text: string
}

export interface ThinkingBlock {
  type: 'thinking'
  thinking: string
  signature: string
}

export interface ToolUseBlock {
  type: 'tool_use'
  /** `toolu_` and 24 letters or digits. */
  id: string
  name: string
  /** An object. */
  input: unknown
}

export type ContentBlock = TextBlock | ThinkingBlock | ToolUseBlock

export interface MessageUsage {
  /** Tokens of the prompt that no cache held. */
  input_tokens: number
  cache_creation_input_tokens: number
  cache_read_input_tokens: number
  output_tokens: number
  output_tokens_details?: { thinking_tokens: number }
}
