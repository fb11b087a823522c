import type { Batch, GenerationEvent, PieceEvent, Usage } from '../../../generation/event.ts'
import { TextChunks } from '../../../http/replies/text-chunks.ts'
import type { TextChunkWriter } from '../../../http/replies/text-chunk-writer.ts'
import { toEvent } from '../../../http/replies/server-sent-events.ts'
import type { AnthropicErrorBody } from '../error-body.ts'
import { BlockSequence, type BlockListener } from './block-sequence.ts'
import { toEnding, type MessageEnding } from './ending.ts'
import type { ReplyIdentity, MessageOptions } from './fold.ts'
import { Prefill } from './prefill.ts'
import { toSignature } from './signature.ts'
import { toMessageUsage } from './usage.ts'

/** Sent in silence: Claude Code says that a stream has stalled after 20 s without a byte. */
export const PING = toEvent('{"type":"ping"}', 'ping')

/**
 * Tells one generation as the events of a Messages stream, ready for the wire.
 *
 * What does not change in a block is written once, so that a piece of text costs one JSON string.
 */
export class MessageEvents implements BlockListener {
  #identity: ReplyIdentity
  #blocks: BlockSequence
  #prefill: Prefill | undefined
  #hidesThoughts: boolean
  #told: Buffer[] = []
  #index = -1
  #open: 'text' | 'thinking' | 'tool_use' | undefined
  /** Of the open block of text or thinking. */
  #chunks: TextChunks | undefined
  #writer: TextChunkWriter | undefined
  /** The thought that is not told. */
  #hidden = ''
  #finish: Extract<GenerationEvent, { type: 'finish' }> | undefined

  constructor (identity: ReplyIdentity, { display, prefill }: MessageOptions) {
    this.#identity = identity
    this.#hidesThoughts = display === 'omitted'
    this.#blocks = new BlockSequence(this, display !== 'none')
    if (prefill !== undefined) this.#prefill = new Prefill(prefill)
  }

  get leftOutThinking (): boolean {
    return this.#blocks.leftOutThinking
  }

  /** The event before any content. @param inputTokens an estimate: Cloudflare counts at the end */
  begin (inputTokens: number): string {
    const { id, model } = this.#identity
    const usage = toMessageUsage({ promptTokens: inputTokens, completionTokens: 0 })
    return toEvent(JSON.stringify({
      type: 'message_start',
      message: { id, type: 'message', role: 'assistant', model, content: [], stop_reason: null, stop_sequence: null, usage }
    }), 'message_start')
  }

  /** The events of one batch as one piece, maybe empty. */
  encode (batch: Batch): Buffer {
    for (let at = 0; at < batch.length;) {
      const event = batch[at] as GenerationEvent
      if (isPiece(event) && this.#passes && this.#blocks.mayGrow(event.type)) {
        const end = endOfRun(batch, at, event.type)
        this.#grow(at === 0 && end === batch.length ? batch as PieceEvent[] : batch.slice(at, end) as PieceEvent[])
        at = end
        continue
      }
      if (event.type === 'finish') this.#finish = event
      for (const told of this.#prefill?.push(event) ?? [event]) this.#blocks.push(told)
      at++
    }
    const told = this.#told
    this.#told = []
    return told.length === 1 && told[0] !== undefined ? told[0] : Buffer.concat(told)
  }

  /** The two events behind all content. @param isWindowFull as `toEnding` takes it */
  end (usage: Usage, isWindowFull: boolean): string {
    const delta: MessageEnding = toEnding(this.#finish, isWindowFull)
    return toEvent(JSON.stringify({ type: 'message_delta', delta, usage: toMessageUsage(usage) }), 'message_delta') + toEvent('{"type":"message_stop"}', 'message_stop')
  }

  /** Tells text that comes as JSON strings, while a block of text is open. */
  toChunkWriter (): TextChunkWriter {
    return (this.#writer ??= toTextDeltas(0).toChunkWriter(() => this.#open === 'text'))
  }

  opened (block: Parameters<BlockListener['opened']>[0]): void {
    this.#index++
    this.#open = block.type
    this.#add('content_block_start', `"content_block":${JSON.stringify(toStart(block))}`)
    if (block.type === 'text') {
      this.#chunks = toTextDeltas(this.#index)
      this.#writer?.become(this.#chunks)
    } else if (block.type === 'thinking') {
      this.#chunks = new TextChunks(toDeltaHead(this.#index, 'thinking_delta', 'thinking'), DELTA_TAIL)
    }
  }

  grew (piece: PieceEvent): void {
    this.#grow([piece])
  }

  inputGrew (json: string): void {
    this.#told.push(Buffer.from(toDeltaHead(this.#index, 'input_json_delta', 'partial_json') + JSON.stringify(json) + DELTA_TAIL))
  }

  closed (): void {
    if (this.#open === 'thinking') {
      this.#told.push(Buffer.from(toDeltaHead(this.#index, 'signature_delta', 'signature') + JSON.stringify(toSignature(this.#hidden)) + DELTA_TAIL))
      this.#hidden = ''
    }
    this.#open = undefined
    this.#chunks = undefined
    this.#add('content_block_stop')
  }

  /** Whether pieces need not be looked at. */
  get #passes (): boolean {
    return this.#prefill === undefined || this.#prefill.isDecided
  }

  #grow (pieces: readonly PieceEvent[]): void {
    if (this.#open === 'thinking' && this.#hidesThoughts) {
      for (const { text } of pieces) this.#hidden += text
    } else if (this.#chunks !== undefined) {
      this.#told.push(this.#chunks.toBytes(pieces))
    }
  }

  /** @param members the JSON text of the event's own members */
  #add (type: string, members = ''): void {
    this.#told.push(Buffer.from(toEvent(`{"type":"${type}","index":${this.#index}${members === '' ? '' : `,${members}`}}`, type)))
  }
}

/** The event that ends a stream which broke. */
export function toErrorEvent (body: AnthropicErrorBody): string {
  return toEvent(JSON.stringify(body), 'error')
}

const DELTA_TAIL = '}}\n\n'

function toDeltaHead (index: number, type: string, member: string): string {
  return `event: content_block_delta\ndata: {"type":"content_block_delta","index":${index},"delta":{"type":"${type}","${member}":`
}

function toTextDeltas (index: number): TextChunks {
  return new TextChunks(toDeltaHead(index, 'text_delta', 'text'), DELTA_TAIL)
}

/** A block as it begins: clients append to what it holds. */
function toStart (block: Parameters<BlockListener['opened']>[0]): object {
  switch (block.type) {
    case 'text': return { type: 'text', text: '' }
    case 'thinking': return { type: 'thinking', thinking: '', signature: '' }
    case 'tool_use': return { ...block, input: {} }
  }
}

/** Whether it differs from others of its type in nothing but the text. */
function isPiece (event: GenerationEvent): event is PieceEvent {
  return (event.type === 'text' || event.type === 'reasoning') && event.text !== ''
}

/** Where the run of such pieces ends that begins at `start`. */
function endOfRun (batch: Batch, start: number, type: PieceEvent['type']): number {
  let end = start + 1
  for (let next = batch[end]; next !== undefined && next.type === type && isPiece(next); next = batch[end]) end++
  return end
}
