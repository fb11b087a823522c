import type { Batch, Stage } from '../generation/event.ts'

/** Keeps the first tool call only: `parallel_tool_calls: false` on models that do not take it. */
export class SingleToolCall implements Stage {
  push (batch: Batch): Batch {
    return batch.filter(event => event.type !== 'tool_call' || event.index === 0)
  }
}
