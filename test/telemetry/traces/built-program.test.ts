// Beside a program: the built one, started many times.
import { spawnSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { startBuiltServer, type BuiltServer } from '../../servers/built-server.ts'
import { ask as askWorker, chat, serve } from '../../servers/cluster-server.ts'
import { freePort, waited } from '../../servers/http-client.ts'
import { startOtlpReceiver } from '../../servers/otlp-receiver.ts'
import { ask, LLAMA, post, saying } from '../../servers/start-proxy.ts'

t.setTimeout(240_000)

const PATIENCE_MS = 60_000
const DIST = fileURLToPath(new URL('../../../dist/', import.meta.url))

/** Notes the name of every module that is loaded. Node below 22.15 has `register` alone, which Node 26 warns of. */
const NOTING = `data:text/javascript,${encodeURIComponent(`
import { appendFileSync } from 'node:fs'
import * as module from 'node:module'
if (module.registerHooks) {
  module.registerHooks({ load (url, context, next) { appendFileSync(process.env.LOADED, url + '\\n'); return next(url, context) } })
} else {
  module.register('data:text/javascript,' + encodeURIComponent("import { appendFileSync } from 'node:fs'; export async function load (url, context, next) { appendFileSync(process.env.LOADED, url + '\\\\n'); return next(url, context) }"))
}
`)}`

async function stop (server: BuiltServer): Promise<number> {
  const startedAt = performance.now()
  server.child.kill('SIGTERM')
  await server.ended
  return performance.now() - startedAt
}

/** Every API, plain and streamed, each of which has to be served. */
async function askAll (t: Test, server: BuiltServer): Promise<void> {
  for (const stream of [false, true]) {
    const chatted = await ask(server, saying('say one two', { stream }))
    t.equal(chatted.status, 200)
    t.match(await chatted.text(), 'two')
    const messaged = await post(server, '/v1/messages', { model: LLAMA, max_tokens: 20, stream, messages: [{ role: 'user', content: 'say one two' }] })
    t.equal(messaged.status, 200)
    t.match(await messaged.text(), 'two')
    t.match(await (await post(server, '/v1/responses', { model: LLAMA, input: 'say one two', stream })).text(), 'two')
  }
}

t.test('without an endpoint nothing of OpenTelemetry is loaded, with one only its own parts', async t => {
  const isOurs = /gen_ai\.provider\.name|BatchSpanProcessor/
  const parts = readdirSync(join(DIST, 'chunks')).filter(file => file.endsWith('.js') && isOurs.test(readFileSync(join(DIST, 'chunks', file), 'utf8')))
  t.ok(parts.length > 0, parts.join(', '))
  const ofAccounts = readdirSync(join(DIST, 'chunks')).filter(file => readFileSync(join(DIST, 'chunks', file), 'utf8').includes('No Cloudflare account of this proxy'))
  t.equal(ofAccounts.length, 1)
  for (const isWanted of [false, true]) {
    const loaded = join(t.testdir(), `loaded-${isWanted}`)
    const server = await startBuiltServer(t, {
      LOADED: loaded,
      NODE_OPTIONS: `--import=${NOTING}`,
      ...(isWanted && { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await freePort()}` })
    })
    await askAll(t, server)
    await stop(server)
    const names = readFileSync(loaded, 'utf8')
    t.match(names, 'main.js')
    t.strictSame(parts.filter(file => names.includes(file)), isWanted ? parts : [], `wanted: ${isWanted}`)
    t.notMatch(names, /node_modules\/@opentelemetry/, 'the program brings it along')
    t.notMatch(names, ofAccounts[0] ?? '', 'nor what chooses among accounts, where there is one')
  }
})

t.test('a collector that is away, refuses or is stuck costs no request anything, and no stop more than two seconds', async t => {
  const receiver = await startOtlpReceiver(t)
  const stuck = createServer(socket => { socket.on('error', () => {}).resume() }).listen(0, '127.0.0.1')
  await once(stuck, 'listening')
  t.teardown(() => stuck.close())
  const port = (name: string) => new URL(name).port
  const cases: Array<{ name: string, port: number | string, answer?: typeof receiver.answer }> = [
    { name: 'refused', port: await freePort() },
    { name: '500', port: port(receiver.url), answer: response => response.writeHead(500).end() },
    { name: '503', port: port(receiver.url), answer: response => response.writeHead(503, { 'retry-after': '1' }).end() },
    { name: 'slow', port: port(receiver.url), answer: response => { setTimeout(() => response.end('{}'), 3_000) } },
    { name: 'hanging', port: (stuck.address() as AddressInfo).port },
    { name: 'broken off', port: port(receiver.url), answer: response => response.destroy() },
    { name: 'no OTLP', port: port(receiver.url), answer: response => response.end('<html>') }
  ]
  for (const { name, port, answer } of cases) {
    if (answer) receiver.answer = answer
    const startedAt = performance.now()
    const server = await startBuiltServer(t, {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_BSP_SCHEDULE_DELAY: '1',
      OTEL_BSP_MAX_QUEUE_SIZE: '4',
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '2'
    })
    await askAll(t, server)
    const delays = await Promise.all(Array.from({ length: 10 }, async () => {
      const askedAt = performance.now()
      await (await ask(server, saying('say one'))).text()
      return performance.now() - askedAt
    }))
    t.ok(Math.max(...delays) < 2_500, `${name}: answers do not wait for exports`)
    t.equal(server.child.exitCode, null)
    const stoppedMs = await stop(server)
    t.ok(stoppedMs < 10_000, `${name}: stopped after ${Math.round(stoppedMs)} ms`)
    t.equal(server.stderr(), '')
    if (!['slow', 'no OTLP'].includes(name)) t.match(server.lines().find(({ spans }) => spans !== undefined), { level: 40, spans: Number, reason: String, msg: 'spans were lost: the collector of traces did not take them' }, name)
    t.ok(server.lines().filter(({ spans }) => spans !== undefined).length <= 3 + (performance.now() - startedAt) / 60_000, `${name}: told at once and at the end, not each time`)
  }
})

t.test('what waits is exported before the program ends', async t => {
  const receiver = await startOtlpReceiver(t)
  const server = await startBuiltServer(t, { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_BSP_SCHEDULE_DELAY: '60000' })
  t.match(server.lines().find(({ msg }) => msg === 'traces are exported'), { endpoint: `${receiver.url}/v1/traces`, protocol: 'http/protobuf' })
  await askAll(t, server)
  t.strictSame(receiver.spans, [])
  await stop(server)
  const lost = server.lines().reduce((sum, { spans = 0 }) => sum + Number(spans), 0)
  // On a machine that is too busy for an export within two seconds the log has to say so.
  t.ok(receiver.spans.length + lost >= 12, `${receiver.spans.length} exported, ${lost} lost`)
})

t.test('each of several workers exports its own', async t => {
  const receiver = await startOtlpReceiver(t)
  const server = await serve(t, { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_BSP_SCHEDULE_DELAY: '10' })
  for (let count = 0; count < 8; count++) await askWorker(server, '/v1/chat/completions', chat('say one'))
  await waited(() => receiver.spans.length === 16, PATIENCE_MS)
  for (const attribute of ['process.pid', 'service.instance.id']) t.equal(new Set(receiver.spans.map(({ resource }) => resource[attribute])).size, 2, attribute)
  await stop(server)
})

t.test('grpc is refused in one sentence', t => {
  const { status, stderr } = spawnSync(process.execPath, [join(DIST, 'main.js')], {
    env: { UPSTREAM: 'simulator', PORT: '0', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4317', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
    cwd: t.testdir(),
    encoding: 'utf8'
  })
  t.equal(status, 2)
  t.match(stderr, /1 configuration error\n {2}OTEL_EXPORTER_OTLP_TRACES_PROTOCOL \(or OTEL_EXPORTER_OTLP_PROTOCOL\)[^\n]+grpc is not served[^\n]+\n/)
  t.end()
})
