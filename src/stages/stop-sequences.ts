import type { Batch, Stage } from '../generation/event.ts'

/**
 * Ends the text before the stop sequence that begins earliest, wherever the text was cut, and never shows a part of it.
 * Text that may still become a stop sequence is held back, no more than that. Reasoning passes: OpenAI's `stop` is
 * about the answer. After a match `done` is true, and the only event that still passes is usage.
 *
 * @param stops one or more non-empty strings
 */
export class StopSequences implements Stage {
  done = false
  #stops: readonly string[]
  /** Characters of the longest of them. */
  #longest: number
  #held = ''

  constructor (stops: readonly string[]) {
    this.#stops = stops
    this.#longest = stops.reduce((longest, { length }) => Math.max(longest, length), 0)
  }

  push (batch: Batch): Batch {
    const out: Batch = []
    for (const event of batch) {
      if (this.done) {
        if (event.type === 'usage') out.splice(-1, 0, event)
        continue
      }
      if (event.type === 'text') {
        const before = out.length
        this.#cut(this.#held + event.text, false, out)
        const told = out[before]
        // What passed whole keeps what else is known of it.
        if (told?.type === 'text' && told.text === event.text) out[before] = event
        continue
      }
      if (event.type !== 'reasoning' && event.type !== 'usage') this.#cut(this.#held, true, out)
      if (!this.done) out.push(event)
    }
    return out
  }

  #cut (text: string, isLast: boolean, out: Batch): void {
    this.#held = ''
    let match = -1
    let matched = ''
    for (const stop of this.#stops) {
      const at = text.indexOf(stop)
      if (at === -1 || (match !== -1 && at >= match)) continue
      match = at
      matched = stop
    }
    const open = isLast ? -1 : firstUnfinished(text, this.#stops, this.#longest)
    const decided = open !== -1 && (match === -1 || open < match) ? open : match
    const shown = decided === -1 ? text : text.slice(0, decided)
    if (shown !== '') out.push({ type: 'text', text: shown })
    if (decided === -1) return
    if (decided !== match) {
      this.#held = text.slice(decided)
      return
    }
    this.done = true
    out.push({ type: 'finish', reason: 'stop', stop: matched })
  }
}

/** The position of the longest end of `text` that is the beginning of a stop sequence; -1 if there is none. */
function firstUnfinished (text: string, stops: readonly string[], longest: number): number {
  for (let at = Math.max(0, text.length - longest + 1); at < text.length; at++) {
    const end = text.slice(at)
    if (stops.some(stop => stop.length > end.length && stop.startsWith(end))) return at
  }
  return -1
}
