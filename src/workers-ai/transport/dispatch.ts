import type { Dispatcher } from 'undici'
import { reasonOf, type CancelSignal } from '../../generation/cancellation.ts'
import type { Sink, Backpressure } from '../../generation/pipeline.ts'
import { afterPoll } from './after-poll.ts'
import type { Hearer } from './pool.ts'
import type { RequestBody } from './request-body.ts'

/** Bytes that wait for a reader before Cloudflare is held back. */
const MAX_WAITING_BYTES = 65_536

/** What may come behind the end of a stream: the end of the HTTP body, which often has a packet of its own. */
const TRAILING_LIMITS = { ms: 500, pieces: 8 }

/** Headers that are passed on to the client. */
export const FORWARDED_HEADERS = ['cf-ai-req-id', 'cf-ai-neurons', 'cf-ray', 'cf-aig-log-id', 'cf-aig-event-id', 'cf-aig-cache-status']
/** All that are looked at; Cloudflare sends twice as many, and the others are not even decoded. */
const READ_HEADERS = new Set(['content-type', 'content-encoding', 'retry-after', ...FORWARDED_HEADERS])
const READ_LENGTHS = new Set([...READ_HEADERS].map(({ length }) => length))

const CR_LF = '\r\n'
const NOTHING = Buffer.alloc(0)

/** The body of an answer, given as it comes. */
export interface ResponseBody {
  /**
   * Gives what each read of the connection brought, as one piece; can be called once. A slow sink holds Cloudflare back.
   * Rejects with what broke the connection, the abort's reason, or what the sink threw.
   */
  read: (sink: Sink<Buffer>) => Promise<void>
  /** Closes the connection unless the body has ended; whoever reads it is told that it ended. */
  destroy: () => void
  /** Lets a body end that has said all there is, so that its connection can serve again; nobody waits for it. */
  release: () => void
}

/** A connection that answers before it has taken all pieces of a body is closed. */
export type DispatchOptions = Omit<Dispatcher.DispatchOptions, 'body'> & { body?: RequestBody }

export interface UpstreamResponse {
  statusCode: number
  /** Those that are looked at, their names in lower case; of several of a name the first. */
  headers: Record<string, string | undefined>
  /** Its content type says that it is a stream of events. */
  isStream: boolean
  /** All of the body, when it was waited for; nothing is left to read then. */
  bytes?: Buffer
  body: ResponseBody
}

/**
 * Sends a request and resolves once the head of its answer is here; of a success that is no stream its body too, unless
 * that is long or breaks off. Those that are whole are told at the end of the turn, together: what is done for one after
 * the other by the same code costs less, and answers written at once wake their readers once.
 * @param signal ends it in every phase, also while it waits for a connection, where undici would look at no signal
 * @throws undici's errors, and the signal's reason
 */
export function dispatch (dispatcher: Dispatcher, options: DispatchOptions, signal: CancelSignal): Promise<UpstreamResponse> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    // undici sends whatever can be iterated, as its documentation says and its types do not.
    dispatcher.dispatch(options as Dispatcher.DispatchOptions, new ResponseHandler(signal, resolve, reject))
  })
}

/** The promise of whoever reads a body. */
interface Reading {
  resolve: () => void
  reject: (error: unknown) => void
}

/**
 * Hears what undici reads, in the form in which undici's own API hears it (`lib/api/api-request.js`): a handler of the
 * newer form is wrapped into another object, with a controller beside it, and every header is decoded for it. What one
 * read of the connection brought is given as one piece, however many HTTP chunks it was.
 */
class ResponseHandler implements Hearer, ResponseBody {
  // What each piece looks at stands first, to be loaded from memory at once.
  #sink: Sink<Buffer> | undefined
  /** The sink asked for time. */
  #isHeld = false
  /** Nobody reads any more. */
  #isReleased = false
  /** What waits: the first piece, and those behind it, which are few and seldom. */
  #waiting: Buffer | undefined
  #more: Buffer[] | undefined
  #waitingBytes = 0
  #isPaused = false
  #isScheduled = false
  #reading: Reading | undefined
  #signal: CancelSignal
  #answered: ((answer: UpstreamResponse) => void) | undefined
  /** Until it is told. */
  #answer: UpstreamResponse | undefined
  #refused: ((error: unknown) => void) | undefined
  #abort: ((reason: Error) => void) | undefined
  resume: (() => void) | undefined
  /** How it ended, once it has. */
  #end: { error?: unknown } | undefined
  /** Pieces that may still come once it was released. */
  #trailingPieces = TRAILING_LIMITS.pieces
  #trailingTimer: NodeJS.Timeout | undefined

