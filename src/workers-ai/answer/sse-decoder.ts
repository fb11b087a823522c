import { isAscii } from 'node:buffer'
import { StringDecoder } from 'node:string_decoder'
import { UpstreamError } from '../../errors.ts'

/** Characters that one event may have before the stream counts as broken: far above any tool call, far below the memory. */
const MAX_EVENT_LENGTH = 8 * 1024 * 1024

/**
 * Splits the bytes of a `text/event-stream` into the `data` of its events, for any boundaries of reads.
 *
 * Follows the WHATWG event-stream rules: LF, CRLF and CR end a line, one BOM is skipped, several `data` lines are
 * joined by LF, comments and other fields are ignored. Unlike a browser it also returns the last event if the final
 * blank line is missing, because Workers AI may close the connection right after `data: [DONE]`.
 */
export class SseDecoder {
  /** For streams that are not only ASCII. */
  #utf8: StringDecoder | undefined
  /** The last bytes may be a part of a character. */
  #isInsideLetter = false
  /** Pieces of a line whose end has not arrived. They are joined once, so that a long line takes linear time. */
  #line: string[] = []
  #lineLength = 0
  #data: string | undefined
  #atStart = true
  #skipLineFeed = false

  /**
   * Takes the next bytes and returns the data of every event they complete, in order.
   * @throws UpstreamError `malformed` when one event grows above 8 Mi characters.
   */
  push (bytes: Buffer): string[] {
    return this.read(this.#decode(bytes))
  }

  /** The next bytes as text; a split character is returned with its last byte. */
  #decode (bytes: Buffer): string {
    const last = bytes.at(-1)
    if (last === undefined) return ''
    if (!this.#isInsideLetter && isAscii(bytes)) return bytes.toString('latin1')
    this.#isInsideLetter = last >= 0x80
    return (this.#utf8 ??= new StringDecoder('utf8')).write(bytes)
  }

  /**
   * Takes the next text and returns the data of every event it completes, in order.
   * @throws UpstreamError `malformed` when one event grows above 8 Mi characters.
   */
  read (text: string): string[] {
    const events: string[] = []
    this.#read(text, events)
    return events
  }

  /** Whether the next bytes begin a character, so that ASCII bytes may be passed to `read` as text. */
  get isBetweenLetters (): boolean {
    return !this.#isInsideLetter
  }

  /** Whether the next bytes begin a new event; false before the first event. */
  get isBetweenEvents (): boolean {
    return this.#data === undefined && this.#lineLength === 0 && !this.#skipLineFeed && !this.#atStart && !this.#isInsideLetter
  }

  /** Ends the stream and returns the last event if its data is complete. */
  end (): string[] {
    const events: string[] = []
    this.#read(`${this.#utf8?.end() ?? ''}\n\n`, events)
    return events
  }

  #read (text: string, events: string[]): void {
    if (text === '') return
    let start = 0
    if (this.#atStart) {
      this.#atStart = false
      if (text.charCodeAt(0) === 0xFEFF) start = 1
    }
    if (this.#skipLineFeed) {
      this.#skipLineFeed = false
      if (text.charCodeAt(start) === 10) start++
    }
    let carriageReturn = text.indexOf('\r', start)
    while (true) {
      const lineFeed = text.indexOf('\n', start)
      let end = lineFeed
      let next = lineFeed + 1
      if (carriageReturn !== -1 && (lineFeed === -1 || carriageReturn < lineFeed)) {
        end = carriageReturn
        next = lineFeed === carriageReturn + 1 ? lineFeed + 1 : carriageReturn + 1
        if (next === text.length && lineFeed === -1) this.#skipLineFeed = true
        carriageReturn = text.indexOf('\r', next)
      }
      if (end === -1) break
      this.#endLine(text.slice(start, end), events)
      start = next
    }
    if (start < text.length) this.#hold(text.slice(start))
  }

  #hold (piece: string): void {
    this.#line.push(piece)
    this.#lineLength += piece.length
    if (this.#lineLength + (this.#data?.length ?? 0) > MAX_EVENT_LENGTH) {
      throw new UpstreamError('Cloudflare sent an event of more than 8 MiB', { kind: 'malformed' })
    }
  }

  #endLine (piece: string, events: string[]): void {
    let line = piece
    if (this.#lineLength > 0) {
      this.#hold(piece)
      line = this.#line.join('')
      this.#line = []
      this.#lineLength = 0
    }
    if (line === '') {
      if (this.#data !== undefined) events.push(this.#data)
      this.#data = undefined
      return
    }
    if (!line.startsWith('data')) return
    if (line.length === 4) return this.#addData('')
    if (line.charCodeAt(4) !== 58) return
    this.#addData(line.slice(line.charCodeAt(5) === 32 ? 6 : 5))
  }

  #addData (value: string): void {
    this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`
    if (this.#data.length > MAX_EVENT_LENGTH) {
      throw new UpstreamError('Cloudflare sent an event of more than 8 MiB', { kind: 'malformed' })
    }
  }
}
