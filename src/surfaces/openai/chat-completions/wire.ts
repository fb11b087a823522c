import type { CompletionUsage } from '../usage.ts'

/** Answer of `POST /v1/chat/completions`, with every field that OpenAI always sends. */
export interface ChatCompletion {
  id: string
  object: 'chat.completion'
  /** Unix time in seconds. */
  created: number
  /** The model as the caller named it. */
  model: string
  choices: ChatCompletionChoice[]
  usage: CompletionUsage
  service_tier: 'default'
  system_fingerprint: string
}

export interface ChatCompletionChoice {
  index: number
  message: ChatCompletionMessage
  logprobs: ChoiceLogprobs | null
  finish_reason: OpenAIFinishReason
}

/** Token log probabilities, if requested. */
export interface ChoiceLogprobs {
  content: TokenLogprob[]
  refusal: null
}

export interface TokenLogprob {
  token: string
  logprob: number
  bytes: number[] | null
  top_logprobs: Array<{ token: string, logprob: number, bytes: number[] | null }>
}

export interface ChatCompletionMessage {
  role: 'assistant'
  content: string | null
  refusal: string | null
  annotations: never[]
  /** Thinking, under the name that most clients read; OpenAI's own chat API has no field for it. */
  reasoning_content?: string
  tool_calls?: ToolCall[]
  /** Only for callers that offered the deprecated `functions`. */
  function_call?: { name: string, arguments: string }
}

/** One call the model asks the client to run: of a function, whose `arguments` are JSON text that may not parse, or of a custom tool. */
export type ToolCall =
  | { id: string, type: 'function', function: { name: string, arguments: string } }
  | { id: string, type: 'custom', custom: { name: string, input: string } }

export type OpenAIFinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter' | 'function_call'

/** One chunk of a streamed chat completion. */
export interface ChatCompletionChunk {
  id: string
  object: 'chat.completion.chunk'
  created: number
  model: string
  service_tier: 'default'
  system_fingerprint: string
  choices: Array<{ index: number, delta: ChatCompletionDelta, logprobs: ChoiceLogprobs | null, finish_reason: OpenAIFinishReason | null }>
  usage?: CompletionUsage | null
}

export interface ChatCompletionDelta {
  role?: 'assistant'
  content?: string | null
  refusal?: string | null
  reasoning_content?: string
  tool_calls?: Array<{ index: number, id?: string, type?: 'function', function: { name?: string, arguments: string } }>
  function_call?: { name?: string, arguments: string }
}

/** A complete call of a custom tool in a chunk; the openai package's types have none. */
export interface CustomCallDelta {
  tool_calls: Array<{ index: number, id: string, type: 'custom', custom: { name: string, input: string } }>
}
