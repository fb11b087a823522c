import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { waited } from '../servers/http-client.ts'
import { ask, GPT_OSS, LLAMA, saying, startProxy } from '../servers/start-proxy.ts'

t.test('the upstream is closed within a second after the client has left', async t => {
  const proxy = await startProxy(t)
  const { simulator } = proxy
  const cases = [
    { name: 'before the answer, plain', body: saying('stall') },
    { name: 'before the answer, streamed', body: saying('stall', { stream: true }) },
    { name: 'before any of several answers', body: saying('stall', { stream: true, n: 3 }) },
    { name: 'while a plain answer is made', body: saying('slowly say 100 words') },
    { name: 'while a stream is silent', body: saying('stall after 4 frames, say 10 words', { stream: true }) },
    { name: 'inside a stream', body: saying('slowly say 100 words', { stream: true }) },
    { name: 'inside several streams', body: saying('slowly say 100 words', { stream: true, n: 2 }) },
    { name: 'while a stream that came back as JSON is made', body: saying('slowly say 100 words', { stream: true, model: GPT_OSS }) }
  ]
  for (const { name, body } of cases) {
    const controller = new AbortController()
    const before = simulator.requests.length
    const asked = ask(proxy, body, { signal: controller.signal }).then(response => response.text())
    await waited(() => simulator.requests.length > before)
    await sleep(100)
    const ended = t.rejects(asked, { name: 'AbortError' }, `${name}: the answer had not ended`)
    controller.abort()
    await ended
    const left = simulator.requests.slice(before)
    const ms = await waited(() => left.every(({ closedEarly }) => closedEarly) && simulator.openStreams === 0)
    t.ok(ms < 1_000, `${name}: ${ms} ms`)
  }
  await waited(() => proxy.lines().filter(({ msg }) => msg === 'client gone').length === cases.length)
  t.strictSame(proxy.lines().filter(({ level }) => Number(level) > 30), [], 'nobody is warned of it')
})

t.test('a client that leaves while it is sending leaves one line, and no call upstream', async t => {
  const proxy = await startProxy(t)
  const controller = new AbortController()
  const body = new ReadableStream({ start: queue => queue.enqueue(new TextEncoder().encode('{"model":"')) })
  const asked = fetch(`${proxy.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    duplex: 'half',
    signal: controller.signal
  } as RequestInit)
  await sleep(100)
  controller.abort()
  await t.rejects(asked)
  await waited(() => proxy.lines().some(({ status }) => status === 499))
  t.equal(proxy.lines().filter(({ route }) => route === '/v1/chat/completions').length, 1)
  t.strictSame(proxy.simulator.requests, [])
})

t.test('a client that reads to the end has not left', async t => {
  const proxy = await startProxy(t)
  await (await ask(proxy, saying('say hi', { stream: true }))).text()
  await (await ask(proxy, { ...saying('say hi'), model: LLAMA })).text()
  t.strictSame(proxy.simulator.requests.map(({ closedEarly }) => closedEarly), [false, false])
  t.notMatch(proxy.log(), 'client gone')
})
