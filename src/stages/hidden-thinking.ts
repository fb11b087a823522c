import type { Batch, Stage } from '../generation/event.ts'

/** Leaves the thinking out of an answer whose caller does not want to be told of it. */
export class HiddenThinking implements Stage {
  /** Text is none. */
  get isTransparent (): boolean {
    return true
  }

  push (batch: Batch): Batch {
    return batch.filter(({ type }) => type !== 'reasoning')
  }
}
