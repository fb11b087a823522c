import { CompactionOutput } from './compaction-output.ts'
import { OutputItems } from './output-items.ts'
import type { Output, OutputItemsOptions, OutputListener } from './output.ts'

/** Creates the fold for the requested result: an answer, or a compaction. */
export function toOutput (options: OutputItemsOptions, listener?: OutputListener): Output {
  return options.isCompaction === true ? new CompactionOutput(options, listener) : new OutputItems(options, listener)
}
