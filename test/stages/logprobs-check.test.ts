import t from 'tap'
import type { Change } from '../../src/generation/change.ts'
import type { Batch, TextEvent } from '../../src/generation/event.ts'
import { LogprobsCheck } from '../../src/stages/logprobs-check.ts'

const finish = { type: 'finish', reason: 'stop' } as const
const plain: TextEvent = { type: 'text', text: 'a' }
const rated: TextEvent = { type: 'text', text: 'a', logprobs: [{ token: 'a', logprob: -1, bytes: null, top_logprobs: [] }] }

function missingOf (batches: Batch[], passed = 0, changes: Change[] = []): string[] {
  const stage = new LogprobsCheck(changes)
  t.strictSame(batches.map(batch => stage.push(batch)), batches, 'everything passes as it is')
  if (passed > 0) stage.onBypassed(passed)
  stage.push([finish])
  return changes.map(({ param, action }) => `${param} ${action}`)
}

t.test('text without the log probabilities that were asked for is told', t => {
  const cases = [
    { name: 'text without any', given: [[plain], [plain]], expected: ['logprobs missing'] },
    { name: 'text that passed by', given: [[]], passed: 3, expected: ['logprobs missing'] },
    { name: 'text with them', given: [[rated]], expected: [] },
    { name: 'text, some of it with them', given: [[rated], [plain]], expected: [] },
    { name: 'no text', given: [[{ type: 'reasoning', text: 'Hm' } as const]], expected: [] }
  ]
  for (const { name, given, passed, expected } of cases) t.strictSame(missingOf(given, passed), expected, name)
  t.end()
})

t.test('once for all choices', t => {
  const changes: Change[] = []
  missingOf([[plain]], 0, changes)
  t.strictSame(missingOf([[plain]], 0, changes), ['logprobs missing'])
  t.end()
})

t.test('text may pass it by', t => {
  t.equal(new LogprobsCheck([]).isTransparent, true)
  t.end()
})
