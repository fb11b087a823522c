import t, { type Test } from 'tap'
import { WorkersAi } from '../../../src/workers-ai/transport/client.ts'
import { embed, type EmbeddingAnswer } from '../../../src/workers-ai/answer/embed.ts'
import type { ModelId } from '../../../src/workers-ai/models/model.ts'
import { waited } from '../../servers/http-client.ts'
import { startRecordedUpstream, type Answer, type Recorded } from '../../servers/recorded-upstream.ts'

interface Asked {
  answers: Promise<EmbeddingAnswer[]>
  runs: Recorded[]
  left: AbortController
}

/** Embeds texts named by their number, two at a call, by an upstream that answers so. */
async function ask (t: Test, calls: number, answer: (run: Recorded, count: number) => Answer, { maxRetries = 0 } = {}): Promise<Asked> {
  const { url, runs } = await startRecordedUpstream(t, answer)
  const workersAi = new WorkersAi({ apiBaseUrl: url, accountId: 'account', apiToken: 'token-of-the-proxy', maxRetries, headersTimeoutMs: 60_000, idleTimeoutMs: 60_000, userAgent: 'tests' })
  t.teardown(() => workersAi.close())
  const left = new AbortController()
  const answers = embed(workersAi, {
    model: '@cf/a/b' as ModelId,
    batches: Array.from({ length: calls }, (_, index) => [String(2 * index), String(2 * index + 1)]),
    toBody,
    toTokens: texts => texts.length,
    signal: left.signal,
    apiToken: 'token-of-the-caller'
  })
  answers.catch(() => {})
  return { answers, runs, left }
}

function toBody (texts: readonly string[]): string {
  return JSON.stringify({ text: texts.map(Number) })
}

/** The texts' own numbers as vectors. */
function toVectors ({ body }: Recorded): Answer {
  return { headers: { 'cf-ai-neurons': '1' }, body: JSON.stringify({ result: { data: (body['text'] as number[]).map(number => [number, 1]) }, success: true }) }
}

const NEVER: Answer = { body: '{', end: 'never' }

t.test('the answers come in the order of the calls, whichever was faster', async t => {
  const slow = (run: Recorded): Answer => {
    const answer = toVectors(run)
    // Many small pieces take their time.
    return (run.body['text'] as number[])[0] === 0 ? { ...answer, body: [...answer.body as string] } : answer
  }
  const { answers, runs } = await ask(t, 6, slow)
  t.strictSame((await answers).flatMap(({ vectors }) => vectors.map(([number]) => number)), Array.from({ length: 12 }, (_, index) => index))
  t.match(await answers, Array.from({ length: 6 }, () => ({ attempts: 1, status: 200, headers: { 'cf-ai-neurons': '1' } })))
  t.equal(runs.length, 6)
  t.ok(runs.every(({ headers, target }) => headers.authorization === 'Bearer token-of-the-caller' && target.endsWith('/ai/run/@cf/a/b')))
})

t.test('no more than four calls run at a time', async t => {
  const { answers, runs, left } = await ask(t, 9, () => NEVER)
  await waited(() => runs.length === 4)
  left.abort(new Error('the client has left'))
  await t.rejects(answers, { message: 'the client has left' })
  await waited(() => runs.every(({ isAborted }) => isAborted))
  t.equal(runs.length, 4, 'the others are never begun')
})

t.test('the first that fails ends the others', async t => {
  const { answers, runs } = await ask(t, 9, (_, count) => count === 4 ? { status: 400, body: '{"success":false,"errors":[{"code":5006,"message":"AiError: Bad input"}]}' } : NEVER)
  await t.rejects(answers, { name: 'UpstreamError', code: 5006 })
  await waited(() => runs.every(({ isAborted }, index) => isAborted || index === 3))
  t.equal(runs.length, 4)
})

t.test('what may pass is tried again', async t => {
  const { answers } = await ask(t, 1, (run, count) => count === 1 ? { status: 502, body: '' } : toVectors(run), { maxRetries: 1 })
  t.match(await answers, [{ attempts: 2, vectors: [[0, 1], [1, 1]] }])
})

