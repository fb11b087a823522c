import type { Change } from '../generation/change.ts'
import type { Batch, Stage } from '../generation/event.ts'

/** The beginning of a JSON object or list. In prose, other characters follow a brace or bracket. */
const OBJECT = /\{\s{0,100}["}]/
const LIST = /\[\s{0,100}["[{\]\d-]/

/** The same, incomplete. */
const CUT_OBJECT = /\{\s{0,100}$/
const CUT_LIST = /\[\s{0,100}$/

/** Characters of prose after which JSON is no longer expected. */
const MAX_LEAD = 65_536

export interface JsonTextOptions {
  /** The answer is to be a list and not an object. */
  isList: boolean
}

/**
 * Reduces an answer to its JSON object or list: prose and code fences before and after it are removed. An answer without
 * one, or with very much prose before it, stays unchanged. Removing more than white space and fences is a change.
 */
export class JsonText implements Stage {
  #changes: Change[]
  #begin: RegExp
  #cutBegin: RegExp
  #state: 'before' | 'inside' | 'after' | 'prose' = 'before'
  /** Text before the JSON, in case there is none. */
  #lead = ''
  /** The end of that text, in which the JSON may have begun. */
  #held = ''
  /** Text around the JSON. */
  #dropped = ''
  #depth = 0
  #inString = false
  #isEscaped = false

  constructor (changes: Change[], { isList }: JsonTextOptions) {
    this.#changes = changes
    this.#begin = isList ? LIST : OBJECT
    this.#cutBegin = isList ? CUT_LIST : CUT_OBJECT
  }

  push (batch: Batch): Batch {
    const out: Batch = []
    for (const event of batch) {
      if (event.type === 'finish' || event.type === 'failure') this.#end(out)
      if (event.type === 'text') this.#read(event.text, out)
      else out.push(event)
    }
    return out
  }

  #read (text: string, out: Batch): void {
    if (this.#state === 'prose') {
      out.push({ type: 'text', text })
      return
    }
    const json = this.#state === 'before' ? this.#before(text) : text
    if (this.#state === 'before' && this.#lead.length > MAX_LEAD) {
      out.push({ type: 'text', text: this.#lead + this.#held })
      this.#lead = this.#held = ''
      this.#state = 'prose'
      return
    }
    const length = this.#state === 'inside' ? this.#lengthInside(json) : 0
    if (length > 0) out.push({ type: 'text', text: json.slice(0, length) })
    this.#dropped += json.slice(length)
  }

  /** Keeps what comes before the JSON, and returns the rest. */
  #before (text: string): string {
    const held = this.#held + text
    const start = this.#begin.exec(held)?.index
    if (start === undefined) {
      const end = this.#cutBegin.exec(held)?.index ?? held.length
      this.#lead += held.slice(0, end)
      this.#held = held.slice(end)
      return ''
    }
    this.#state = 'inside'
    this.#dropped = this.#lead + held.slice(0, start)
    return held.slice(start)
  }

  /** The number of characters that belong to the JSON. */
  #lengthInside (text: string): number {
    for (let at = 0; at < text.length; at++) {
      const char = text[at]
      if (this.#isEscaped) {
        this.#isEscaped = false
      } else if (this.#inString) {
        if (char === '\\') this.#isEscaped = true
        if (char === '"') this.#inString = false
      } else if (char === '"') {
        this.#inString = true
      } else if (char === '{' || char === '[') {
        this.#depth++
      } else if ((char === '}' || char === ']') && --this.#depth === 0) {
        this.#state = 'after'
        return at + 1
      }
    }
    return text.length
  }

  #end (out: Batch): void {
    const lead = this.#lead + this.#held
    if (this.#state === 'before' && lead !== '') out.push({ type: 'text', text: lead })
    if (/\S/.test(this.#dropped.replaceAll(/```(json)?|`/g, ''))) {
      this.#changes.push({ param: 'content', action: 'repaired', repair: 'json_schema', reason: 'the model wrote text around its JSON' })
    }
    this.#state = 'after'
  }
}
