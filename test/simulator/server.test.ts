import t from 'tap'
import { ask, LLAMA, saying, start } from './asking.ts'

const hi = JSON.stringify(saying('say Hi'))
const bearer = { authorization: 'Bearer simulator' }

t.test('who may ask, and where', async t => {
  const simulator = await start(t)
  const run = `/accounts/simulator/ai/run/${LLAMA}`
  const cases = [
    { name: 'a wrong token', path: run, headers: { authorization: 'Bearer wrong' }, status: 401, error: { code: 10000, message: 'Authentication error' } },
    { name: 'no token', path: run, headers: {}, status: 401, error: { code: 10000, message: 'Authentication error' } },
    { name: 'another scheme', path: run, headers: { authorization: 'Basic x' }, status: 400, error: { code: 6003, message: 'Invalid request headers' } },
    { name: 'a wrong account', path: '/accounts/wrong/ai/run/@cf/a/b?c=d', headers: bearer, status: 404, error: { code: 7003, message: 'Could not route to /client/v4/accounts/wrong/ai/run/@cf/a/b, perhaps your object identifier is invalid?' } },
    { name: 'another path', path: '/accounts/simulator/ai/walk', headers: bearer, status: 400, error: { code: 7000, message: 'No route for that URI' } }
  ]
  for (const { name, path, headers, status, error } of cases) {
    const response = await fetch(simulator.url + path, { method: 'POST', headers, body: hi })
    t.equal(response.status, status, `${name} comes with ${status}`)
    t.strictSame(await response.json(), { success: false, errors: [error], messages: [], result: null }, `${name} is told`)
    t.equal(response.headers.get('cf-ai-req-id'), null, 'and never reached the model layer')
    t.match(response.headers.get('cf-ray'), /^\d{16}-SIM$/)
  }
  t.strictSame(simulator.requests, [], 'none of them is a run')
})

t.test('a run is posted', async t => {
  const simulator = await start(t)
  const response = await fetch(`${simulator.url}/accounts/simulator/ai/run/${LLAMA}`, { headers: bearer })
  t.equal(response.status, 405)
  t.strictSame(await response.json(), { success: false, errors: [{ code: 7001, message: 'Method GET not available for that URI.' }], messages: [], result: null })
})

t.test('an account of one\'s own', async t => {
  const simulator = await start(t, { accountId: 'abc', apiToken: 'secret' })
  t.match(simulator, { accountId: 'abc', apiToken: 'secret', url: `http://127.0.0.1:${simulator.port}/client/v4`, gatewayUrl: `http://127.0.0.1:${simulator.port}/v1` })
  t.equal((await ask(simulator, LLAMA, saying('Hi'))).status, 200)
})

t.test('a gateway leads to the same models', async t => {
  const simulator = await start(t)
  for (const path of [LLAMA, `run/${LLAMA}`]) {
    const response = await fetch(`${simulator.gatewayUrl}/simulator/my-gateway/workers-ai/${path}`, { method: 'POST', headers: bearer, body: hi })
    t.match(await response.json(), { result: { response: 'Hi' }, success: true })
    t.equal(response.headers.get('cf-aig-cache-status'), 'MISS')
  }
  t.strictSame(simulator.requests.map(({ model }) => model), [LLAMA, LLAMA])
  const stranger = await fetch(`${simulator.gatewayUrl}/simulator/my-gateway/workers-ai/${LLAMA}`, { method: 'POST', body: hi })
  t.equal(stranger.status, 401)
})

t.test('the content type does not matter', async t => {
  const simulator = await start(t)
  for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded']) {
    const response = await fetch(`${simulator.url}/accounts/simulator/ai/run/${LLAMA}`, { method: 'POST', headers: { ...bearer, 'content-type': type }, body: hi })
    t.equal(response.status, 200, type)
  }
})

t.test('embeddings', async t => {
  const simulator = await start(t)
  const { result, success } = await (await ask(simulator, '@cf/baai/bge-base-en-v1.5', { text: ['a', 'b'] })).json()
  t.strictSame([result.shape, result.data.length, result.data[0].length, success], [[2, 768], 2, 768, true])
})

t.test('models are listed', async t => {
  const simulator = await start(t)
  async function get (path: string): Promise<Response> {
    return fetch(`${simulator.url}/accounts/simulator/ai/models/${path}`, { headers: bearer })
  }
  t.match(await (await get('search?task=Text%20Embeddings&per_page=3&page=2')).json(), { success: true, result_info: { page: 2, per_page: 3, count: 3, total_count: 7, total_pages: 3 } })
  t.match(await (await get('schema?model=@cf/baai/bge-m3')).json(), { success: true, result: { input: { required: ['text'] } } })
  t.equal((await get('schema?model=@cf/no/model')).status, 400)
  t.match(await (await fetch(`${simulator.url}/accounts/simulator/ai/models/search`)).json(), { errors: [{ code: 10000 }] }, 'but not to strangers')
})

t.test('some tokens may run models and not list them', async t => {
  const simulator = await start(t, { mayList: false })
  for (const path of ['search', `schema?model=${LLAMA}`]) {
    const response = await fetch(`${simulator.url}/accounts/simulator/ai/models/${path}`, { headers: bearer })
    t.equal(response.status, 401, path)
    t.match(await response.json(), { success: false, errors: [{ code: 10000 }] }, path)
  }
  t.equal((await ask(simulator, LLAMA, saying('Hi'))).status, 200)
})

t.test('a slow network delays whatever is asked', async t => {
  const simulator = await start(t, { delayMs: 200 })
  const before = Date.now()
  await fetch(`${simulator.url}/accounts/wrong/ai/models/search`)
  t.ok(Date.now() - before >= 190)
})

t.test('closing ends what is open', async t => {
  const simulator = await start(t)
  const stream = await ask(simulator, LLAMA, saying('stall after 1 frame', { stream: true }))
  const stalled = ask(simulator, LLAMA, saying('stall'))
  const ends = [t.rejects(stream.text()), t.rejects(stalled)]
  while (simulator.requests.length < 2) await new Promise(setImmediate)
  await simulator.close()
  await Promise.all(ends)
  t.equal(simulator.openStreams, 0)
})
