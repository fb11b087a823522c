import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { startRawUpstream } from '../../servers/raw-upstream.ts'
import { BodyMemory } from '../../../src/http/body/body-memory.ts'
import { waited } from '../../servers/http-client.ts'
import { ask, KIMI, LLAMA, post, saying, startProxy, type Proxy } from '../../servers/start-proxy.ts'

t.test('what is held is counted three times, and given back once', async t => {
  const memory = new BodyMemory(300)
  const one = memory.hold('a')
  const other = memory.hold('a')
  one.grow(40)
  one.grow(40)
  t.equal(memory.used, 240)
  t.throws(() => other.expect(21), { status: 503, code: 'overloaded', headers: { 'retry-after': '1' } })
  t.throws(() => other.grow(21), { status: 503, code: 'overloaded' })
  other.grow(20)
  t.equal(memory.used, 300)
  one.release()
  one.release()
  one.grow(10)
  t.equal(memory.used, 60)
  other.release()
  t.equal(memory.used, 0)
})

t.test('what is borrowed is counted as it is, and given back once', async t => {
  const memory = new BodyMemory(300)
  const one = memory.hold('a')
  const other = memory.hold('b')
  one.grow(10)
  const giveBack = one.borrow(200)
  t.equal(memory.used, 230)
  t.throws(() => other.borrow(71), { status: 503, code: 'overloaded' })
  giveBack()
  giveBack()
  t.equal(memory.used, 30)
  const giveBackLate = one.borrow(50)
  one.release()
  giveBackLate()
  t.equal(memory.used, 0)
})

t.test('who is alone may have more than there is, but no more objects than could ever be there', async t => {
  const memory = new BodyMemory(300)
  const alone = memory.hold('a')
  alone.expect(1_000)
  alone.grow(1_000)
  alone.grow(1_000)
  t.throws(() => memory.hold('b').grow(1), { status: 503, code: 'overloaded' })
  alone.release()
  t.doesNotThrow(() => memory.hold('b').growByValues(18))
  t.throws(() => memory.hold('b').growByValues(19), { status: 413, code: null, headers: {} })
})

/** Nothing but one body at a time: whoever comes while another one is held is refused. */
const NONE = { MAX_BODY_MEMORY_BYTES: '1024' }
const LONG = { user: 'x'.repeat(1_000) }

