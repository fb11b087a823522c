import type { GrowingText } from '../markdown/markdown.tsx'
import { toStreamError, type ServerError } from '../server/server-error.ts'
import type { ServerEvent } from '../server/server-events.ts'
import { FrameTicker } from '../shell/frame-ticker.ts'
import { FrameRecord } from './frame-record.ts'

export interface ShownToolCall {
  id: string
  name: string
  /** JSON text, as far as it came. */
  arguments: string
}

export interface AnswerUsage {
  prompt_tokens?: number
  completion_tokens?: number
  prompt_tokens_details?: { cached_tokens?: number }
  completion_tokens_details?: { reasoning_tokens?: number }
}

export type AnswerState = 'waiting' | 'growing' | 'done' | 'stopped' | 'failed'

interface Chunk {
  error?: { message?: unknown, code?: unknown }
  usage?: AnswerUsage | null
  choices?: Array<{ delta?: Delta, message?: Delta, finish_reason?: string | null }>
}

interface Delta {
  content?: string | null
  reasoning_content?: string | null
  refusal?: string | null
  tool_calls?: CallDelta[]
}

interface CallDelta {
  index?: number
  id?: string
  function?: { name?: string, arguments?: string }
  custom?: { name?: string, input?: string }
}

/** One answer of a model, as it grows. */
export class Answer {
  content = ''
  thinking = ''
  readonly toolCalls: ShownToolCall[] = []
  state: AnswerState = 'waiting'
  finishReason: string | undefined
  usage: AnswerUsage | undefined
  error: ServerError | undefined
  /** `x-proxy-warnings`, each as `top_p clamped`. */
  readonly changes: string[] = []
  /** Of the server, by which its record is found. */
  requestId: string | undefined
  /** The model that answered, where another one was asked. */
  servedModel: string | undefined
  firstTokenMs: number | undefined
  durationMs: number | undefined
  readonly frames = new FrameRecord()
  readonly ticker: FrameTicker
  readonly contentSource: GrowingText
  readonly thinkingSource: GrowingText
  #beganAt: number
  #now: () => number
  #isDone = false

  constructor (now: () => number = () => performance.now(), ticker = new FrameTicker()) {
    this.#now = now
    this.#beganAt = now()
    this.ticker = ticker
    const subscribe = (listener: () => void) => ticker.subscribe(listener)
    this.contentSource = { text: () => this.content, subscribe }
    this.thinkingSource = { text: () => this.thinking, subscribe }
  }

  get isUnderWay (): boolean {
    return this.state === 'waiting' || this.state === 'growing'
  }

  readHeaders (headers: Pick<Headers, 'get'>, askedModel: string): void {
    this.requestId = headers.get('x-request-id') ?? undefined
    const served = headers.get('x-proxy-model') ?? undefined
    if (served !== askedModel) this.servedModel = served
    this.#readWarnings(headers.get('x-proxy-warnings') ?? '')
  }

  /** Takes events of a stream. */
  readEvents (events: readonly ServerEvent[]): void {
    for (const event of events) {
      this.frames.note(event)
      if (event.kind === 'data') this.#readData(event.text)
      else if (event.text.startsWith('x-proxy-warnings: ')) this.#readWarnings(event.text.slice('x-proxy-warnings: '.length))
    }
    this.ticker.tick()
  }

  /** Takes an answer that came as a whole. */
  readWhole (body: unknown): void {
    this.#readChunk(body as Chunk)
    // It came with all the others.
    this.firstTokenMs = undefined
    this.#isDone = true
    this.ticker.tick()
  }

  /** The stream is over. One without `[DONE]` broke off. */
  end (): void {
    if (this.error !== undefined) return this.#settle('failed')
    if (this.#isDone) return this.#settle('done')
    this.fail(toStreamError({ message: 'The answer broke off before its end.' }))
  }

  fail (error: ServerError): void {
    this.error = error
    this.#settle('failed')
  }

  stop (): void {
    this.#settle('stopped')
  }

  #settle (state: AnswerState): void {
    this.state = state
    this.durationMs = this.#now() - this.#beganAt
    this.ticker.tell()
  }

  #readData (text: string): void {
    if (text === '[DONE]') {
      this.#isDone = true
      return
    }
    try {
      this.#readChunk(JSON.parse(text) as Chunk)
    } catch {
      this.error ??= toStreamError({ message: 'The server sent a chunk that is no JSON.' })
    }
  }

  #readChunk ({ error, usage, choices }: Chunk): void {
    if (error) this.error = toStreamError(error)
    if (usage) this.usage = usage
    const choice = choices?.[0]
    if (!choice) return
    this.finishReason = choice.finish_reason ?? this.finishReason
    const delta = choice.delta ?? choice.message
    if (delta) this.#readDelta(delta)
  }

  #readDelta ({ content, reasoning_content: thinking, refusal, tool_calls: calls = [] }: Delta): void {
    if (thinking) this.thinking += thinking
    if (content) this.content += content
    if (refusal) this.content += refusal
    for (const [position, call] of calls.entries()) this.#readCall(call, call.index ?? position)
    if (this.firstTokenMs !== undefined || !(thinking || content || refusal || calls.length > 0)) return
    this.firstTokenMs = this.#now() - this.#beganAt
    this.state = 'growing'
  }

  #readCall ({ id, function: called, custom }: CallDelta, index: number): void {
    const call = this.toolCalls[index] ??= { id: '', name: '', arguments: '' }
    call.id ||= id ?? ''
    call.name ||= called?.name ?? custom?.name ?? ''
    call.arguments += called?.arguments ?? custom?.input ?? ''
  }

  #readWarnings (warnings: string): void {
    for (const warning of warnings.split(', ')) if (warning !== '' && !this.changes.includes(warning)) this.changes.push(warning)
  }
}
