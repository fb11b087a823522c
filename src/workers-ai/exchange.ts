import type { Dispatcher } from 'undici'
import { reasonOf, type CancelSignal } from '../generation/cancellation.ts'
import type { Take, Verdict } from '../generation/pipeline.ts'
import { endOfTurn } from './end-of-turn.ts'

/** Bytes that wait for a reader before Cloudflare is held back. */
const MAX_WAITING_BYTES = 65_536

/** What may come behind the end of a stream: the end of the HTTP body, which often has a packet of its own. */
const REST = { ms: 500, pieces: 8 }

const CR_LF = '\r\n'
const NOTHING = Buffer.alloc(0)

/** The body of an answer, given as it comes. */
export interface AnswerBody {
  /**
   * Gives what each read of the connection brought, as one piece; can be called once. A slow taker holds Cloudflare back.
   * Rejects with what broke the connection, the abort's reason, or what the taker threw.
   */
  read: (take: Take<Buffer>) => Promise<void>
  /** Closes the connection unless the body has ended; whoever reads it is told that it ended. */
  destroy: () => void
  /** Lets a body end that has said all there is, so that its connection can serve again; nobody waits for it. */
  release: () => void
}

export interface Answer {
  statusCode: number
  /** Names in lower case. */
  headers: Record<string, string | string[] | undefined>
  /** Its content type says that it is a stream of events. */
  isStream: boolean
  /** All of the body, when it was waited for; nothing is left to read then. */
  bytes?: Buffer
  body: AnswerBody
}

/**
 * Sends a request and resolves once the head of its answer is here; of a success that is no stream its body too, unless
 * that is long or breaks off. Those that are whole are told at the end of the turn, together: what is done for one after
 * the other by the same code costs less, and answers written at once wake their readers once.
 * @param signal ends it in every phase, also while it waits for a connection, where undici would look at no signal
 * @throws undici's errors, and the signal's reason
 */
export function exchange (dispatcher: Dispatcher, options: Dispatcher.DispatchOptions, signal: CancelSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    dispatcher.dispatch(options, new Exchange(signal, resolve, reject))
  })
}

interface BodyReader {
  take: Take<Buffer>
  resolve: () => void
  reject: (error: unknown) => void
}

/** Hears what undici reads. What one read of the connection brought is given as one piece, however many HTTP chunks it was. */
class Exchange implements Dispatcher.DispatchHandler, AnswerBody {
  #signal: CancelSignal
  #answered: ((answer: Answer) => void) | undefined
  /** Until it is told. */
  #answer: Answer | undefined
  #refused: ((error: unknown) => void) | undefined
  #controller: Dispatcher.DispatchController | undefined
  /** What waits: the first piece, and those behind it, which are few and seldom. */
  #waiting: Buffer | undefined
  #more: Buffer[] | undefined
  #waitingBytes = 0
  #reader: BodyReader | undefined
  /** The taker asked for time. */
  #isHeld = false
  #isScheduled = false
  /** How it ended, once it has. */
  #end: { error?: unknown } | undefined
  /** Pieces that may still come when nobody reads any more. */
  #restPieces = Infinity
  #restTimer: NodeJS.Timeout | undefined

