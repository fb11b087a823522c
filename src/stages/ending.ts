import type { Batch, FinishReason, GenerationEvent, Meter, Stage, Usage } from '../generation/event.ts'

/** Characters of English text per token, the rule of thumb Cloudflare's own estimate uses. */
const CHARACTERS_PER_TOKEN = 4

export interface EndingOptions {
  /** Estimated tokens of the prompt, used if the upstream reports none. */
  promptTokens: number
  /** The limit that was sent upstream, in tokens. */
  maxTokens: number
}

/**
 * The last stage of every generation: one usage and one finish reason, always.
 *
 * Classic models never report why they stopped, and others report `stop` with tool calls. So the reason is derived:
 * `length` and `content_filter` of the upstream stay, tool calls override `stop`, and as many tokens as the limit means
 * `length`. A count that the upstream did not report is estimated from the length of the text, and marked as estimated.
 */
export class Ending implements Stage {
  meter: Meter | undefined = undefined
  #options: EndingOptions
  #characters = 0
  #sawCalls = false
  #usage: Usage | undefined

  constructor (options: EndingOptions) {
    this.#options = options
  }

  /** It only counts text. */
  get isTransparent (): boolean {
    return true
  }

  onBypassed (characters: number): void {
    this.#characters += characters
  }

  push (batch: Batch): Batch {
    const last = batch.at(-1)
    for (const event of batch) this.#count(event)
    if (last?.type !== 'finish') return batch
    const usage = this.#toUsage(this.#usage ?? this.meter?.usage)
    return [
      ...batch.filter(event => event.type !== 'usage' && event.type !== 'finish'),
      { type: 'usage', usage },
      { ...last, reason: this.#reason(last.reason, usage) }
    ]
  }

  #count (event: GenerationEvent): void {
    switch (event.type) {
      case 'text':
      case 'reasoning':
        this.#characters += event.text.length
        break
      case 'tool_call':
        this.#sawCalls = true
        this.#characters += (event.name?.length ?? 0) + event.arguments.length
        break
      case 'usage':
        this.#usage = event.usage
    }
  }

  #reason (reported: FinishReason | null, usage: Usage): FinishReason {
    if (reported === 'length' || reported === 'content_filter') return reported
    if (this.#sawCalls) return 'tool_calls'
    if (!usage.estimated && reported === null && usage.completionTokens >= this.#options.maxTokens) return 'length'
    return 'stop'
  }

  /** The reported usage, with estimates for missing values: a prompt is never empty, and text always has tokens. */
  #toUsage (reported: Usage = { promptTokens: 0, completionTokens: 0 }): Usage {
    const hasPromptTokens = reported.promptTokens > 0
    const hasCompletionTokens = reported.completionTokens > 0 || this.#characters === 0
    if (hasPromptTokens && hasCompletionTokens) return reported
    return {
      ...reported,
      promptTokens: hasPromptTokens ? reported.promptTokens : this.#options.promptTokens,
      completionTokens: hasCompletionTokens ? reported.completionTokens : Math.ceil(this.#characters / CHARACTERS_PER_TOKEN),
      estimated: true
    }
  }
}
