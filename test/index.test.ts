import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Writable } from 'node:stream'
import fastify from 'fastify'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { buildApp, readSettings } from '../src/index.ts'
import { assembled, readChatStream } from './streams/chat-stream.ts'
import { waited } from './servers/http-client.ts'
import { saying } from './servers/start-proxy.ts'

const simulated = { UPSTREAM: 'simulator', SIMULATOR_TOKENS_PER_SECOND: '0', LOG_LEVEL: 'silent' }

function post (url: string, words: string, signal?: AbortSignal): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(saying(words, { stream: true })),
    ...(signal && { signal })
  })
}

/** Chats as a client would, and checks what came. */
async function chat (t: Test, url: string): Promise<void> {
  const stream = readChatStream(await (await post(url, 'say It works')).text())
  t.strictSame([stream.complaints, stream.isDone], [[], true])
  t.equal(assembled(stream.chunks)[0]?.message.content, 'It works')
}

async function listen (t: Test, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

t.test('it listens by itself', async t => {
  const proxy = await buildApp(readSettings(simulated))
  t.teardown(() => proxy.close())
  await chat(t, await proxy.listen({ port: 0 }))
})

t.test('a server of Node\'s hands it requests', async t => {
  const proxy = await buildApp(readSettings(simulated))
  t.teardown(() => proxy.close())
  await proxy.ready()
  const url = await listen(t, (request, response) => request.url?.startsWith('/v1/') ? proxy.routing(request, response) : response.end('mine'))
  await chat(t, url)
  t.equal(await (await fetch(url)).text(), 'mine')
  const unknown = await fetch(`${url}/v1/nothing`)
  t.match([unknown.status, await unknown.json()], [404, { error: { type: 'invalid_request_error' } }], 'and errors are OpenAI\'s')
})

t.test('a Fastify hands it requests before it reads their bodies', async t => {
  const proxy = await buildApp(readSettings(simulated))
  await proxy.ready()
  const server = fastify()
  t.teardown(() => server.close())
  server.addHook('onClose', () => proxy.close())
  server.addHook('onRequest', (request, reply, done) => {
    if (!request.url.startsWith('/v1/')) return done()
    reply.hijack()
    proxy.routing(request.raw, reply.raw)
  })
  server.get('/', async () => 'mine')
  const url = await server.listen({ port: 0 })
  await chat(t, url)
  t.equal(await (await fetch(url)).text(), 'mine')
})

t.test('a client that leaves ends what was done for it', async t => {
  const proxy = await buildApp(readSettings(simulated))
  t.teardown(() => proxy.close())
  await proxy.ready()
  const url = await listen(t, (request, response) => proxy.routing(request, response))
  const controller = new AbortController()
  const response = await post(url, 'stall after 3 frames', controller.signal)
  t.equal(response.status, 200)
  t.equal(proxy.activeRequests.count, 1)
  controller.abort()
  await t.rejects(response.text())
  await waited(() => proxy.activeRequests.count === 0)
})

t.test('the log goes where it is told to', async t => {
  let log = ''
  const logger = pino(new Writable({
    write (line: Buffer, _encoding, done) {
      log += line.toString()
      done()
    }
  }))
  const proxy = await buildApp(readSettings(simulated), { logger })
  t.teardown(() => proxy.close())
  await chat(t, await proxy.listen({ port: 0 }))
  t.match(log, /"msg":/)
})

t.test('what cannot work is told by an error that says what', async t => {
  t.throws(() => readSettings({ PORT: 'x' }), { name: 'SettingsError', message: /PORT: got "x"[^]*CLOUDFLARE_ACCOUNT_ID: not set/ })
  await t.rejects(buildApp(readSettings({ ...simulated, STORE_PATH: `${t.testdir()}/far/away.db` })), { name: 'SettingsError', message: /STORE_PATH/ })
})

t.test('the environment of the process is read unless another one is given', async t => {
  process.env['MAX_CHOICES'] = '7'
  process.env['UPSTREAM'] = 'simulator'
  t.teardown(() => {
    delete process.env['MAX_CHOICES']
    delete process.env['UPSTREAM']
  })
  t.equal(readSettings().maxChoices, 7)
  t.equal(readSettings(simulated).maxChoices, 8)
})
