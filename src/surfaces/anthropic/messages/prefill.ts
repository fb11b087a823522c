import type { GenerationEvent } from '../../../generation/event.ts'

/**
 * Takes the beginning that the caller wrote out of an answer that repeats it: only what follows is told. The text is held until it
 * is certain whether it does.
 */
export class Prefill {
  #prefill: string
  #held = ''
  #isDecided = false

  constructor (prefill: string) {
    this.#prefill = prefill.trim()
  }

  /** Whether text passes as it is from now on. */
  get isDecided (): boolean {
    return this.#isDecided
  }

  push (event: GenerationEvent): GenerationEvent[] {
    if (this.#isDecided || event.type === 'reasoning' || event.type === 'usage') return [event]
    if (event.type !== 'text') return [...this.#release(this.#held), event]
    this.#held += event.text
    const said = this.#held.trimStart()
    if (said.startsWith(this.#prefill)) return this.#release(said.slice(this.#prefill.length))
    return this.#prefill.startsWith(said) ? [] : this.#release(this.#held)
  }

  #release (text: string): GenerationEvent[] {
    this.#isDecided = true
    return text === '' ? [] : [{ type: 'text', text }]
  }
}