t.test('a body is let go on every way out', async t => {
  const proxy = await startProxy(t, { ...NONE, BODY_LIMIT_BYTES: '100000' })
  const send = (body: string | Uint8Array, headers: Record<string, string> = {}) => fetch(`${proxy.url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: body as string })
  const cases: Array<{ name: string, leave: () => Promise<unknown>, isSlow?: boolean }> = [
    { name: 'an answer', leave: async () => (await ask(proxy, saying('say hi'))).text() },
    { name: 'a stream', leave: async () => (await ask(proxy, saying('say hi', { stream: true }))).text() },
    { name: 'a response', leave: async () => (await post(proxy, '/v1/responses', { model: LLAMA, input: 'say hi', stream: true })).text() },
    { name: 'a dry run', leave: async () => (await ask(proxy, saying('say hi'), { headers: { 'x-dry-run': 'true' } })).text() },
    { name: 'a failure of Cloudflare', leave: async () => (await ask(proxy, saying('fail with code 5007'))).text() },
    { name: 'no JSON', leave: async () => (await send('{"model":')).text() },
    { name: 'a wrong field', leave: async () => (await send('{"model":1}')).text() },
    { name: 'a model nobody knows', leave: async () => (await ask(proxy, { model: 'nobody', messages: [] })).text() },
    { name: 'too much', leave: async () => (await send(gzipSync(Buffer.alloc(200_000)), { 'content-encoding': 'gzip' })).text() },
    { name: 'too much, as it says', leave: async () => (await send(' '.repeat(200_000))).text() },
    { name: 'half of a gzip', leave: async () => (await send(gzipSync(JSON.stringify(saying('say hi'))).subarray(0, 50), { 'content-encoding': 'gzip' })).text() },
    { name: 'a route nobody knows', leave: async () => (await post(proxy, '/v1/nothing', saying('say hi'))).text() },
    { name: 'a client that leaves inside its body', leave: () => leaveInside(proxy), isSlow: true },
    { name: 'a client that leaves before its answer', leave: () => leaveEarly(proxy, saying('stall')), isSlow: true },
    { name: 'a client that leaves inside its answer', leave: () => leaveEarly(proxy, saying('stall after 2 frames, say 9 words', { stream: true })), isSlow: true }
  ]
  for (const { name, leave, isSlow } of cases) {
    await leave()
    if (isSlow) await waited(() => proxy.lines().at(-1)?.['msg'] === 'client gone')
    t.equal((await ask(proxy, saying('say hi', LONG))).status, 200, name)
  }
})

t.test('a stream holds no body once it has begun, and an answer that is waited for does', async t => {
  const proxy = await startProxy(t, NONE)
  const controller = new AbortController()
  const { signal } = controller
  t.teardown(() => controller.abort())
  await ask(proxy, saying('stall after 2 frames, say 9 words', { stream: true }), { signal })
  await post(proxy, '/v1/completions', { model: KIMI, prompt: 'stall after 2 frames, say 9 words', stream: true }, { signal })
  t.equal((await ask(proxy, saying('say hi', LONG))).status, 200)
  const before = proxy.simulator.requests.length
  ask(proxy, saying('stall'), { signal }).catch(() => {})
  await waited(() => proxy.simulator.requests.length > before)
  for (const path of ['/v1/chat/completions', '/v1/completions', '/v1/responses', '/v1/embeddings']) {
    const refused = await post(proxy, path, { model: LLAMA, ...LONG })
    t.equal(refused.status, 503, path)
    t.equal(refused.headers.get('retry-after'), '1')
    t.match(await refused.json(), { error: { code: 'overloaded' } })
  }
  t.equal((await fetch(`${proxy.url}/v1/models`)).status, 200, 'what has no body is served')
})

for (const [name, env] of Object.entries({ key: { API_KEYS: 'first-key-1,other-key-2' }, 'token of Cloudflare': { AUTH_MODE: 'passthrough' } })) {
  t.test(`of two callers, each with a ${name}, the one that holds most is refused first`, async t => {
    const evil = await startRawUpstream(t, () => [])
    const proxy = await startProxy(t, { ...env, CLOUDFLARE_API_BASE_URL: evil.url, MAX_BODY_MEMORY_BYTES: '1000000' })
    const controller = new AbortController()
    t.teardown(() => controller.abort())
    const hold = async (key: string, length: number): Promise<number> => {
      const before = evil.asked.length
      const answer = ask(proxy, saying('x', { user: 'x'.repeat(length) }), { headers: { authorization: `Bearer ${key}` }, signal: controller.signal }).then(({ status }) => status, () => 0)
      return await Promise.race([answer, waited(() => evil.asked.length > before).then(() => 200)])
    }
    for (let index = 0; index < 4; index++) t.equal(await hold('first-key-1', 70_000), 200)
    t.equal(await hold('other-key-2', 10_000), 200)
    t.equal(await hold('first-key-1', 1_000), 503, 'although there is room for it')
    t.equal(await hold('other-key-2', 10_000), 200)
  })
}

/** Sends half of a body, and hangs up. */
async function leaveInside ({ port }: Proxy): Promise<void> {
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  socket.write('POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{"model":')
  await new Promise(resolve => setTimeout(resolve, 100))
  socket.destroy()
}

async function leaveEarly (proxy: Proxy, body: object): Promise<void> {
  const controller = new AbortController()
  const before = proxy.simulator.requests.length
  const answer = ask(proxy, body, { signal: controller.signal }).then(response => response.text()).catch(() => {})
  await waited(() => proxy.simulator.requests.length > before)
  controller.abort()
  await answer
}
