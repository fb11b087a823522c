import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Backpressure } from '../../../src/generation/pipeline.ts'
import { dispatch, type UpstreamResponse, type ResponseBody } from '../../../src/workers-ai/transport/dispatch.ts'
import { newPool } from '../../../src/workers-ai/transport/pool.ts'
import { waited } from '../../servers/http-client.ts'
import { all } from '../../sources.ts'

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n'
const END = '0\r\n\r\n'

function chunk (text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`
}

interface Asked {
  answer: () => Promise<UpstreamResponse>
  left: AbortController
  sockets: Socket[]
}

/** A server that does with each connection what the script says, and somebody to ask it. */
async function start (t: Test, script: (socket: Socket) => unknown): Promise<Asked> {
  const sockets: Socket[] = []
  const server = createServer(socket => {
    sockets.push(socket.on('error', () => {}))
    socket.on('data', () => script(socket))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const pool = newPool(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
  t.teardown(async () => {
    await pool.destroy()
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const left = new AbortController()
  return { answer: () => dispatch(pool, { method: 'POST', path: '/', body: '{}' }, left.signal), left, sockets }
}

async function textsOf ({ body }: UpstreamResponse): Promise<string[]> {
  return (await all<Buffer>(write => body.read({ write }))).map(String)
}

t.test('what one read of the connection brought is one piece, however many HTTP chunks it was', async t => {
  const { answer } = await start(t, socket => socket.write(HEAD + chunk('a') + chunk('b') + chunk('c') + END))
  t.match(await answer(), { statusCode: 200, headers: { 'content-type': 'text/event-stream' } })
  t.strictSame(await textsOf(await answer()), ['abc'])
})

t.test('a piece that comes alone is given while it is read, and ends what it is asked to end', async t => {
  const reason = new Error('the client left')
  const bug = new TypeError('a bug')
  const cases: Array<{ name: string, take: (asked: Asked, body: ResponseBody) => Backpressure, rejection?: Error, isClosed: boolean }> = [
    { name: 'cancel', take: () => 'cancel', isClosed: false },
    { name: 'an error', take: () => { throw bug }, rejection: bug, isClosed: false },
    { name: 'destroyed', take: (_asked, body) => body.destroy() as undefined, isClosed: true },
    { name: 'aborted', take: ({ left }) => left.abort(reason) as undefined, rejection: reason, isClosed: true }
  ]
  for (const { name, take, rejection, isClosed } of cases) {
    const asked = await start(t, async socket => {
      socket.write(HEAD)
      for (const text of ['a', 'b', 'c']) {
        await sleep(20)
        socket.write(chunk(text))
      }
    })
    const { body } = await asked.answer()
    const taken: string[] = []
    const reading = body.read({
      write: piece => {
        taken.push(String(piece))
        return taken.length < 2 ? undefined : take(asked, body)
      }
    })
    if (rejection === undefined) await reading
    else await t.rejects(reading, rejection, name)
    t.strictSame(taken, ['a', 'b'], name)
    if (!isClosed) body.destroy()
    await waited(() => asked.sockets[0]?.closed === true)
  }
})

t.test('what comes before somebody reads is kept', async t => {
  const { answer } = await start(t, async socket => {
    socket.write(HEAD + chunk('a'))
    await sleep(10)
    socket.write(chunk('b') + END)
  })
  const begun = await answer()
  await sleep(50)
  t.strictSame(await textsOf(begun), ['ab'])
})

t.test('what came before a connection broke is given before that is told', async t => {
  const { answer } = await start(t, socket => socket.end(HEAD + chunk('a')))
  const pieces: string[] = []
  const { body } = await answer()
  await t.rejects(body.read({
    write: piece => {
      pieces.push(String(piece))
      return undefined
    }
  }), { code: 'UND_ERR_SOCKET' })
  t.strictSame(pieces, ['a'])
})

const PLAIN = HEAD.replace('text/event-stream', 'application/json')

t.test('a success that is no stream is told when its body is here', async t => {
  const { answer } = await start(t, async socket => {
    socket.write(PLAIN + chunk('{"a":'))
    await sleep(10)
    socket.write(chunk('1}') + END)
  })
  const { isStream, bytes } = await answer()
  t.equal(isStream, false)
  t.equal(String(bytes), '{"a":1}')
})

t.test('one that is long is told when as much of it waits as is kept, and can be read whole', async t => {
  const piece = 'x'.repeat(65_536)
  const { answer } = await start(t, async socket => {
    socket.write(PLAIN + chunk(piece))
    await sleep(50)
    socket.write(chunk(piece) + END)
  })
  const begun = await answer()
  t.equal(begun.bytes, undefined)
  t.equal((await textsOf(begun)).join('').length, 131_072)
})

t.test('one that breaks off is told as far as it came, and then why', async t => {
  const { answer } = await start(t, socket => socket.end(PLAIN + chunk('{"a":')))
  const { bytes, body } = await answer()
  t.equal(bytes, undefined)
  const pieces: string[] = []
  await t.rejects(body.read({
    write: piece => {
      pieces.push(String(piece))
      return undefined
    }
  }), { code: 'UND_ERR_SOCKET' })
  t.strictSame(pieces, ['{"a":'])
})

t.test('nobody waits for the body of an error, nor of a stream', async t => {
  for (const head of [PLAIN.replace('200 OK', '500 Oops'), HEAD]) {
    const { answer } = await start(t, socket => socket.write(head))
    t.equal((await answer()).bytes, undefined)
  }
})

t.test('who leaves while a body is waited for hears why at once', async t => {
  const { answer, left } = await start(t, socket => socket.write(PLAIN + chunk('{')))
  const waiting = answer()
  setTimeout(() => left.abort(new Error('gone')), 30)
  await t.rejects(waiting, { message: 'gone' })
})

t.test('informational answers are passed over', async t => {
  const { answer } = await start(t, socket => socket.write(`HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n${HEAD}${chunk('a')}${END}`))
  t.strictSame(await textsOf(await answer()), ['a'])
})

t.test('a sink that asks for time holds the server back, and gets every byte', async t => {
  const piece = 'x'.repeat(65_536)
  const server = await start(t, socket => {
    socket.write(HEAD)
    for (let count = 0; count < 200; count++) socket.write(chunk(piece))
    socket.write(END)
  })
  let go: (verdict: Backpressure) => void = () => {}
  const waiting = new Promise<Backpressure>(resolve => { go = resolve })
  let given = 0
  const { body } = await server.answer()
  const ended = body.read({
    write: bytes => {
      given += bytes.length
      return waiting
    }
  })
  await sleep(100)
  t.ok((server.sockets[0]?.writableLength ?? 0) > 1_000_000, 'most of it is still with the server')
  go(undefined)
  await ended
  t.equal(given, 200 * piece.length)
})

t.test('an abort ends it in every phase, with its reason', async t => {
  const reason = new Error('the client left')
  const cases: Array<{ name: string, script: (socket: Socket) => unknown, isRead: boolean }> = [
    { name: 'before the head', script: () => {}, isRead: false },
    { name: 'inside the body', script: socket => socket.write(HEAD + chunk('a')), isRead: true }
  ]
  for (const { name, script, isRead } of cases) {
    const { answer, left, sockets } = await start(t, script)
    const reading: Promise<unknown> = isRead ? answer().then(textsOf) : answer()
    await sleep(30)
    left.abort(reason)
    await t.rejects(reading, reason, name)
    await waited(() => sockets[0]?.closed === true)
  }

  const unread = await start(t, socket => socket.write(HEAD + chunk('a')))
  const answer = await unread.answer()
  unread.left.abort(reason)
  await t.rejects(textsOf(answer), reason, 'before it is read')

  const held = await start(t, socket => socket.write(HEAD + chunk('a')))
  const { body } = await held.answer()
  const reading = body.read({ write: () => new Promise(() => {}) })
  await sleep(10)
  held.left.abort(reason)
  await t.rejects(reading, reason, 'while its sink asks for time')
})

t.test('one that is destroyed closes the connection, and tells its reader that it has ended', async t => {
  const { answer, sockets } = await start(t, socket => socket.write(HEAD + chunk('a')))
  const { body } = await answer()
  const ended = body.read({ write: () => undefined })
  body.destroy()
  await ended
  await waited(() => sockets[0]?.closed === true)
})

t.test('one that is released', async t => {
  /** Released after its first piece; whether its connection then served again. */
  async function servedAgain (rest: (socket: Socket) => unknown): Promise<boolean> {
    const { answer, sockets } = await start(t, async socket => {
      socket.write(HEAD + chunk('a'))
      await sleep(20)
      rest(socket)
    })
    const { body } = await answer()
    await body.read({ write: () => 'cancel' })
    body.release()
    await sleep(60)
    await answer()
    return sockets.length === 1
  }
  t.equal(await servedAgain(socket => socket.write(END)), true, 'gives its connection back once it has ended')
  t.equal(await servedAgain(socket => socket.write(Array.from({ length: 20 }, () => chunk('more')).join(''))), false, 'is closed when there is more to come than an end')

  const { answer, sockets } = await start(t, socket => socket.write(HEAD + chunk('a')))
  const { body } = await answer()
  await body.read({ write: () => 'cancel' })
  body.release()
  await waited(() => sockets[0]?.closed === true)
  t.pass('is closed when its end does not come')
})

t.test('an error of the sink is thrown by its reading', async t => {
  const { answer } = await start(t, socket => socket.write(HEAD + chunk('a')))
  const error = new TypeError('a bug')
  const { body } = await answer()
  await t.rejects(body.read({ write: () => { throw error } }), error)
  body.destroy()
  const late = (await answer()).body
  await t.rejects(late.read({ write: () => Promise.reject(error) }), error)
  late.destroy()
})

t.test('an answer that ends with its connection while it is held back is read to its end', async t => {
  // What is held back must have been read to the last byte when the end comes.
  const pieces = [100, 40_000, 40_000].map(length => Buffer.alloc(length, 'a'))
  const { answer } = await start(t, async socket => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n')
    for (const piece of pieces) {
      socket.write(piece)
      await sleep(30)
    }
    socket.end()
  })
  const { body } = await answer()
  let length = 0
  await body.read({
    write: piece => {
      length += piece.length
      return sleep(300).then(() => undefined)
    }
  })
  t.equal(length, 80_100)
})
