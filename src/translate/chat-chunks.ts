import type { Batch, GenerationEvent, PieceEvent, ReasoningEvent, ToolCallEvent, Usage } from '../generation/event.ts'
import type { ChatCompletionDelta, TokenLogprob, OpenAIFinishReason } from '../openai/chat-completion.ts'
import { toEvent } from '../openai/server-sent-events.ts'
import { toFinishReason, type ReplyIdentity } from './chat-completion.ts'
import { TextChunks } from './text-chunks.ts'
import { toUsage } from './usage.ts'

/**
 * Tells one choice's events as chat completion chunks, ready for the wire.
 *
 * What does not change in a stream is written once, so that a piece of text costs one JSON string. `role` comes once,
 * before anything else; a call's `id`, `type` and name come once, with its first piece: clients join repeated ones.
 */
export class ChatChunks {
  #identity: ReplyIdentity
  #begin: string
  #end: string
  #pieces: Record<PieceEvent['type'], TextChunks>
  #begun = false
  /** What this choice was billed, once its events have told it. */
  usage: Usage | undefined

  /** @param withUsage the caller asked for usage, so every chunk says `usage: null` until the last */
  constructor (identity: ReplyIdentity, index: number, withUsage: boolean) {
    this.#identity = identity
    this.#begin = `data: {${envelope(identity)},"choices":[{"index":${index},"delta":`
    this.#end = `,"logprobs":null,"finish_reason":null}]${withUsage ? ',"usage":null' : ''}}\n\n`
    this.#pieces = {
      text: new TextChunks(`${this.#begin}{"content":`, `}${this.#end}`),
      reasoning: new TextChunks(`${this.#begin}{"reasoning_content":`, `}${this.#end}`)
    }
  }

  /** The chunks of one batch as one piece; failures are told by the caller, who knows whether the stream has begun. */
  tell (batch: Batch): Buffer {
    const told: Buffer[] = []
    let pieces: PieceEvent[] = []
    const flush = () => {
      if (pieces[0] !== undefined) told.push(this.#pieces[pieces[0].type].toBytes(pieces))
      pieces = []
    }
    for (const event of batch) {
      if (!this.#begun && event.type !== 'usage' && event.type !== 'failure') told.push(Buffer.from(this.#role(event)))
      if (event.type === 'reasoning' || (event.type === 'text' && event.logprobs === undefined)) {
        if (event.type !== pieces[0]?.type) flush()
        pieces.push(event)
      } else {
        flush()
        told.push(Buffer.from(this.#tell(event)))
      }
    }
    flush()
    return told.length === 1 && told[0] !== undefined ? told[0] : Buffer.concat(told)
  }

  #tell (event: Exclude<GenerationEvent, ReasoningEvent>): string {
    switch (event.type) {
      case 'text':
        return `${this.#begin}{"content":${event.json ?? JSON.stringify(event.text)}}${event.logprobs ? this.#endWith(event.logprobs) : this.#end}`
      case 'tool_call':
        return this.#call(event)
      case 'usage':
        this.usage = event.usage
        return ''
      case 'finish':
        return this.#finish(toFinishReason(event.reason ?? 'stop', this.#identity))
      case 'failure':
        return ''
    }
  }

  #role (first: GenerationEvent): string {
    this.#begun = true
    return this.#delta({ role: 'assistant', content: first.type === 'tool_call' ? null : '', refusal: null })
  }

  #call ({ index, id, name, arguments: args }: ToolCallEvent): string {
    if (this.#identity.legacyFunctions) {
      return index === 0 ? this.#delta({ function_call: { ...(name !== undefined && { name }), arguments: args } }) : ''
    }
    const first = id !== undefined && name !== undefined
    return this.#delta({
      tool_calls: [first
        ? { index, id, type: 'function', function: { name, arguments: args } }
        : { index, function: { arguments: args } }]
    })
  }

  #endWith (logprobs: TokenLogprob[]): string {
    return this.#end.replace('"logprobs":null', () => `"logprobs":${JSON.stringify({ content: logprobs, refusal: null })}`)
  }

  #finish (reason: OpenAIFinishReason): string {
    return `${this.#begin}{}${this.#end.replace('"finish_reason":null', `"finish_reason":"${reason}"`)}`
  }

  #delta (delta: ChatCompletionDelta): string {
    return this.#begin + JSON.stringify(delta) + this.#end
  }
}

/** The chunk that tells the bill, the last before `[DONE]`; only for callers that asked for it. */
export function toUsageChunk (identity: ReplyIdentity, usage: Usage): string {
  return toEvent(`{${envelope(identity)},"choices":[],"usage":${JSON.stringify(toUsage(usage))}}`)
}

function envelope ({ id, created, model }: ReplyIdentity): string {
  return `"id":${JSON.stringify(id)},"object":"chat.completion.chunk","created":${created},"model":${JSON.stringify(model)},"service_tier":"default","system_fingerprint":null`
}
