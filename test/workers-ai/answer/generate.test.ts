import t, { type Test } from 'tap'
import type { Batch } from '../../../src/generation/event.ts'
import { WorkersAi } from '../../../src/workers-ai/transport/client.ts'
import { generate, type GenerateRequest, type Generation } from '../../../src/workers-ai/answer/generate.ts'
import type { ModelId } from '../../../src/workers-ai/models/model.ts'
import { all } from '../../sources.ts'
import { startRecordedUpstream, type Answer, type Recorded } from '../../servers/recorded-upstream.ts'

const STREAM = 'text/event-stream'
const DONE = 'data: [DONE]\n\n'
const EMPTY_STREAM: Answer = { contentType: STREAM, body: `data: {"response":"","usage":{"prompt_tokens":9,"completion_tokens":7}}\n\n${DONE}` }
const PLAIN: Answer = { body: '{"result":{"response":"Hi","usage":{"prompt_tokens":9,"completion_tokens":2}},"success":true,"errors":[],"messages":[]}' }
const PLAIN_EVENTS: Batch = [{ type: 'text', text: 'Hi' }, { type: 'usage', usage: { promptTokens: 9, completionTokens: 2 } }, { type: 'finish', reason: null }]

interface Asked {
  generation: Generation
  runs: Recorded[]
  left: AbortController
}

/** Asks an upstream that gives these answers, for a stream unless told otherwise. */
async function ask (t: Test, answers: Answer[], { stream = true, idleTimeoutMs = 2_000 } = {}): Promise<Asked> {
  const { url, runs } = await startRecordedUpstream(t, (_, count) => answers[count - 1] ?? { status: 500, body: '{}' })
  const workersAi = new WorkersAi({ apiBaseUrl: url, accountId: 'account', apiToken: 'token', maxRetries: 0, headersTimeoutMs: 2_000, idleTimeoutMs, userAgent: 'tests' })
  t.teardown(() => workersAi.close())
  const left = new AbortController()
  const request: GenerateRequest = {
    model: '@cf/a/b' as ModelId,
    body: stream ? '{"stream":true}' : '{}',
    isStreamed: stream,
    promptTokens: 5,
    signal: left.signal,
    sessionAffinity: 'chat-1',
    newCallId: () => 'call_1',
    stages: []
  }
  return { generation: await generate(workersAi, request), runs, left }
}

async function eventsOf ({ batches }: Generation): Promise<Batch> {
  return (await all(batches)).flat()
}

t.test('a stream is read as it comes, one batch for each read', async t => {
  const { generation, runs } = await ask(t, [{
    contentType: STREAM,
    headers: { 'cf-ai-req-id': 'req-1' },
    body: ['data: {"response":"H"}\n\ndata: {"resp', 'onse":"i"}\n\n', DONE]
  }])
  t.match(generation, { headers: { 'cf-ai-req-id': 'req-1' } })
  const batches = await all(generation.batches)
  t.strictSame(batches.flat(), [{ type: 'text', text: 'H' }, { type: 'text', text: 'i' }, { type: 'finish', reason: null }])
  t.ok(batches.length >= 2 && batches.every(batch => batch.length > 0), `${batches.length} batches, none of them empty`)
  t.match(runs, [{ target: '/client/v4/accounts/account/ai/run/@cf/a/b', body: { stream: true }, headers: { 'x-session-affinity': 'chat-1' } }])
})

t.test('a stream that has ended gives its connection back, also when its last bytes come late', async t => {
  const { generation, runs } = await ask(t, [{ contentType: STREAM, body: ['data: {"response":"H"}\n\n', DONE, ''] }])
  t.equal((await eventsOf(generation)).at(-1)?.type, 'finish')
  await new Promise(resolve => setTimeout(resolve, 100))
  t.notOk(runs[0]?.isAborted, 'it is not cut off')
})

t.test('a plain answer is one batch', async t => {
  const { generation } = await ask(t, [PLAIN], { stream: false })
  t.strictSame(await eventsOf(generation), PLAIN_EVENTS)
})

t.test('JSON where a stream was asked for is read, not asked for again', async t => {
  const { generation, runs } = await ask(t, [PLAIN])
  t.strictSame(await eventsOf(generation), PLAIN_EVENTS)
  t.equal(runs.length, 1)
})

