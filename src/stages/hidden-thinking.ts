import type { Batch, Stage } from '../generation/event.ts'

/** Removes the thinking from an answer when the caller does not want it. */
export class HiddenThinking implements Stage {
  /** Text always passes. */
  get isTransparent (): boolean {
    return true
  }

  push (batch: Batch): Batch {
    return batch.filter(({ type }) => type !== 'reasoning')
  }
}
