import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { CATALOGUE } from '../../src/workers-ai/models/catalogue.ts'
import { ask, GPT_OSS, LLAMA, readHeaders, saying, start } from './asking.ts'

t.test('answers name the request and its price', async t => {
  const simulator = await start(t)
  const plain = await ask(simulator, LLAMA, saying('say Hi'))
  t.match(readHeaders(plain), {
    'content-type': 'application/json; charset=utf-8',
    'cf-ai-req-id': '00000000-0000-4000-8000-000000000001',
    'cf-ai-neurons': '0.258091',
    'cf-ray': '0000000000000001-SIM'
  })
  const stream = await ask(simulator, LLAMA, saying('say Hi', { stream: true }))
  t.match(readHeaders(stream), { 'content-type': 'text/event-stream', 'cf-ai-req-id': '00000000-0000-4000-8000-000000000002', 'cf-ray': '0000000000000002-SIM' })
})

t.test('the header has the last word', async t => {
  const simulator = await start(t)
  const answer = await fetch(`${simulator.url}/accounts/${simulator.accountId}/ai/run/${LLAMA}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${simulator.apiToken}`, 'x-simulator': Buffer.from('say Grüße').toString('latin1') },
    body: JSON.stringify(saying('say Hi'))
  })
  t.match(await answer.json(), { result: { response: 'Grüße' } })
})

t.test('refusals', async t => {
  const simulator = await start(t)
  const hi = saying('Hi')
  const id = '00000000-0000-4000-8000-000000000001'
  const cases = [
    { name: 'an unknown model', model: '@cf/no/model', given: hi, status: 400, errors: [{ message: 'No such model @cf/no/model or task', code: 5007 }] },
    { name: 'what is no model', model: 'gpt-4o', given: hi, status: 400, errors: [{ message: 'No route for that URI', code: 7000 }] },
    { name: 'what the schema refuses', model: LLAMA, given: { messages: [{ role: 'user', content: null }] }, status: 400, errors: [{ message: `AiError: Bad input: Error: oneOf at '/' not met, 0 matches: required properties at '/' are 'prompt', Type mismatch of '/messages/0/content', 'null' not in 'string' (${id})`, code: 5006 }] },
    { name: 'a failure that is ordered', model: LLAMA, given: saying('fail with code 4006'), status: 429, errors: [{ message: `AiError: you have used up your daily free allocation of 10,000 neurons, please upgrade to Cloudflare's Workers Paid plan if you would like to continue usage. (${id})`, code: 4006 }] },
    { name: 'a failure under 200', model: LLAMA, given: saying('fail with code 3040 as 200'), status: 200, errors: [{ message: `AiError: Capacity temporarily exceeded, please try again. (${id})`, code: 3040 }] }
  ]
  for (const { name, model, given, status, errors } of cases) {
    const response = await ask(simulator, model, given)
    const requestId = `00000000-0000-4000-8000-${String(simulator.requests.length).padStart(12, '0')}`
    t.equal(response.status, status, `${name} comes with ${status}`)
    t.strictSame({ ...await response.json(), result: null }, {
      result: null,
      success: false,
      errors: errors.map(error => ({ ...error, message: error.message.replace(id, requestId) })),
      messages: []
    }, `${name} is told`)
  }
})

t.test('every model answers, those that Cloudflare has retired as if their day had not come', async t => {
  const simulator = await start(t)
  for (const { id, task, family } of CATALOGUE.values()) {
    if (task !== 'text-generation') continue
    const forms = [saying('say Hi'), ...(family.name === 'guard' ? [] : [{ prompt: 'say Hi' }])]
    for (const body of forms) {
      const response = await ask(simulator, id, body)
      const text = await response.text()
      t.equal(response.status, 200, `${id} ${Object.keys(body).join()}: ${text}`)
    }
  }
})

t.test('each model refuses what lies outside its own ranges, a retired one, too', async t => {
  const simulator = await start(t)
  const [old, new2025] = [{ top_p: 2 }, { frequency_penalty: -2 }]
  const cases = [
    { model: '@cf/meta/llama-3.1-8b-instruct', taken: old, refused: new2025 },
    { model: '@cf/meta/llama-3.1-70b-instruct', taken: old, refused: new2025 },
    { model: '@cf/meta/llama-3.1-8b-instruct-awq', taken: new2025, refused: old },
    { model: '@cf/meta/llama-3-8b-instruct', taken: new2025, refused: old }
  ]
  for (const { model, taken, refused } of cases) {
    for (const form of [saying('say Hi'), { prompt: 'say Hi' }]) {
      t.equal((await ask(simulator, model, { ...form, ...taken })).status, 200, model)
      t.equal((await ask(simulator, model, { ...form, ...refused })).status, 400, model)
    }
  }
})

t.test('retirement is rehearsed in words, and by an option', async t => {
  const sentence = 'This model was deprecated on 2026-05-30. Please use an alternative model.'
  const refusal = { status: 400, body: { success: false, errors: [{ message: sentence, code: 5028 }] } }
  const told = async (response: Response) => ({ status: response.status, body: await response.json() })
  t.match(await told(await ask(await start(t), LLAMA, saying('fail with code 5028'))), refusal)
  const strict = await start(t, { retiredModels: 'refuse' })
  t.match(await told(await ask(strict, '@cf/moonshotai/kimi-k2.5', saying('Hi'))), refusal)
  t.equal((await ask(strict, LLAMA, saying('Hi'))).status, 200, 'what is served today is served')
  t.equal((await ask(await start(t, { retiredModels: 'refuse', now: () => Date.UTC(2026, 4, 29) }), '@cf/moonshotai/kimi-k2.5', saying('Hi'))).status, 200, 'until its last day')
})

