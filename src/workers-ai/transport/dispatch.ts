import type { Dispatcher } from 'undici'
import { reasonOf, type CancelSignal } from '../../generation/cancellation.ts'
import type { Sink, Backpressure } from '../../generation/pipeline.ts'
import { afterPoll } from './after-poll.ts'
import type { ResumableHandler } from './pool.ts'
import type { RequestBody } from './request-body.ts'

/** Bytes buffered for a reader before undici is paused. */
const MAX_WAITING_BYTES = 65_536

/** The most data after the last event of a stream: the end of the HTTP body, which often has its own packet. */
const TRAILING_LIMITS = { ms: 500, pieces: 8 }

/** Headers that are passed on to the client. */
export const FORWARDED_HEADERS = ['cf-ai-req-id', 'cf-ai-neurons', 'cf-ray', 'cf-aig-log-id', 'cf-aig-event-id', 'cf-aig-cache-status']
/** All headers that are read. Cloudflare sends twice as many; the others are not decoded. */
const READ_HEADERS = new Set(['content-type', 'content-encoding', 'retry-after', ...FORWARDED_HEADERS])
const READ_LENGTHS = new Set([...READ_HEADERS].map(({ length }) => length))

const CR_LF = '\r\n'
const NOTHING = Buffer.alloc(0)

/** The body of a response, pushed as it arrives. */
export interface ResponseBody {
  /**
   * Writes each read of the connection to the sink, as one piece. Can be called once. A slow sink pauses the connection.
   * Rejects with the error of the connection, the reason of the abort, or the error of the sink.
   */
  read: (sink: Sink<Buffer>) => Promise<void>
  /** Closes the connection unless the body has ended. A pending `read` resolves. */
  destroy: () => void
  /** Reads a body to its end in the background, after its last event, so that the connection can be used again. */
  release: () => void
}

/** A connection that answers before it has read the whole request body is closed. */
export type DispatchOptions = Omit<Dispatcher.DispatchOptions, 'body'> & { body?: RequestBody }

export interface UpstreamResponse {
  statusCode: number
  /** The headers that are read, by lower-case names; of several with one name the first. */
  headers: Record<string, string | undefined>
  /** Its content type is `text/event-stream`. */
  isStream: boolean
  /** The whole body, if it was awaited; then nothing is left to read. */
  bytes?: Buffer
  body: ResponseBody
}

/**
 * Sends a request. Resolves once the head of its response has arrived; for a success without a stream once the whole body has,
 * unless it is long or breaks off. Whole responses resolve together after the poll phase: running the same code for one after
 * the other costs less, and consecutive writes wake their readers once.
 * @param signal ends the request in every phase, also while it waits for a connection, where undici checks no signal
 * @throws undici's errors, and the signal's reason
 */
export function dispatch (dispatcher: Dispatcher, options: DispatchOptions, signal: CancelSignal): Promise<UpstreamResponse> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    // undici sends any iterable, as its documentation says and its types do not.
    dispatcher.dispatch(options as Dispatcher.DispatchOptions, new ResponseHandler(signal, resolve, reject))
  })
}

/** The promise that `read` returned. */
interface Reading {
  resolve: () => void
  reject: (error: unknown) => void
}

/**
 * A handler in the form that undici's own API uses (`lib/api/api-request.js`): undici wraps the newer form into another object,
 * with a controller, and decodes every header for it. One read of the connection is written as one piece, however many HTTP
 * chunks it contains.
 */
class ResponseHandler implements ResumableHandler, ResponseBody {
  // Hot fields first (one cache line).
  #sink: Sink<Buffer> | undefined
  /** The sink has returned a promise that is pending. */
  #isHeld = false
  /** `release` was called. */
  #isReleased = false
  /** Buffered pieces: the first one, and later ones, which are rare. */
  #waiting: Buffer | undefined
  #more: Buffer[] | undefined
  #waitingBytes = 0
  #isPaused = false
  #isScheduled = false
  #reading: Reading | undefined
  #signal: CancelSignal
  #answered: ((answer: UpstreamResponse) => void) | undefined
  /** Set until the head is reported. */
  #answer: UpstreamResponse | undefined
  #refused: ((error: unknown) => void) | undefined
  #abort: ((reason: Error) => void) | undefined
  resume: (() => void) | undefined
  /** How it ended, once it has. */
  #end: { error?: unknown } | undefined
  /** Pieces that may still arrive after `release`. */
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
    if (this.#answer.isStream || statusCode > 299) this.#reportHead()
    return true
  }

  /** @returns false to pause undici until `resume` */
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
    // undici's parser resumes with an empty piece; false would pause it again.
    if (piece.length === 0) return true
    if (this.#waiting === undefined) this.#waiting = piece
    else (this.#more ??= []).push(piece)
    this.#waitingBytes += piece.length
    if (this.#sink !== undefined && !this.#isHeld) this.#schedule()
    else if (this.#waitingBytes >= MAX_WAITING_BYTES) {
      this.#isPaused = true
      this.#reportHead()
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

  #reportHead (): void {
    if (this.#answer === undefined) return
    this.#answered?.(this.#answer)
    // Let the head be collected while the body lasts.
    this.#answer = undefined
    this.#answered = undefined
    this.#refused = undefined
  }

  /** All buffered bytes, as one piece. */
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
      void afterPoll().then(() => this.#reportHead())
    } else {
      this.#reportHead()
    }
    this.#signal.removeEventListener('abort', this.#onAbort)
    // The connection refers to this handler until its next request.
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
 * Whether only the end of an HTTP chunk can follow a piece in the same read of the connection: Node allocates each read
 * by itself. A piece for which this is wrongly false is written a tick later.
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