t.test('an answer that is none is a failure', async t => {
  const cases: Array<{ name: string, answer: (run: Recorded) => Answer, message: RegExp }> = [
    { name: 'too few vectors', answer: () => ({ body: '{"result":{"data":[[1,2]]}}' }), message: /1 embeddings for 2 texts/ },
    { name: 'vectors of another length than those of another call', answer: ({ body }) => ({ body: JSON.stringify({ data: (body['text'] as number[])[0] === 2 ? [[1, 2], [3, 4]] : [[1], [2]] }) }), message: /different lengths/ },
    { name: 'a stream', answer: () => ({ contentType: 'text/event-stream', body: 'data: [DONE]\n\n' }), message: /something other than JSON/ }
  ]
  for (const { name, answer, message } of cases) {
    const { answers, runs } = await ask(t, 2, answer)
    await t.rejects(answers, { name: 'UpstreamError', kind: 'malformed', message }, name)
    t.ok(runs.length <= 2, 'it was billed, and is not asked for again')
  }
})

t.test('a call that is too long is halved until it fits', async t => {
  const refusals = [
    { status: 400, body: '{"success":false,"errors":[{"code":3030,"message":"AiError: AiError: Max context reached 85920 tokens but model supports only 60000"}]}' },
    { status: 413, body: '{"success":false,"errors":[{"code":5021,"message":"AiError: Ai: exceeded this model context window limit (60000)"}]}' }
  ]
  for (const refusal of refusals) {
    const { url, runs } = await startRecordedUpstream(t, run => (run.body['text'] as number[]).length > 3 ? refusal : toVectors(run))
    const workersAi = new WorkersAi({ apiBaseUrl: url, accountId: 'account', apiToken: 'token', maxRetries: 2, headersTimeoutMs: 60_000, idleTimeoutMs: 60_000, userAgent: 'tests' })
    t.teardown(() => workersAi.close())
    const texts = Array.from({ length: 10 }, (_, index) => String(index))
    const answers = await embed(workersAi, { model: '@cf/a/b' as ModelId, batches: [texts, ['10']], toBody, toTokens: () => 0, signal: new AbortController().signal })
    t.strictSame(answers.map(answer => answer.texts.length), [3, 2, 3, 2, 1])
    t.strictSame(answers.flatMap(({ vectors }) => vectors.map(([number]) => number)), Array.from({ length: 11 }, (_, index) => index), 'in the order of the texts')
    t.equal(runs.length, 3 + 5, 'each refusal is asked for once')
  }
})

t.test('one text that is too long is not made shorter', async t => {
  const refusal = { status: 400, body: '{"success":false,"errors":[{"code":3030,"message":"AiError: AiError: Max context reached 85920 tokens but model supports only 60000"}]}' }
  const { answers, runs } = await ask(t, 1, () => refusal)
  await t.rejects(answers, { name: 'UpstreamError', code: 3030 })
  t.strictSame(runs.map(({ body }) => body['text']), [[0, 1], [0]])
  const { answers: others, runs: once } = await ask(t, 1, () => ({ ...refusal, body: refusal.body.replace(/Max.*60000/, 'Sequence too long: 9003 > 8192') }))
  await t.rejects(others, { name: 'UpstreamError', code: 3030 })
  t.equal(once.length, 1, 'nor is anything gained by fewer, where one of them is too long')
})

t.test('a failure tells how often Cloudflare was asked', async t => {
  const busy: Answer = { status: 502, body: '' }
  const given: Answer[] = [{ status: 502, body: '' }, { status: 400, body: '{}' }, { body: '{}' }, { contentType: 'text/event-stream', body: 'data: [DONE]\n\n' }]
  for (const last of given) {
    const { answers } = await ask(t, 1, (_, count) => count === 1 ? busy : last, { maxRetries: 1 })
    await t.rejects(answers, { name: 'UpstreamError', attempts: 2 }, JSON.stringify(last))
  }
})

t.test('nothing is asked for who has left already', async t => {
  const { url, runs } = await startRecordedUpstream(t, toVectors)
  const workersAi = new WorkersAi({ apiBaseUrl: url, accountId: 'account', apiToken: 'token', maxRetries: 0, headersTimeoutMs: 2_000, idleTimeoutMs: 2_000, userAgent: 'tests' })
  t.teardown(() => workersAi.close())
  await t.rejects(embed(workersAi, { model: '@cf/a/b' as ModelId, batches: [['0']], toBody, toTokens: () => 0, signal: AbortSignal.abort(new Error('left')) }), { message: 'left' })
  t.strictSame(runs, [])
})
