import { connect } from 'node:net'
import { Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import fastify, { type FastifyBaseLogger } from 'fastify'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { cutStalledClients } from '../../../src/http/connections/stalled-clients.ts'
import { waited } from '../../servers/http-client.ts'

const MEBIBYTE = 1_048_576

/** A server with a large answer, a small one, and one that is told later; and what it warned of. */
async function serve (t: Test, limitMs: number) {
  const warnings: object[] = []
  const app = fastify({
    loggerInstance: pino({ level: 'warn' }, new Writable({
      write (line: Buffer, _encoding, done) {
        warnings.push(JSON.parse(line.toString()))
        done()
      }
    })) as FastifyBaseLogger
  })
  app.decorateRequest('routeConfig')
  app.addHook('onRequest', async request => { request.routeConfig = request.routeOptions.config })
  cutStalledClients(app, limitMs)
  app.get('/large', async () => Buffer.alloc(64 * MEBIBYTE))
  app.get('/small', async () => 'small')
  app.get('/late', async () => { await sleep(3 * limitMs); return 'late' })
  t.teardown(() => app.close())
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  return { port: Number(new URL(url).port), warnings }
}

const nothing = () => {}

function ask (port: number, path: string) {
  const socket = connect(port, '127.0.0.1').on('error', nothing)
  socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`)
  return socket
}

t.test('a client that takes nothing is cut, and that is told', async t => {
  const { port, warnings } = await serve(t, 600)
  const socket = ask(port, '/large').pause()
  t.teardown(() => { socket.destroy() })
  const startedAt = performance.now()
  await waited(() => warnings.length > 0, 10_000)
  t.ok(performance.now() - startedAt >= 600, 'not before its time')
  t.match(warnings, [{ route: '/large', limitMs: 600, waitingBytes: Number }])
  const closed = new Promise(resolve => socket.once('close', resolve))
  socket.resume()
  await closed
  t.ok(socket.bytesRead < 64 * MEBIBYTE)
})

t.test('one that takes a little now and then gets everything', async t => {
  const { port, warnings } = await serve(t, 1_000)
  const socket = ask(port, '/large')
  for (let rounds = 0; socket.bytesRead < 64 * MEBIBYTE && !socket.destroyed; rounds++) {
    socket.resume()
    await new Promise(resolve => socket.once('data', resolve))
    await sleep(rounds < 10 ? 30 : 0)
    if (rounds >= 10) continue
    socket.pause()
    await sleep(400)
  }
  socket.destroy()
  t.ok(socket.bytesRead >= 64 * MEBIBYTE)
  t.strictSame(warnings, [])
})

t.test('where nothing waits, nobody is cut', async t => {
  const { port, warnings } = await serve(t, 300)
  const idle = ask(port, '/small').pause()
  let read = ''
  const late = ask(port, '/late').on('data', bytes => { read += bytes.toString() })
  t.teardown(() => { idle.destroy(); late.destroy() })
  await waited(() => read.endsWith('late'))
  t.strictSame(warnings, [])
})

t.test('a pause of the whole process is no client\'s', async t => {
  const { port, warnings } = await serve(t, 1_000)
  const socket = ask(port, '/large').pause()
  t.teardown(() => { socket.destroy() })
  await sleep(500)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_500)
  await sleep(100)
  t.strictSame(warnings, [])
})