t.test('what holds nothing is asked for no second time here', async t => {
  const cases: Array<{ name: string, given: Answer, expected: unknown[] }> = [
    { name: 'a stream that bills tokens', given: EMPTY_STREAM, expected: [{ type: 'usage', usage: { promptTokens: 9, completionTokens: 7 } }, { type: 'finish', reason: null }] },
    { name: 'a stream of nothing', given: { contentType: STREAM, body: DONE }, expected: [{ type: 'failure', error: { kind: 'empty' } }] },
    { name: 'JSON with an empty result', given: { body: '{"result":{},"success":true,"errors":[],"messages":[]}' }, expected: [{ type: 'failure', error: { kind: 'empty' } }] },
    { name: 'JSON with an empty response', given: { body: '{"result":{"response":""},"success":true,"errors":[],"messages":[]}' }, expected: [{ type: 'failure', error: { kind: 'empty' } }] }
  ]
  for (const { name, given, expected } of cases) {
    const { generation, runs } = await ask(t, [given, PLAIN])
    t.match(await eventsOf(generation), expected, name)
    t.equal(runs.length, 1, `${name} (runs)`)
  }
})

t.test('a stream that breaks ends with a failure, and nothing after it', async t => {
  const cases: Array<{ name: string, given: Answer, expected: unknown[] }> = [
    { name: 'it stops', given: { contentType: STREAM, body: 'data: {"response":"H"}\n\n' }, expected: [{ text: 'H' }, { type: 'failure', error: { kind: 'truncated' } }] },
    { name: 'it is reset', given: { contentType: STREAM, body: 'data: {"response":"H"}\n\n', end: 'reset' }, expected: [{ text: 'H' }, { type: 'failure', error: { kind: 'truncated' } }] },
    { name: 'it goes silent', given: { contentType: STREAM, body: 'data: {"response":"H"}\n\n', end: 'never' }, expected: [{ text: 'H' }, { type: 'failure', error: { kind: 'timeout' } }] },
    { name: 'it holds a frame that is none', given: { contentType: STREAM, body: `data: {"response":"H"}\n\ndata: {"resp\n\n${DONE}` }, expected: [{ text: 'H' }, { type: 'failure', error: { kind: 'malformed' } }] },
    { name: 'it holds a failure', given: { contentType: STREAM, body: `data: {"response":"H"}\n\ndata: {"success":false,"errors":[{"code":3040,"message":"busy"}]}\n\n${DONE}` }, expected: [{ text: 'H' }, { type: 'failure', error: { kind: 'refused', code: 3040 } }] },
    { name: 'an event is too large', given: { contentType: STREAM, body: ['data: {"response":"H"}\n\ndata: ', 'x'.repeat(9 * 1024 * 1024)] }, expected: [{ text: 'H' }, { type: 'failure', error: { kind: 'malformed' } }] }
  ]
  for (const { name, given, expected } of cases) {
    const { generation, runs } = await ask(t, [given], { idleTimeoutMs: 200 })
    const events = await eventsOf(generation)
    t.match(events, expected, name)
    t.equal(events.length, 2, `${name} (events)`)
    t.equal(runs.length, 1, `${name} (runs)`)
  }
})

t.test('a refusal before the first byte is thrown', async t => {
  await t.rejects(ask(t, [{ status: 400, body: '{"success":false,"errors":[{"code":5006,"message":"AiError: bad"}]}' }]), { name: 'UpstreamError', kind: 'refused', status: 400, code: 5006, message: 'bad' })
  await t.rejects(ask(t, [{ body: '{"result":null,"success":false,"errors":[{"code":3040,"message":"busy"}]}' }]), { kind: 'refused', status: 200, code: 3040 })
})

t.test('whoever leaves takes the upstream with them', async t => {
  const H = [{ type: 'text', text: 'H' }]
  const endless: Answer = { contentType: STREAM, body: 'data: {"response":"H"}\n\n', end: 'never' }

  t.test('by having had enough', async t => {
    for (const enough of ['cancel' as const, Promise.resolve('cancel' as const)]) {
      const { generation, runs } = await ask(t, [endless])
      await generation.batches(batch => {
        t.strictSame(batch, H)
        return enough
      })
      while (!runs[0]?.isAborted) await new Promise(resolve => setTimeout(resolve, 5))
      t.ok(runs[0].isAborted)
    }
  })

  t.test('by breaking', async t => {
    const { generation, runs } = await ask(t, [endless])
    await t.rejects(generation.batches(() => { throw new TypeError('a bug') }), { message: 'a bug' })
    while (!runs[0]?.isAborted) await new Promise(resolve => setTimeout(resolve, 5))
    t.ok(runs[0].isAborted)
  })

  t.test('by the signal, whose reason is thrown', async t => {
    const { generation, runs, left } = await ask(t, [endless])
    await t.rejects(generation.batches(batch => {
      t.strictSame(batch, H)
      left.abort(new Error('the client left'))
      return undefined
    }), { message: 'the client left' })
    while (!runs[0]?.isAborted) await new Promise(resolve => setTimeout(resolve, 5))
    t.ok(runs[0].isAborted)
  })
})
