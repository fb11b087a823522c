import t from 'tap'
import type { Batch, Usage } from '../../../src/generation/event.ts'
import { ChangeReporter } from '../../../src/inference/change-reporter.ts'
import { ClientDisconnectedError } from '../../../src/generation/client-disconnected.ts'
import { UpstreamError } from '../../../src/errors.ts'
import type { InferenceAnswer } from '../../../src/inference/answer.ts'
import { choiceStream, type ChoiceEncoder } from '../../../src/surfaces/openai/choice-stream.ts'
import { quietCall } from '../../inference/quiet-call.ts'
import { all, sourceOf } from '../../sources.ts'

const usage: Usage = { promptTokens: 1, completionTokens: 2 }

/** Tells texts in brackets. */
class Brackets implements ChoiceEncoder {
  encode (batch: Batch): string {
    return batch.map(event => event.type === 'text' ? `[${event.text}]` : '').join('')
  }
}

interface Told {
  pieces: string[]
  isClosed: boolean
  usage: Usage | undefined
}

/** What is written for choices that come in these batches. */
async function tell (...choices: Array<Array<Batch | Error>>): Promise<Told> {
  const told: Told = { pieces: [], isClosed: false, usage: undefined }
  const call = quietCall()
  const answer: Pick<InferenceAnswer, 'generations' | 'reporter'> = {
    generations: { choices: choices.map(sourceOf), bypassTo: [], headers: {}, status: 200, close: () => { told.isClosed = true } },
    reporter: new ChangeReporter([], call)
  }
  const pieces = await all(choiceStream(answer as InferenceAnswer, choices.map(() => new Brackets()), ({ completionTokens }) => `<${completionTokens}>`, call))
  told.pieces.push(...pieces.map(String))
  told.usage = call.record.usage
  return told
}

t.test('a piece for each batch, and then the bill of all', async t => {
  const end: Batch = [{ type: 'usage', usage }, { type: 'finish', reason: 'stop' }]
  const { pieces, isClosed, usage: billed } = await tell([[{ type: 'text', text: 'a' }, { type: 'text', text: 'b' }], end], [[{ type: 'text', text: 'c' }], end])
  t.strictSame(pieces.slice(0, -1).sort(), ['[a][b]', '[c]'], 'nothing is written where nothing is told')
  t.equal(pieces.at(-1), '<4>data: [DONE]\n\n')
  t.match(billed, { promptTokens: 2, completionTokens: 4 })
  t.notOk(isClosed, 'what has ended needs no closing')
})

t.test('a guess is said to be one, before the end', async t => {
  const { pieces } = await tell([[{ type: 'usage', usage: { ...usage, estimated: true } }, { type: 'finish', reason: 'stop' }]])
  t.strictSame(pieces, [': x-proxy-warnings: usage estimated\n\n<2>data: [DONE]\n\n'])
})

t.test('what broke says so, and is not done', async t => {
  const error = new UpstreamError('gone', { kind: 'truncated' })
  const cases: Array<{ name: string, given: Array<Batch | Error> }> = [
    { name: 'a failure event', given: [[{ type: 'text', text: 'a' }], [{ type: 'failure', error }]] },
    { name: 'a source that throws', given: [[{ type: 'text', text: 'a' }], error] }
  ]
  for (const { name, given } of cases) {
    const { pieces, isClosed } = await tell(given)
    t.match(pieces, ['[a]', /^data: \{"error":\{.*"code":"upstream_truncated"\}\}\n\n$/], name)
    t.equal(pieces.length, 2)
    t.ok(isClosed)
  }
  const { pieces, isClosed } = await tell([[{ type: 'text', text: 'a' }], new ClientDisconnectedError()])
  t.strictSame(pieces, ['[a]'], 'who has left is told nothing')
  t.ok(isClosed)
})