  constructor (signal: CancelSignal, answered: (answer: Answer) => void, refused: (error: unknown) => void) {
    this.#signal = signal
    this.#answered = answered
    this.#refused = refused
    signal.addEventListener('abort', this.#onAbort)
  }

  onRequestStart (controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#signal.aborted) controller.abort(reasonOf(this.#signal))
  }

  onResponseStart (controller: Dispatcher.DispatchController, statusCode: number, headers: Answer['headers']): void {
    // Views of the bytes that were read, two for each header: they would hold those in memory as long as the stream lasts.
    controller.rawHeaders = null
    if (statusCode < 200) return
    this.#answer = { statusCode, headers, isStream: /^text\/event-stream\b/i.test(headerOf({ headers }, 'content-type')), body: this }
    if (this.#answer.isStream || statusCode > 299) this.#tell()
  }

  onResponseData (controller: Dispatcher.DispatchController, piece: Buffer): void {
    if (this.#restPieces !== Infinity) {
      if (--this.#restPieces < 0) controller.abort(new Error('more than the rest'))
      return
    }
    const isAlone = this.#waiting === undefined && endsRead(piece)
    if (isAlone && this.#reader !== undefined && !this.#isHeld) return this.#giveBytes(this.#reader, piece)
    if (this.#waiting === undefined) this.#waiting = piece
    else (this.#more ??= []).push(piece)
    this.#waitingBytes += piece.length
    if (this.#reader !== undefined && !this.#isHeld) this.#schedule()
    else if (this.#waitingBytes >= MAX_WAITING_BYTES) {
      controller.pause()
      this.#tell()
    }
  }

  onResponseEnd (): void {
    this.#settle({})
  }

  onResponseError (_controller: Dispatcher.DispatchController, error: Error): void {
    this.#settle({ error })
    this.#refused?.(error)
  }

  read (take: Take<Buffer>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#reader = { take, resolve, reject }
      this.#give()
    })
  }

  destroy (): void {
    this.#leave()
    this.#drop()
    if (this.#end === undefined) this.#controller?.abort(new Error('closed'))
  }

  release (): void {
    this.#reader = undefined
    this.#drop()
    if (this.#end !== undefined) return
    this.#restPieces = REST.pieces
    this.#restTimer = setTimeout(() => this.destroy(), REST.ms)
    this.#controller?.resume()
  }

  #schedule (): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    process.nextTick(Exchange.#giveNow, this)
  }

  static #giveNow (exchange: Exchange): void {
    exchange.#isScheduled = false
    exchange.#give()
  }

  #give (): void {
    while (this.#reader !== undefined && !this.#isHeld) {
      if (this.#waitingBytes === 0) return this.#giveEnd(this.#reader)
      this.#giveBytes(this.#reader, this.#taken())
    }
  }

  #giveBytes ({ take }: BodyReader, bytes: Buffer): void {
    try {
      const verdict = take(bytes)
      if (verdict instanceof Promise) this.#hold(verdict)
      else if (verdict === 'enough') this.#leave()
    } catch (error) {
      this.#leave(error)
    }
  }

  #giveEnd ({ resolve, reject }: BodyReader): void {
    if (this.#end === undefined) return this.#controller?.resume()
    this.#reader = undefined
    if ('error' in this.#end) reject(this.#end.error)
    else resolve()
  }

  #hold (verdict: Promise<Verdict>): void {
    this.#isHeld = true
    verdict.then(given => {
      this.#isHeld = false
      if (given === 'enough') this.#leave()
      else this.#give()
    }, error => {
      this.#isHeld = false
      this.#leave(error)
    })
  }

  #leave (error?: unknown): void {
    const reader = this.#reader
    this.#reader = undefined
    if (error === undefined) reader?.resolve()
    else reader?.reject(error)
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
      endOfTurn().then(() => this.#tell())
    } else {
      this.#tell()
    }
    this.#signal.removeEventListener('abort', this.#onAbort)
    clearTimeout(this.#restTimer)
    if (this.#reader !== undefined) this.#schedule()
  }

  #onAbort = (): void => {
    const reason = reasonOf(this.#signal)
    this.#refused?.(reason)
    this.#drop()
    this.#end ??= { error: reason }
    this.#leave(reason)
    this.#controller?.abort(reason)
  }
}

/**
 * Whether nothing but the end of its HTTP chunk can follow a piece in what was read from the connection with it: Node has
 * memory of its own for each read. What this does not see is only given a moment later.
 */
function endsRead ({ byteOffset, length, buffer }: Buffer): boolean {
  return byteOffset + length + CR_LF.length >= buffer.byteLength
}

/** A header's value, the first of several; empty when it is missing. */
export function headerOf ({ headers }: Pick<Answer, 'headers'>, name: string): string {
  const value = headers[name]
  return (Array.isArray(value) ? value[0] : value) ?? ''
}