t.test('a body that is no JSON', async t => {
  const simulator = await start(t)
  async function post (body: string): Promise<unknown> {
    const response = await fetch(`${simulator.url}/accounts/simulator/ai/run/${LLAMA}`, { method: 'POST', headers: { authorization: 'Bearer simulator' }, body })
    return (await response.json()).errors[0]
  }
  t.match(await post(''), { code: 3003, message: /Request is missing headers or body/ })
  t.match(await post('{'), { code: 5006, message: /Type mismatch of '\/', 'string' not in 'object'/ })
  t.match(await post('null'), { code: 5006, message: /Type mismatch of '\/', 'null' not in 'object'/ })
})

t.test('the edge knows nothing of the model layer', async t => {
  const simulator = await start(t)
  const response = await ask(simulator, LLAMA, saying('fail with 503', { stream: true }))
  t.equal(response.status, 503)
  t.equal(response.headers.get('content-type'), 'text/html')
  t.equal(response.headers.get('cf-ai-req-id'), null)
  t.match(await response.text(), /^<html>\r\n<head><title>503 Service Unavailable/)
  t.equal((await ask(simulator, LLAMA, saying('fail with 429'))).headers.get('retry-after'), '1', 'and asks for retryTime when there are too many')
})

t.test('failures that pass come again after the answer', async t => {
  const simulator = await start(t)
  const statuses = []
  for (let turn = 0; turn < 6; turn++) statuses.push((await ask(simulator, LLAMA, saying('fail 2 times with code 3040 then say ok'))).status)
  t.strictSame(statuses, [429, 429, 200, 429, 429, 200])
})

t.test('JSON to a stream', async t => {
  const simulator = await start(t)
  const full = await ask(simulator, LLAMA, saying('answer json to stream, say Hi', { stream: true }))
  t.match(await full.json(), { result: { response: 'Hi' }, success: true })
  const empty = await ask(simulator, GPT_OSS, saying('say Hi', { stream: true }))
  t.match(empty.headers.get('content-type'), /^application\/json/)
  t.strictSame(await empty.json(), { result: {}, success: true, errors: [], messages: [] })
})

t.test('silence lasts until the client leaves', async t => {
  const simulator = await start(t)
  const leaving = new AbortController()
  const asking = ask(simulator, LLAMA, saying('stall'), leaving.signal)
  t.equal(await Promise.race([asking, sleep(50, 'silent')]), 'silent')
  leaving.abort()
  await t.rejects(asking, { name: 'AbortError' })
  while (!simulator.requests[0]?.closedEarly) await sleep(5)
  t.equal(simulator.requests.length, 1)
})

t.test('a client that does not wait for an answer is noticed', async t => {
  const simulator = await start(t)
  const leaving = AbortSignal.timeout(30)
  await t.rejects(ask(simulator, LLAMA, saying('slowly, repeat 10 tokens'), leaving), { name: 'TimeoutError' })
  while (!simulator.requests[0]?.closedEarly) await sleep(5)
  t.equal((await ask(simulator, LLAMA, saying('say Hi'))).status, 200, 'and nobody else suffers')
})

t.test('a plain answer takes as long as its tokens', async t => {
  const simulator = await start(t, { tokensPerSecond: 100 })
  const before = performance.now()
  await ask(simulator, LLAMA, saying('repeat 10 tokens'))
  const pace = performance.now() - before
  t.ok(pace >= 99, 'at the pace of the simulator')
  await ask(simulator, LLAMA, saying('slowly, repeat 3 tokens'))
  t.ok(performance.now() - before - pace >= 149, 'or at 20 a second')
})

t.test('a queue takes a second', async t => {
  const simulator = await start(t)
  const before = performance.now()
  t.equal((await ask(simulator, LLAMA, saying('be busy', { options: { rejectIfBusy: true } }))).status, 429)
  t.ok(performance.now() - before < 900, 'for those who stand in it')
  t.equal((await ask(simulator, LLAMA, saying('be busy, say Hi'))).status, 200)
  t.ok(performance.now() - before >= 999)
})

t.test('requests are remembered, up to a hundred', async t => {
  const simulator = await start(t)
  await ask(simulator, `${LLAMA}?tags=a`, saying('say Hi'))
  t.match(simulator.requests, [{
    model: LLAMA,
    body: saying('say Hi'),
    headers: { authorization: 'Bearer simulator' },
    path: `/client/v4/accounts/simulator/ai/run/${LLAMA}?tags=a`,
    closedEarly: false
  }])
  for (let turn = 0; turn < 100; turn++) await ask(simulator, '@cf/no/model', { turn })
  t.equal(simulator.requests.length, 100)
  t.strictSame([simulator.requests[0]?.body, simulator.requests.at(-1)?.body], [{ turn: 0 }, { turn: 99 }], 'the oldest is forgotten first')
})
