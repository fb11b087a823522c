import type { Batch, TextEvent, Usage } from '../../../generation/event.ts'
import { toEvent } from '../../../http/replies/server-sent-events.ts'
import { toLogprobs, toTextFinishReason, type CompletionIdentity } from './fold.ts'
import { toUsage } from '../usage.ts'

/**
 * Encodes one choice's events as chunks of a text completion, ready for the wire. The constant parts of a stream are
 * serialized once, so that a piece of text costs one JSON string.
 */
export class CompletionChunks {
  #begin: string
  #end: string
  /** The prompt, until it is sent; empty without `echo`. */
  #echo: string
  /** Characters sent so far. */
  #offset = 0
  /** Usage of this choice, once its events have reported it. */
  usage: Usage | undefined

  /** @param withUsage the caller asked for usage, so every chunk says `usage: null` until the last */
  constructor (identity: CompletionIdentity, index: number, echo: string, withUsage: boolean) {
    this.#begin = `data: {${envelope(identity)},"choices":[{"text":`
    this.#end = `,"index":${index},"logprobs":null,"finish_reason":null}]${withUsage ? ',"usage":null' : ''}}\n\n`
    this.#echo = echo
  }

  /** The chunks of one batch as one text; the caller reports failures, because it knows whether the stream has begun. */
  encode (batch: Batch): string {
    let text = ''
    for (const event of batch) {
      switch (event.type) {
        case 'text':
          text += this.#echoed() + this.#piece(event)
          break
        case 'usage':
          this.usage = event.usage
          break
        case 'finish':
          text += `${this.#echoed()}${this.#begin}""${this.#end.replace('"finish_reason":null', `"finish_reason":"${toTextFinishReason(event.reason)}"`)}`
      }
    }
    return text
  }

  #echoed (): string {
    const echo = this.#echo
    this.#echo = ''
    return echo === '' ? '' : this.#piece({ text: echo })
  }

  #piece ({ text, json = JSON.stringify(text), logprobs }: Omit<TextEvent, 'type'>): string {
    const offset = this.#offset
    this.#offset += text.length
    const end = logprobs ? this.#end.replace('"logprobs":null', () => `"logprobs":${JSON.stringify(toLogprobs(logprobs, offset))}`) : this.#end
    return `${this.#begin}${json}${end}`
  }
}

/** The usage chunk, the last before `[DONE]`; only for callers that requested it. */
export function toCompletionUsageChunk (identity: CompletionIdentity, usage: Usage): string {
  return toEvent(`{${envelope(identity)},"choices":[],"usage":${JSON.stringify(toUsage(usage))}}`)
}

function envelope ({ id, created, model, fingerprint }: CompletionIdentity): string {
  return `"id":${JSON.stringify(id)},"object":"text_completion","created":${created},"model":${JSON.stringify(model)},"system_fingerprint":"${fingerprint}"`
}
