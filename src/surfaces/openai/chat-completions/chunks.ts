import type { Batch, GenerationEvent, PieceEvent, ReasoningEvent, ToolCallEvent, Usage } from '../../../generation/event.ts'
import type { ChatCompletionDelta, CustomCallDelta, TokenLogprob, OpenAIFinishReason } from './wire.ts'
import { toEvent } from '../../../http/replies/server-sent-events.ts'
import { toFinishReason, type ReplyIdentity } from './fold.ts'
import type { TextChunkWriter } from '../../../http/replies/text-chunk-writer.ts'
import { TextChunks } from '../../../http/replies/text-chunks.ts'
import { toUsage } from '../usage.ts'

/**
 * Encodes one choice's events as chat completion chunks, ready for the wire.
 *
 * The constant parts of a stream are serialized once, so that a piece of text costs one JSON string. `role` is sent once,
 * before anything else. A call's `id`, `type` and name are sent once, with its first piece: clients concatenate repeated ones.
 */
export class ChatChunks {
  #identity: ReplyIdentity
  #begin: string
  #end: string
  #texts: TextChunks | undefined
  #thoughts: TextChunks | undefined
  #begun = false
  /** Usage of this choice, once its events have reported it. */
  usage: Usage | undefined

  /** @param withUsage the caller asked for usage, so every chunk says `usage: null` until the last */
  constructor (identity: ReplyIdentity, index: number, withUsage: boolean) {
    this.#identity = identity
    this.#begin = `data: {${envelope(identity)},"choices":[{"index":${index},"delta":`
    this.#end = `,"logprobs":null,"finish_reason":null}]${withUsage ? ',"usage":null' : ''}}\n\n`
  }

  /** The chunks of one batch as one piece; the caller reports failures, because it knows whether the stream has begun. */
  encode (batch: Batch): Buffer {
    const out: Buffer[] = []
    for (let at = 0; at < batch.length;) {
      const event = batch[at] as GenerationEvent
      if (!this.#begun && event.type !== 'usage' && event.type !== 'failure') out.push(Buffer.from(this.#role(event)))
      if (isPiece(event)) {
        const end = endOfRun(batch, at, event.type)
        const pieces = at === 0 && end === batch.length ? batch : batch.slice(at, end)
        out.push(this.#chunksOf(event.type).toBytes(pieces as PieceEvent[]))
        at = end
      } else {
        out.push(Buffer.from(this.#encodeEvent(event)))
        at++
      }
    }
    return out.length === 1 && out[0] !== undefined ? out[0] : Buffer.concat(out)
  }

  /** Writes text that comes as JSON strings, once a chunk was sent. */
  toChunkWriter (): TextChunkWriter {
    return this.#chunksOf('text').toChunkWriter(() => this.#begun)
  }

  #chunksOf (type: PieceEvent['type']): TextChunks {
    if (type === 'text') return (this.#texts ??= new TextChunks(`${this.#begin}{"content":`, `}${this.#end}`))
    return (this.#thoughts ??= new TextChunks(`${this.#begin}{"reasoning_content":`, `}${this.#end}`))
  }

  #encodeEvent (event: Exclude<GenerationEvent, ReasoningEvent>): string {
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

  #call ({ index, id, name, arguments: args, isCustom }: ToolCallEvent): string {
    if (this.#identity.legacyFunctions) {
      return index === 0 ? this.#delta({ function_call: { ...(name !== undefined && { name }), arguments: args } }) : ''
    }
    const first = id !== undefined && name !== undefined
    if (first && isCustom) return this.#delta({ tool_calls: [{ index, id, type: 'custom', custom: { name, input: args } }] })
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

  #delta (delta: ChatCompletionDelta | CustomCallDelta): string {
    return this.#begin + JSON.stringify(delta) + this.#end
  }
}

/** Whether its chunk differs from others of its type only by the text. */
function isPiece (event: GenerationEvent): event is PieceEvent {
  return event.type === 'reasoning' || (event.type === 'text' && event.logprobs === undefined)
}

/** The end of the run of such pieces at `start`. */
function endOfRun (batch: Batch, start: number, type: PieceEvent['type']): number {
  let end = start + 1
  for (let next = batch[end]; next !== undefined && next.type === type && isPiece(next); next = batch[end]) end++
  return end
}

/** The usage chunk, the last before `[DONE]`; only for callers that requested it. */
export function toUsageChunk (identity: ReplyIdentity, usage: Usage): string {
  return toEvent(`{${envelope(identity)},"choices":[],"usage":${JSON.stringify(toUsage(usage))}}`)
}

function envelope ({ id, created, model, fingerprint }: ReplyIdentity): string {
  return `"id":${JSON.stringify(id)},"object":"chat.completion.chunk","created":${created},"model":${JSON.stringify(model)},"service_tier":"default","system_fingerprint":"${fingerprint}"`
}
