import type { Change } from '../generation/change.ts'
import type { Batch, Stage } from '../generation/event.ts'

/** Reports text without the requested log probabilities: some models accept the field and return none. */
export class LogprobsCheck implements Stage {
  #changes: Change[]
  #hasText = false
  #hasLogprobs = false

  constructor (changes: Change[]) {
    this.#changes = changes
  }

  /** It only reads text. */
  get isTransparent (): boolean {
    return true
  }

  onBypassed (characters: number): void {
    this.#hasText ||= characters > 0
  }

  push (batch: Batch): Batch {
    for (const event of batch) {
      if (event.type === 'text') {
        this.#hasText = true
        this.#hasLogprobs ||= event.logprobs !== undefined
      }
      if (event.type === 'finish' && this.#hasText && !this.#hasLogprobs) this.#reportMissing()
    }
    return batch
  }

  #reportMissing (): void {
    if (this.#changes.some(({ param, action }) => param === 'logprobs' && action === 'missing')) return
    this.#changes.push({ param: 'logprobs', action: 'missing', reason: 'they were requested, and the model returned none' })
  }
}
