import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import fastify from 'fastify'
import t, { type Test } from 'tap'
import type { Source } from '../../../src/generation/pipeline.ts'
import { sendEvents } from '../../../src/http/replies/event-stream.ts'

/** A server that streams what `pieces` gives, and a client socket that has asked it. */
async function begin (t: Test, pieces: Source<string | Buffer>, keepAliveMs?: number, version = '1.1'): Promise<{ socket: Socket, sent: Promise<void> }> {
  const app = fastify()
  t.teardown(() => app.close())
  let settle: (sent: Promise<void>) => void
  const sending = new Promise<Promise<void>>(resolve => { settle = resolve })
  app.get('/', async (_request, reply) => {
    reply.header('content-type', 'text/event-stream')
    const sent = sendEvents(reply, pieces, keepAliveMs)
    settle(Promise.resolve().then(() => sent))
    await sent
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const socket = connect((app.server.address() as { port: number }).port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  socket.write(`GET / HTTP/${version}\r\nhost: x\r\nconnection: close\r\n\r\n`)
  return { socket, sent: (async () => await (await sending))() }
}

async function textOf (socket: Socket): Promise<string> {
  let text = ''
  for await (const bytes of socket.setEncoding('utf8')) text += bytes
  return text
}

t.test('each piece is one write, with the headers of the reply', async t => {
  const pieces: Source<string | Buffer> = async send => {
    await send('data: a\n\ndata: b\n\n')
    await sleep(20)
    await send(Buffer.from('data: [DONE]\n\n'))
  }
  const { socket } = await begin(t, pieces)
  const text = await textOf(socket)
  t.match(text, /^HTTP\/1\.1 200 OK\r\ncontent-type: text\/event-stream\r\n/)
  t.match(text, /\r\n12\r\ndata: a\n\ndata: b\n\n\r\n/, 'one chunk of 18 bytes')
  t.match(text, /data: \[DONE\]\n\n\r\n0\r\n\r\n$/)
})

t.test('an HTTP/1.0 client, which knows no chunks, gets the bare pieces until the connection ends', async t => {
  const pieces: Source<string | Buffer> = async send => {
    await send('data: ä\n\n')
    await send(Buffer.from('data: [DONE]\n\n'))
  }
  const text = await textOf((await begin(t, pieces, undefined, '1.0')).socket)
  t.notMatch(text, /transfer-encoding/i)
  t.equal(text.split('\r\n\r\n')[1], 'data: ä\n\ndata: [DONE]\n\n')
})

t.test('pieces of any size and letters are framed as they are long in bytes', async t => {
  const texts = ['ä', '你好', 'x'.repeat(100_000), '🚀'.repeat(70_000), 'a\r\n0\r\n\r\n']
  const pieces: Source<string | Buffer> = async send => {
    for (const text of texts) await send(text)
    for (const text of texts) await send(Buffer.from(text))
  }
  const { socket } = await begin(t, pieces)
  const text = await textOf(socket)
  const framed = texts.map(text => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`).join('')
  t.equal(text.slice(text.indexOf('\r\n\r\n') + 4), `${framed}${framed}0\r\n\r\n`)
})

t.test('a silent source is covered by comments, a talking one is not', async t => {
  const pieces: Source<string> = async send => {
    await sleep(170)
    await send('data: a\n\n')
    for (let count = 0; count < 5; count++) {
      await sleep(15)
      await send('data: b\n\n')
    }
  }
  const text = await textOf((await begin(t, pieces, 50)).socket)
  const [silent = '', talking = ''] = text.split('data: a')
  t.ok(silent.split(': keep-alive\n\n').length >= 3, 'comments while it is silent')
  t.notMatch(talking, /keep-alive/, 'none while it talks')
})

t.test('nobody waits for longer than that without a byte, from the beginning', async t => {
  const pieces: Source<string> = async send => {
    await sleep(550)
    await send('data: a\n\n')
    await sleep(550)
  }
  const text = await textOf((await begin(t, pieces, 300)).socket)
  const [before, after] = text.split('data: a')
  t.match(before, /200 OK[^]*: keep-alive/, 'the status goes with the first comment')
  t.match(after, ': keep-alive')
})

t.test('a client that has left has had enough', async t => {
  const pieces: Source<string> = async send => {
    while (await send('data: a\n\n') !== 'cancel') await sleep(5)
  }
  const { socket, sent } = await begin(t, pieces)
  await once(socket, 'data')
  socket.destroy()
  await sent
  t.pass('the source has ended')
})

t.test('a source that breaks ends the connection without an end', async t => {
  const pieces: Source<string> = async send => {
    await send('data: a\n\n')
    await sleep(20)
    throw new Error('a bug')
  }
  const { socket, sent } = await begin(t, pieces)
  t.rejects(sent, { message: 'a bug' })
  const text = await textOf(socket).catch(() => '')
  t.notMatch(text, /\r\n0\r\n\r\n$/)
})

t.test('a client that does not read holds the source back, and gets everything in the end', async t => {
  const piece = `data: ${'x'.repeat(65_536)}\n\n`
  let given = 0
  const pieces: Source<string> = async send => {
    for (; given < 400; given++) await send(piece)
  }
  const { socket } = await begin(t, pieces)
  socket.pause()
  await sleep(300)
  t.ok(given < 300, `held back after ${given} of 400 pieces`)
  const text = await textOf(socket)
  t.equal(text.split('data: ').length - 1, 400)
})