  constructor (signal: CancelSignal, answered: (answer: UpstreamResponse) => void, refused: (error: unknown) => void) {
    this.#signal = signal
    this.#answered = answered
    this.#refused = refused
    signal.addEventListener('abort', this.#onAbort)
  }

  onConnect (abort: (reason?: Error) => void): void {
    this.#abort = abort
    if (this.#signal.aborted) abort(reasonOf(this.#signal))
  }

  onHeaders (statusCode: number, rawHeaders: Buffer[], resume: () => void): boolean {
    this.resume = resume
    if (statusCode < 200) return true
    const headers = toHeaders(rawHeaders)
    this.#answer = { statusCode, headers, isStream: /^text\/event-stream\b/i.test(headerOf({ headers }, 'content-type')), body: this }
    if (this.#answer.isStream || statusCode > 299) this.#tell()
    return true
  }

  /** Says no when nothing more is to be read until it is resumed. */
  onData (piece: Buffer): boolean {
    if (this.#isReleased) {
      if (--this.#trailingPieces < 0) this.#abort?.(new Error('more than the rest'))
      return true
    }
    const isAlone = this.#waiting === undefined && endsRead(piece)
    if (isAlone && this.#sink !== undefined && !this.#isHeld) {
      this.#giveBytes(this.#sink, piece)
      return true
    }
    // How undici's parser goes on where nothing came; to say no again would pause it again.
    if (piece.length === 0) return true
    if (this.#waiting === undefined) this.#waiting = piece
    else (this.#more ??= []).push(piece)
    this.#waitingBytes += piece.length
    if (this.#sink !== undefined && !this.#isHeld) this.#schedule()
    else if (this.#waitingBytes >= MAX_WAITING_BYTES) {
      this.#isPaused = true
      this.#tell()
    }
    return !this.#isPaused
  }

  onComplete (): void {
    this.#settle({})
  }

  onError (error: Error): void {
    this.#settle({ error })
    this.#refused?.(error)
  }

  read (sink: Sink<Buffer>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#sink = sink
      this.#reading = { resolve, reject }
      this.#give()
    })
  }

  destroy (): void {
    this.#leave()
    this.#drop()
    if (this.#end === undefined) this.#abort?.(new Error('closed'))
  }

  release (): void {
    this.#sink = undefined
    this.#drop()
    if (this.#end !== undefined) return
    this.#isReleased = true
    this.#trailingTimer = setTimeout(() => this.destroy(), TRAILING_LIMITS.ms)
    this.#readOn()
  }

  #readOn (): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.resume?.()
  }

  #schedule (): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    process.nextTick(ResponseHandler.#giveNow, this)
  }

  static #giveNow (handler: ResponseHandler): void {
    handler.#isScheduled = false
    handler.#give()
  }

  #give (): void {
    while (this.#sink !== undefined && !this.#isHeld) {
      if (this.#waitingBytes === 0) return this.#giveEnd()
      this.#giveBytes(this.#sink, this.#taken())
    }
  }

  #giveBytes (sink: Sink<Buffer>, bytes: Buffer): void {
    try {
      const result = sink.write(bytes)
      if (result instanceof Promise) this.#hold(result)
      else if (result === 'cancel') this.#leave()
    } catch (error) {
      this.#leave({ error })
    }
  }

  #giveEnd (): void {
    if (this.#end === undefined) this.#readOn()
    else this.#leave(this.#end)
  }

  #hold (result: Promise<Backpressure>): void {
    this.#isHeld = true
    result.then(given => {
      this.#isHeld = false
      if (given === 'cancel') this.#leave()
      else this.#give()
    }, (error: unknown) => {
      this.#isHeld = false
      this.#leave({ error })
    })
  }

  #leave (end: { error?: unknown } = {}): void {
    const reading = this.#reading
    this.#sink = undefined
    this.#reading = undefined
    if ('error' in end) reading?.reject(end.error)
    else reading?.resolve()
  }

  #tell (): void {
    if (this.#answer === undefined) return
    this.#answered?.(this.#answer)
    // The answer's head need not last as long as its body.
    this.#answer = undefined
    this.#answered = undefined
    this.#refused = undefined
  }

  /** What waits, as one piece. */
  #taken (): Buffer {
    const first = this.#waiting ?? NOTHING
    const bytes = this.#more === undefined ? first : Buffer.concat([first, ...this.#more], this.#waitingBytes)
    this.#drop()
    return bytes
  }

  #drop (): void {
    this.#waiting = undefined
    this.#more = undefined
    this.#waitingBytes = 0
  }

  #settle (end: { error?: unknown }): void {
    this.#end ??= end
    if (this.#answer && !('error' in this.#end)) {
      this.#answer.bytes = this.#taken()
      void afterPoll().then(() => this.#tell())
    } else {
      this.#tell()
    }
    this.#signal.removeEventListener('abort', this.#onAbort)
    // The connection knows this one until its next request, and needs no request of old.
    this.#abort = undefined
    this.resume = undefined
    clearTimeout(this.#trailingTimer)
    if (this.#sink !== undefined) this.#schedule()
  }

  #onAbort = (): void => {
    const reason = reasonOf(this.#signal)
    this.#refused?.(reason)
    this.#drop()
    this.#end ??= { error: reason }
    this.#leave({ error: reason })
    this.#abort?.(reason)
  }
}

/**
 * Whether nothing but the end of its HTTP chunk can follow a piece in what was read from the connection with it: Node has
 * memory of its own for each read. What this does not see is only given a moment later.
 */
function endsRead ({ byteOffset, length, buffer }: Buffer): boolean {
  return byteOffset + length + CR_LF.length >= buffer.byteLength
}

/** @param rawHeaders names and values in turns, views of the bytes that were read */
function toHeaders (rawHeaders: readonly Buffer[]): UpstreamResponse['headers'] {
  const headers: UpstreamResponse['headers'] = {}
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const bytes = rawHeaders[index] as Buffer
    if (!READ_LENGTHS.has(bytes.length)) continue
    const name = bytes.toString('latin1').toLowerCase()
    if (READ_HEADERS.has(name)) headers[name] ??= (rawHeaders[index + 1] as Buffer).toString('latin1')
  }
  return headers
}

/** A header's value; empty when it is missing. */
export function headerOf ({ headers }: Pick<UpstreamResponse, 'headers'>, name: string): string {
  return headers[name] ?? ''
}
