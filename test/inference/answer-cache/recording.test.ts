import fc from 'fast-check'
import t from 'tap'
import type { Batch, GenerationEvent } from '../../../src/generation/event.ts'
import type { Backpressure } from '../../../src/generation/pipeline.ts'
import { MAX_BYTES, recorded } from '../../../src/inference/answer-cache/recording.ts'
import type { Generations } from '../../../src/inference/generations.ts'
import { runs } from '../../property-runs.ts'

const STOP: GenerationEvent = { type: 'finish', reason: 'stop' }
const said = (text: string): GenerationEvent => ({ type: 'text', text, json: JSON.stringify(text) })

/** Tells batches through the record. */
async function record (batches: readonly Batch[], answerOf: (batch: Batch) => Backpressure | Promise<Backpressure> = () => undefined): Promise<{ told: Batch[], kept: Batch | undefined }> {
  const told: Batch[] = []
  let kept: Batch | undefined
  const source: Generations['choices'][number] = async write => {
    for (const batch of batches) if (await write(batch) === 'cancel') return
  }
  const generations: Generations = { choices: [source], bypassTo: [() => true], status: 200, headers: {}, close: () => {} }
  const { choices, bypassTo } = recorded(generations, events => { kept = events })
  t.strictSame(bypassTo, [], 'no text may go past it')
  await choices[0]?.(batch => {
    told.push(structuredClone(batch))
    return answerOf(batch)
  })
  return { told, kept }
}

t.test('what is told is told as it was, and kept in one piece each', async t => {
  const batches: Batch[] = [
    [{ type: 'reasoning', text: 'h' }, { type: 'reasoning', text: 'm', json: '"m"' }],
    [said('a'), said('b')],
    [said('c')],
    [{ type: 'tool_call', index: 0, id: 'i', name: 'n', arguments: '{' }, { type: 'tool_call', index: 0, arguments: '}' }, { type: 'tool_call', index: 1, id: 'j', name: 'n', arguments: '' }],
    [{ type: 'usage', usage: { promptTokens: 1, completionTokens: 2 } }, STOP]
  ]
  const before = structuredClone(batches)
  const { told, kept } = await record(batches)
  t.strictSame(told, before)
  t.strictSame(batches, before, 'nothing of it is changed')
  t.strictSame(kept, [
    { type: 'reasoning', text: 'hm' },
    { type: 'text', text: 'abc' },
    { type: 'tool_call', index: 0, id: 'i', name: 'n', arguments: '{}' },
    { type: 'tool_call', index: 1, id: 'j', name: 'n', arguments: '' },
    { type: 'usage', usage: { promptTokens: 1, completionTokens: 2 } },
    STOP
  ])
})

const CASES: Array<{ name: string, batches: Batch[], answerOf?: (batch: Batch) => Backpressure | Promise<Backpressure>, isKept: boolean }> = [
  ...(['stop', 'length', 'tool_calls', null] as const).map(reason => ({ name: `ended by ${reason}`, batches: [[said('a')], [{ type: 'finish' as const, reason }]], isKept: true })),
  { name: 'cut by a filter', batches: [[said('a'), { type: 'finish', reason: 'content_filter' }]], isKept: false },
  { name: 'failed', batches: [[said('a')], [{ type: 'failure', error: new Error('x') }]], isKept: false },
  { name: 'not ended', batches: [[said('a')]], isKept: false },
  { name: 'given up by its reader', batches: [[said('a')], [STOP]], answerOf: () => 'cancel', isKept: false },
  { name: 'given up later', batches: [[said('a')], [STOP]], answerOf: async (): Promise<Backpressure> => 'cancel', isKept: false },
  { name: 'at a slow reader', batches: [[said('a')], [STOP]], answerOf: async () => undefined, isKept: true },
  { name: 'too long', batches: [[said('a'.repeat(MAX_BYTES))], [said('b')], [STOP]], isKept: false },
  { name: 'just not too long', batches: [[said('a'.repeat(MAX_BYTES))], [STOP]], isKept: true }
]

for (const { name, batches, answerOf, isKept } of CASES) {
  t.test(`an answer that is ${name} is ${isKept ? '' : 'not '}kept`, async t => {
    t.equal((await record(batches, answerOf)).kept !== undefined, isKept)
  })
}

t.test('an answer whose reader breaks is not kept', async t => {
  let kept: Batch | undefined
  const generations: Generations = { choices: [async write => { await write([said('a'), STOP]) }], bypassTo: [], status: 200, headers: {}, close: () => {} }
  await t.rejects(recorded(generations, events => { kept = events }).choices[0]?.(async () => { throw new Error('gone') }) ?? Promise.resolve())
  t.equal(kept, undefined)
})

t.test('no word is lost, wherever an answer is cut', async () => {
  await fc.assert(fc.asyncProperty(fc.array(fc.array(fc.string({ maxLength: 4 }), { maxLength: 4 }), { maxLength: 5 }), async pieces => {
    const { kept } = await record([...pieces.map(batch => batch.map(said)), [STOP]])
    const text = kept?.map(event => event.type === 'text' ? event.text : '').join('')
    return text === pieces.flat().join('') && (kept?.length ?? 0) <= 2
  }), { numRuns: runs(100) })
})
