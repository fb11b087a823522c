import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { startProxy } from '../../servers/start-proxy.ts'

const PIECE = `1000\r\n${' '.repeat(0x1000)}\r\n`

/** A request whose body has no end, and that does not listen while it speaks. */
async function speak (url: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {})
  await once(socket, 'connect')
  socket.pause()
  socket.write('POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n')
  for (let count = 0; count < 20; count++) {
    socket.write(PIECE)
    await sleep(10)
  }
  return socket
}

/** Not `once`, which throws what a connection that is cut off says first. */
function closed (socket: Socket): Promise<unknown> {
  return new Promise(resolve => { socket.once('close', resolve) })
}

t.test('a client that listens only once it has spoken reads why its body was refused', async t => {
  const { url } = await startProxy(t, { BODY_LIMIT_BYTES: '2000' })
  const socket = await speak(url)
  let answer = ''
  socket.on('data', bytes => { answer += bytes.toString() }).resume()
  await closed(socket)
  t.match(answer, /^HTTP\/1\.1 413 [^]*BODY_LIMIT_BYTES/)
})

t.test('one that goes on speaking is cut off', async t => {
  const { url } = await startProxy(t, { BODY_LIMIT_BYTES: '2000' })
  const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {})
  t.teardown(() => { socket.destroy() })
  socket.write('POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n')
  const speaking = setInterval(() => { if (socket.writable) socket.write(PIECE) }, 10)
  t.teardown(() => { clearInterval(speaking) })
  socket.resume()
  const begin = performance.now()
  await closed(socket)
  t.ok(performance.now() - begin < 10_000)
})
