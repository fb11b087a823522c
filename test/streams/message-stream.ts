import type { AnthropicErrorBody } from '../../src/surfaces/anthropic/error-body.ts'
import type { ContentBlock, MessageObject, MessageUsage } from '../../src/surfaces/anthropic/messages/wire.ts'
import { post, type AskOptions, type Proxy } from '../servers/start-proxy.ts'

/** One event as clients parse it; which members it has depends on its type. */
export interface MessageEvent {
  type: string
  message?: MessageObject
  index?: number
  content_block?: { type: string, text?: string, thinking?: string, signature?: string, id?: string, name?: string, input?: object }
  delta?: { type?: string, text?: string, thinking?: string, signature?: string, partial_json?: string, stop_reason?: string | null, stop_sequence?: string | null }
  usage?: MessageUsage
  error?: AnthropicErrorBody['error']
}

/** A stream of the Messages API as it came over the wire, read strictly. */
export interface MessageStream {
  events: MessageEvent[]
  comments: string[]
  error: AnthropicErrorBody['error'] | undefined
  /** As a client puts it together; undefined without a message_start. */
  message: MessageObject | undefined
  /** What breaks the grammar of Anthropic's streams; empty when all is well. */
  complaints: string[]
}

/** Posts a Messages request as Anthropic's clients do. */
export function sendMessage (proxy: Pick<Proxy, 'url'>, body: object, { headers = {}, ...options }: AskOptions = {}): Promise<Response> {
  return post(proxy, '/v1/messages', body, { ...options, headers: { 'anthropic-version': '2023-06-01', ...headers } })
}

export function readMessageStream (text: string): MessageStream {
  const stream: MessageStream = { events: [], comments: [], error: undefined, message: undefined, complaints: [] }
  if (text !== '' && !text.endsWith('\n\n')) stream.complaints.push('the last event is cut off')
  for (const frame of text.split('\n\n').slice(0, -1)) readFrame(frame, stream)
  const reader = new Reader(stream)
  for (const event of stream.events) reader.read(event)
  reader.end()
  return stream
}

/** The types of the events in their order, runs of deltas as one, without pings. */
export function toOrder (events: readonly MessageEvent[]): string[] {
  const order: string[] = []
  for (const { type, delta, content_block: block } of events) {
    if (type === 'ping') continue
    const name = delta?.type ?? (block === undefined ? type : `${type} ${block.type}`)
    if (order.at(-1) !== name) order.push(name)
  }
  return order
}

function readFrame (frame: string, stream: MessageStream): void {
  if (/^: [^\r\n]*$/.test(frame)) {
    stream.comments.push(frame.slice(2))
    return
  }
  const [, name, data] = /^event: ([a-z_]+)\ndata: (\{[^\r\n]*\})$/.exec(frame) ?? []
  if (data === undefined) {
    stream.complaints.push(`no event of a Messages stream: ${frame}`)
    return
  }
  const event = JSON.parse(data) as MessageEvent
  if (event.type !== name) stream.complaints.push(`an event is called ${name} and is of type ${event.type}`)
  stream.events.push(event)
}

const DELTAS: Record<string, string> = { text: 'text_delta', thinking: 'thinking_delta', tool_use: 'input_json_delta' }

class Reader {
  #stream: MessageStream
  #open: { block: ContentBlock, json: string, isSigned: boolean } | undefined
  #blocks = 0
  #isEnding = false
  #isEnded = false

  constructor (stream: MessageStream) {
    this.#stream = stream
  }

  read (event: MessageEvent): void {
    this.#demand(!this.#isEnded, `${event.type} comes after the end`)
    if (event.type !== 'message_start' && event.type !== 'error') this.#demand(this.#stream.message !== undefined, `${event.type} comes before message_start`)
    switch (event.type) {
      case 'ping': return
      case 'message_start': return this.#start(event)
      case 'content_block_start': return this.#begin(event)
      case 'content_block_delta': return this.#grow(event)
      case 'content_block_stop': return this.#close(event)
      case 'message_delta': return this.#ending(event)
      case 'message_stop':
        this.#demand(this.#isEnding, 'message_stop comes without a message_delta')
        this.#isEnded = true
        return
      case 'error':
        this.#stream.error = event.error
        this.#isEnded = true
        return
      default: this.#demand(false, `unknown event ${event.type}`)
    }
  }

