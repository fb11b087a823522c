/** Why a generation ended, in OpenAI's words. */
export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter'

/** Tokens as Workers AI bills them; a count that upstream did not report is absent. */
export interface Usage {
  promptTokens: number
  completionTokens: number
  cachedTokens?: number
  reasoningTokens?: number
  /** True when the upstream reported nothing, and the counts are estimates from the length of the text. */
  estimated?: boolean
}

/** A piece of one tool call. The first piece of each `index` has `id` and `name`; later pieces have only more argument text. */
export interface ToolCallEvent {
  type: 'tool_call'
  /** 0-based position of the call in the answer. */
  index: number
  id?: string
  name?: string
  /** The next piece of the arguments' JSON text, maybe empty; of a custom tool its input, whole. */
  arguments: string
  /** The tool is one whose input is free text. */
  isCustom?: true
}

/** How likely a token was, as OpenAI writes it. */
export interface TokenLogprob {
  token: string
  logprob: number
  bytes: number[] | null
  top_logprobs: Array<{ token: string, logprob: number, bytes: number[] | null }>
}

/** A piece of the answer; `logprobs` are those of its tokens, when they were requested and reported. */
export interface TextEvent {
  type: 'text'
  text: string
  /** The text as the JSON string that was received, so that encoders need not serialize it again. */
  json?: string
  logprobs?: TokenLogprob[]
}

/** A piece of the model's thinking. */
export interface ReasoningEvent {
  type: 'reasoning'
  text: string
  /** The raw JSON string; see `TextEvent.json`. */
  json?: string
}

export type PieceEvent = TextEvent | ReasoningEvent

/**
 * The language between Cloudflare's answers and the surfaces.
 * A successful generation is any number of text, reasoning and tool_call events, at most one usage, then one finish.
 * A broken one ends with a failure instead of the finish, and nothing follows.
 */
export type GenerationEvent =
  | TextEvent
  | ReasoningEvent
  | ToolCallEvent
  | { type: 'usage', usage: Usage }
  /**
   * `reason` is null if the upstream reported nothing or only `stop`, which it also reports with tool calls. `stop` is the
   * stop sequence at which the proxy ended the text.
   */
  | { type: 'finish', reason: FinishReason | null, stop?: string }
  | { type: 'failure', error: Error }

/** The events of one upstream read. */
export type Batch = GenerationEvent[]

/** Reports the usage of a generation so far. */
export interface Meter {
  /** Undefined until something was reported. */
  readonly usage: Usage | undefined
}

/**
 * A stage: events in, events out, synchronously per batch.
 * `done` becomes true when the rest of the upstream is not needed and may be cancelled.
 */
export interface Stage {
  push: (batch: Batch) => Batch
  readonly done?: boolean
  /** True while it passes any text on unchanged: text may then bypass it. */
  readonly isTransparent?: boolean
  /** Called with the length of text that has bypassed it, in UTF-16 code units. */
  onBypassed?: (characters: number) => void
  /** Reports the usage of a stream that a stage ends early. */
  meter?: Meter | undefined
}
