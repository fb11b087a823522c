import t from 'tap'
import type { FinishReason, GenerationEvent } from '../../../../src/generation/event.ts'
import { CompactionOutput } from '../../../../src/surfaces/openai/responses/compaction-output.ts'
import { toCompactedContent } from '../../../../src/surfaces/openai/responses/compaction.ts'

const newItemId = (prefix: string) => `${prefix}1`
const text = (text: string): GenerationEvent => ({ type: 'text', text })
const finish = (reason: FinishReason | null = 'stop'): GenerationEvent => ({ type: 'finish', reason })

function fold (events: GenerationEvent[]) {
  const heard: string[] = []
  const output = new CompactionOutput({ newItemId }, {
    added: (item, index) => heard.push(`added ${item.type}@${index}`),
    grew: () => heard.push('grew'),
    done: (item, index) => heard.push(`done ${item.type}@${index}`)
  })
  for (const event of events) output.push(event)
  return { output, heard }
}

t.test('all that is said is one item', async t => {
  const { output, heard } = fold([{ type: 'reasoning', text: 'hm' }, text('\nAll '), text('is done.\n'), { type: 'usage', usage: { promptTokens: 2, completionTokens: 3 } }, finish()])
  t.strictSame(output.items, [{ id: 'cmp_1', type: 'compaction', encrypted_content: toCompactedContent('All is done.') }])
  t.strictSame(heard, ['added compaction@0', 'done compaction@0'])
  t.match(output, { usage: { promptTokens: 2, completionTokens: 3 }, finishReason: 'stop', isCut: false })
})

t.test('a summary that was cut is one, and that is known', async t => {
  for (const reason of ['length', 'content_filter'] as const) t.match(fold([text('All'), finish(reason)]).output, { finishReason: 'stop', isCut: true, items: [{ type: 'compaction' }] })
  t.equal(fold([text('All'), finish(null)]).output.isCut, false)
})

t.test('a model that says nothing has summed up nothing', async t => {
  for (const events of [[], [text(' \n')], [{ type: 'reasoning', text: 'hm' } as const], [{ type: 'tool_call', index: 0, id: 'call_1', name: 'f', arguments: '{}' } as const]]) {
    t.throws(() => fold([...events, finish('length')]), { status: 502, type: 'server_error', code: 'empty_summary' })
  }
})
