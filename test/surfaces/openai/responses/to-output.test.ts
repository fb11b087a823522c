import t from 'tap'
import { CompactionOutput } from '../../../../src/surfaces/openai/responses/compaction-output.ts'
import { OutputItems } from '../../../../src/surfaces/openai/responses/output-items.ts'
import { toOutput } from '../../../../src/surfaces/openai/responses/to-output.ts'
import { toServedTools } from '../../../../src/surfaces/openai/responses/tools.ts'

t.test('an answer is folded into items, a compaction into one', async t => {
  const options = { tools: toServedTools([], []), newItemId: (prefix: string) => prefix, asSummary: false }
  t.ok(toOutput({ ...options, isCompaction: true }) instanceof CompactionOutput)
  t.ok(toOutput(options) instanceof OutputItems)
})