  end (): void {
    this.#demand(this.#isEnded, 'it ends with neither message_stop nor an error')
    if (this.#stream.error === undefined) this.#demand(this.#open === undefined, 'a block is never closed')
  }

  #demand (holds: boolean, complaint: string): void {
    if (!holds) this.#stream.complaints.push(complaint)
  }

  #start ({ message }: MessageEvent): void {
    this.#demand(this.#stream.message === undefined, 'message_start comes twice')
    this.#demand(message?.type === 'message' && message.role === 'assistant' && /^msg_\w{24}$/.test(message.id), 'message_start has no message')
    this.#demand(message?.content.length === 0 && message.stop_reason === null && message.stop_sequence === null, 'the message begins with content or an end')
    this.#demand((message?.usage.input_tokens ?? 0) > 0, 'message_start has no estimate of the input')
    this.#stream.message = { ...message as MessageObject, content: [] }
  }

  #begin ({ index, content_block: block }: MessageEvent): void {
    this.#demand(this.#open === undefined, 'a block begins while another is open')
    this.#demand(!this.#isEnding, 'a block begins after message_delta')
    this.#demand(index === this.#blocks, `block ${index} comes in place of block ${this.#blocks}`)
    this.#blocks++
    const isEmpty = block?.type === 'text' ? block.text === '' : block?.type === 'thinking' ? block.thinking === '' && block.signature === '' : block?.type === 'tool_use' && JSON.stringify(block.input) === '{}'
    this.#demand(isEmpty, 'a block does not begin empty')
    if (block?.type === 'tool_use') this.#demand(/^toolu_[\w-]+$/.test(block.id ?? '') && block.name !== '', 'a call has no id or no name')
    this.#open = { block: { ...block } as ContentBlock, json: '', isSigned: false }
  }

  #grow ({ index, delta }: MessageEvent): void {
    const open = this.#open
    this.#demand(open !== undefined && index === this.#blocks - 1, 'a delta is not of the open block')
    if (open === undefined || delta === undefined) return
    this.#demand(!open.isSigned, 'something comes after a signature')
    const { block } = open
    if (delta.type === 'signature_delta' && block.type === 'thinking') {
      open.isSigned = true
      block.signature += delta.signature ?? ''
      this.#demand(block.signature !== '', 'a signature is empty')
      return
    }
    this.#demand(delta.type === DELTAS[block.type], `${delta.type} comes inside a block of type ${block.type}`)
    this.#demand([delta.text, delta.thinking, delta.partial_json].some(piece => piece !== undefined && piece !== ''), 'a delta is empty')
    if (block.type === 'text') block.text += delta.text ?? ''
    else if (block.type === 'thinking') block.thinking += delta.thinking ?? ''
    else open.json += delta.partial_json ?? ''
  }

  #close ({ index }: MessageEvent): void {
    const open = this.#open
    this.#demand(open !== undefined && index === this.#blocks - 1, 'a block is closed that is not open')
    this.#open = undefined
    if (open === undefined) return
    const { block, json, isSigned } = open
    if (block.type === 'thinking') this.#demand(isSigned, 'a thought has no signature')
    if (block.type === 'text') this.#demand(block.text !== '', 'a block of text is empty')
    if (block.type === 'tool_use' && json !== '') block.input = this.#toInput(json)
    this.#stream.message?.content.push(block)
  }

  #toInput (json: string): unknown {
    try {
      return JSON.parse(json)
    } catch {
      return { json }
    }
  }

  #ending ({ delta, usage }: MessageEvent): void {
    this.#demand(this.#open === undefined, 'message_delta comes while a block is open')
    this.#demand(typeof delta?.stop_reason === 'string', 'message_delta has no stop_reason')
    this.#demand(Number.isInteger(usage?.input_tokens) && Number.isInteger(usage?.output_tokens), 'message_delta has no usage')
    this.#isEnding = true
    const { message } = this.#stream
    if (message) Object.assign(message, delta, { usage })
    const hasCalls = message?.content.some(({ type }) => type === 'tool_use') === true
    this.#demand(delta?.stop_reason !== 'tool_use' || hasCalls, 'it ends with tool_use and has called nothing')
  }
}
