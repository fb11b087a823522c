import { createServer } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import type { TracesSettings } from '../../../src/settings/traces.ts'
import { SpanWriter } from '../../../src/telemetry/traces/opentelemetry.ts'
import { freePort, waited } from '../../servers/http-client.ts'
import { startOtlpReceiver } from '../../servers/otlp-receiver.ts'

const PATIENCE_MS = 30_000

const SETTINGS: TracesSettings = {
  endpoint: '',
  protocol: 'http/protobuf',
  headers: {},
  timeoutMs: 300,
  compression: 'none',
  resource: { 'service.name': 'test' },
  sampler: { name: 'always_on', ratio: 1, isParentBased: true },
  continuesTraces: true,
  batch: { delayMs: 5, timeoutMs: 300, maxQueueSize: 10, maxSize: 5 },
  capturesContent: false
}

interface Written {
  writer: SpanWriter
  /** What was lost, and why. */
  lost: Array<[count: number, reason: string]>
  lostCount: () => number
  exports: () => number
}

function start (t: Test, settings: Partial<TracesSettings>, closeMs?: number): Written {
  const lost: Written['lost'] = []
  let exports = 0
  const writer = new SpanWriter({
    settings: { ...SETTINGS, ...settings },
    version: '1',
    ...(closeMs !== undefined && { closeMs }),
    listener: { dropped: (count, reason) => { lost.push([count, reason]) }, exported: () => { exports++ } }
  })
  t.teardown(() => writer.close())
  return { writer, lost, lostCount: () => lost.reduce((sum, [count]) => sum + count, 0), exports: () => exports }
}

/** Writes so many spans of requests. */
function write ({ writer }: Written, count: number, content?: Record<string, string>): void {
  const [startMs, endMs] = [Date.now() - 5, Date.now()]
  for (let place = 0; place < count; place++) {
    writer.write({ name: 'POST /x', startMs }, {}, () => ({ server: { name: 'POST /x', startMs, endMs, attributes: { place }, isError: false, content }, calls: [] }))
  }
}

/** A server that takes connections and never answers, or drips bytes of an answer without end. */
async function startStuck (t: Test, drips: boolean): Promise<string> {
  const server = createServer(socket => {
    socket.on('error', () => {}).resume()
    if (!drips) return
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n')
    const timer = setInterval(() => socket.write('x'), 20)
    socket.on('close', () => clearInterval(timer))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`
}

t.test('a collector that is away, refuses or is stuck loses spans, which are counted, and nothing else', async t => {
  const receiver = await startOtlpReceiver(t)
  const endpoint = `${receiver.url}/v1/traces`
  const cases: Array<{ name: string, endpoint: string, status?: number, reason: RegExp }> = [
    { name: 'refused', endpoint: `http://127.0.0.1:${await freePort()}/v1/traces`, reason: /^ECONNREFUSED$/ },
    { name: '401', endpoint, status: 401, reason: /^HTTP 401$/ },
    { name: '500', endpoint, status: 500, reason: /^HTTP 500$/ },
    { name: '503', endpoint, status: 503, reason: /^HTTP 429, 502, 503 or 504$/ },
    { name: 'hanging', endpoint: await startStuck(t, false), reason: /^(?:timeout|ECONNRESET)$/ },
    { name: 'without an end', endpoint: await startStuck(t, true), reason: /^(?:timeout|ECONNRESET|unknown)$/ }
  ]
  for (const { name, endpoint, status = 200, reason } of cases) {
    receiver.answer = response => response.writeHead(status).end('sesame')
    const written = start(t, { endpoint })
    for (let round = 1; round <= 3; round++) {
      write(written, 5)
      if (name === 'without an end' && round === 1) await waited(() => written.lostCount() + 5 * written.exports() >= 5, PATIENCE_MS)
      await waited(() => written.lostCount() + 5 * written.exports() >= 5 * round, PATIENCE_MS)
    }
    // What breaks off behind a 200 has arrived.
    if (name !== 'without an end') t.equal(written.lostCount(), 15, `${name}: ${written.lost}`)
    for (const [, told] of written.lost) t.match(told, reason, name)
  }
})

t.test('what is more than the queue takes is counted', async t => {
  const written = start(t, { endpoint: await startStuck(t, false), batch: { delayMs: 60_000, timeoutMs: 60_000, maxQueueSize: 10, maxSize: 10 }, timeoutMs: 60_000 })
  write(written, 10)
  // The first ten are under way now; the next ten wait.
  write(written, 25)
  t.strictSame(written.lost, Array.from({ length: 15 }, () => [1, 'queue full']))
  const startedAt = performance.now()
  await written.writer.close()
  t.ok(performance.now() - startedAt < 10_000, 'closing waits for two seconds')
  t.equal(written.lostCount(), 35, 'and what it gave up is counted too')
})

t.test('closing exports what waits', async t => {
  const receiver = await startOtlpReceiver(t)
  const written = start(t, { endpoint: `${receiver.url}/v1/traces`, batch: { delayMs: 60_000, timeoutMs: 60_000, maxQueueSize: 1_000, maxSize: 5 } }, PATIENCE_MS)
  write(written, 4)
  await written.writer.close()
  t.equal(receiver.spans.length, 4)
  t.strictSame(written.lost, [])
  await written.writer.close()
  write(written, 1)
  t.equal(receiver.spans.length, 4, 'what ends later is lost')
})

t.test('what was said has a bound while it waits', async t => {
  const receiver = await startOtlpReceiver(t)
  const written = start(t, { endpoint: `${receiver.url}/v1/traces`, timeoutMs: 60_000, batch: { delayMs: 5, timeoutMs: 60_000, maxQueueSize: 1_000, maxSize: 1_000 } })
  const content = { 'gen_ai.input.messages': 'x'.repeat(1024 * 1024) }
  write(written, 40, content)
  await waited(() => receiver.spans.length === 40, PATIENCE_MS)
  const kept = receiver.spans.filter(({ attributes }) => attributes['gen_ai.input.messages'] !== undefined)
  t.equal(kept.length, 32)
  t.equal(receiver.spans.filter(({ attributes }) => attributes['workers_ai_proxy.content_omitted'] === true).length, 8)
})

t.test('samplers', async t => {
  const traceparent = (flags: string) => ({ traceparent: `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-${flags}` })
  const cases: Array<[name: TracesSettings['sampler']['name'], ratio: number, isParentBased: boolean, headers: Record<string, string>, isSampled: boolean]> = [
    ['always_on', 1, false, {}, true],
    ['always_on', 1, false, traceparent('00'), true],
    ['always_on', 1, true, traceparent('00'), false],
    ['always_off', 1, true, {}, false],
    ['always_off', 1, true, traceparent('01'), true],
    ['always_off', 1, false, traceparent('01'), false],
    ['traceidratio', 0, false, {}, false],
    ['traceidratio', 1, true, {}, true]
  ]
  for (const [name, ratio, isParentBased, headers, isSampled] of cases) {
    const { writer } = start(t, { endpoint: `http://127.0.0.1:${await freePort()}/v1/traces`, sampler: { name, ratio, isParentBased } })
    let wasAsked = false
    const ids = writer.write({ name: 'x', startMs: 1 }, headers, () => {
      wasAsked = true
      return { server: { name: 'x', startMs: 1, endMs: 2, attributes: {}, isError: false }, calls: [] }
    })
    t.equal(wasAsked, isSampled, `${name} ${ratio} ${isParentBased} ${headers['traceparent']}`)
    t.match(ids, { traceId: /^[0-9a-f]{32}$/, spanId: /^[0-9a-f]{16}$/ })
  }
})
