import type { Usage } from '../../generation/event.ts'

/**
 * Adds up what a generation says it was billed. A stream may say that once, in its last frames; beside each piece of text
 * as a total that grows; or for each piece by itself, the prompt with the first one. Zeros hold the place of a count that
 * is not known, and never displace one that is.
 */
export class UsageTally {
  /** What is known so far; undefined until the stream has said anything. */
  usage: Usage | undefined
  /** A total grows beside the text, so that the last one is the sum. */
  isRunning = false
  /** Completion tokens of the last frame that had some. */
  #last = 0

  /**
   * @param told undefined when a frame has no usage
   * @param isBesideText the frame also says something
   */
  add (told: Usage | undefined, isBesideText: boolean): void {
    if (told === undefined) return
    const { promptTokens, completionTokens } = told
    const known = this.usage
    if (known === undefined) {
      this.usage = told
    } else {
      this.isRunning ||= isBesideText && promptTokens > 0 && this.#last > 0 && completionTokens > this.#last
      this.usage = {
        ...known,
        ...told,
        promptTokens: promptTokens || known.promptTokens,
        completionTokens: this.#toSum(told, known.completionTokens, isBesideText)
      }
    }
    this.#last = completionTokens || this.#last
  }

  #toSum ({ promptTokens, completionTokens }: Usage, known: number, isBesideText: boolean): number {
    if (this.isRunning || completionTokens === 0) return completionTokens || known
    // A total that counts a piece more is greater, and counts the prompt.
    if (isBesideText && (promptTokens === 0 || completionTokens <= this.#last)) return known + completionTokens
    return promptTokens === 0 ? Math.max(known, completionTokens) : completionTokens
  }
}
