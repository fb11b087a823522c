import type { Change } from './change.ts'
import type { Batch, Stage } from './event.ts'

/**
 * Leaves of an answer only its JSON object: prose and code fences before and after it are taken away. An answer without
 * an object is told as it is. Taking away more than white space and fences is a change.
 */
export class JsonText implements Stage {
  #changes: Change[]
  #dropped = ''
  #state: 'before' | 'inside' | 'after' = 'before'
  /** Text before the object, in case there is none. */
  #lead = ''
  #depth = 0
  #inString = false
  #isEscaped = false

  constructor (changes: Change[]) {
    this.#changes = changes
  }

  push (batch: Batch): Batch {
    const out: Batch = []
    for (const event of batch) {
      if (event.type === 'text') {
        const text = this.#read(event.text)
        if (text !== '') out.push({ type: 'text', text })
        continue
      }
      if (event.type === 'finish' && this.#dropped !== '') {
        this.#changes.push({ param: 'content', action: 'repaired', reason: 'the model wrote text around its JSON' })
      }
      if (event.type === 'finish' && this.#state === 'before' && this.#lead !== '') out.push({ type: 'text', text: this.#lead })
      out.push(event)
    }
    return out
  }

  #read (text: string): string {
    if (this.#state === 'after') return this.#drop(text)
    if (this.#state === 'inside') return this.#inside(text)
    const start = text.indexOf('{')
    if (start === -1) {
      this.#lead += text
      return ''
    }
    this.#drop(this.#lead + text.slice(0, start))
    this.#state = 'inside'
    return this.#inside(text.slice(start))
  }

  #inside (text: string): string {
    for (let at = 0; at < text.length; at++) {
      const char = text.charCodeAt(at)
      if (this.#isEscaped) {
        this.#isEscaped = false
      } else if (this.#inString) {
        if (char === 92) this.#isEscaped = true
        if (char === 34) this.#inString = false
      } else if (char === 34) {
        this.#inString = true
      } else if (char === 123 || char === 91) {
        this.#depth++
      } else if (char === 125 || char === 93) {
        this.#depth--
        if (this.#depth === 0) {
          this.#state = 'after'
          this.#drop(text.slice(at + 1))
          return text.slice(0, at + 1)
        }
      }
    }
    return text
  }

  #drop (text: string): '' {
    if (this.#dropped === '') this.#dropped = text.replaceAll(/```(json)?|`|\s/g, '')
    return ''
  }
}
