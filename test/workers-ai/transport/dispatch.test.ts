import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Backpressure } from '../../../src/generation/pipeline.ts'
import { dispatch, type UpstreamResponse, type ResponseBody } from '../../../src/workers-ai/transport/dispatch.ts'
import { newPool } from '../../../src/workers-ai/transport/pool.ts'
import { waited } from '../../servers/http-client.ts'
import { chunk, LAST_CHUNK, startRawUpstream, type RawUpstream, type Script, type Step } from '../../servers/raw-upstream.ts'
import { all } from '../../sources.ts'

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n'

interface Asked {
  answer: () => Promise<UpstreamResponse>
  left: AbortController
  upstream: RawUpstream
}

/** An upstream that answers every request as the script says, and somebody to ask it. */
async function start (t: Test, script: Script): Promise<Asked> {
  const upstream = await startRawUpstream(t, script)
  const pool = newPool(new URL(upstream.url))
  t.teardown(() => pool.destroy())
  const left = new AbortController()
  return { answer: () => dispatch(pool, { method: 'POST', path: '/', body: '{}' }, left.signal), left, upstream }
}

/** Resolves once the connection of the first request is closed. */
async function closed ({ upstream }: Asked): Promise<void> {
  await waited(() => upstream.asked[0]?.isClosed === true)
}

async function textsOf ({ body }: UpstreamResponse): Promise<string[]> {
  return (await all<Buffer>(write => body.read({ write }))).map(String)
}

t.test('what one read of the connection brought is one piece, however many HTTP chunks it was', async t => {
  const { answer } = await start(t, () => [HEAD + chunk('a') + chunk('b') + chunk('c') + LAST_CHUNK])
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
    const asked = await start(t, () => [HEAD, 20, chunk('a'), 20, chunk('b'), 20, chunk('c')])
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
    await closed(asked)
  }
})

t.test('what comes before somebody reads is kept', async t => {
  const { answer } = await start(t, () => [HEAD + chunk('a'), 10, chunk('b') + LAST_CHUNK])
  const begun = await answer()
  await sleep(50)
  t.strictSame(await textsOf(begun), ['ab'])
})

t.test('what came before a connection broke is given before that is told', async t => {
  const { answer } = await start(t, () => [HEAD + chunk('a'), 'FIN'])
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
  const { answer } = await start(t, () => [PLAIN + chunk('{"a":'), 10, chunk('1}') + LAST_CHUNK])
  const { isStream, bytes } = await answer()
  t.equal(isStream, false)
  t.equal(String(bytes), '{"a":1}')
})

t.test('one that is long is told when as much of it waits as is kept, and can be read whole', async t => {
  const piece = 'x'.repeat(65_536)
  const { answer } = await start(t, () => [PLAIN + chunk(piece), 50, chunk(piece) + LAST_CHUNK])
  const begun = await answer()
  t.equal(begun.bytes, undefined)
  t.equal((await textsOf(begun)).join('').length, 131_072)
})

t.test('one that breaks off is told as far as it came, and then why', async t => {
  const { answer } = await start(t, () => [PLAIN + chunk('{"a":'), 'FIN'])
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
    const { answer } = await start(t, () => [head])
    t.equal((await answer()).bytes, undefined)
  }
})

t.test('who leaves while a body is waited for hears why at once', async t => {
  const { answer, left } = await start(t, () => [PLAIN + chunk('{')])
  const waiting = answer()
  setTimeout(() => left.abort(new Error('gone')), 30)
  await t.rejects(waiting, { message: 'gone' })
})

t.test('informational answers are passed over', async t => {
  const { answer } = await start(t, () => [`HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n${HEAD}${chunk('a')}${LAST_CHUNK}`])
  t.strictSame(await textsOf(await answer()), ['a'])
})

t.test('a sink that asks for time holds the server back, and gets every byte', async t => {
  const piece = 'x'.repeat(65_536)
  const server = await start(t, () => [HEAD, { again: chunk(piece), times: 200 }, LAST_CHUNK])
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
  t.ok(200 * piece.length - (server.upstream.asked[0]?.sent ?? Infinity) > 1_000_000, 'most of it is still with the server')
  go(undefined)
  await ended
  t.equal(given, 200 * piece.length)
})

t.test('an abort ends it in every phase, with its reason', async t => {
  const reason = new Error('the client left')
  const cases: Array<{ name: string, script: Script, isRead: boolean }> = [
    { name: 'before the head', script: () => [], isRead: false },
    { name: 'inside the body', script: () => [HEAD + chunk('a')], isRead: true }
  ]
  for (const { name, script, isRead } of cases) {
    const asked = await start(t, script)
    const reading: Promise<unknown> = isRead ? asked.answer().then(textsOf) : asked.answer()
    await sleep(30)
    asked.left.abort(reason)
    await t.rejects(reading, reason, name)
    await closed(asked)
  }

  const unread = await start(t, () => [HEAD + chunk('a')])
  const answer = await unread.answer()
  unread.left.abort(reason)
  await t.rejects(textsOf(answer), reason, 'before it is read')

  const held = await start(t, () => [HEAD + chunk('a')])
  const { body } = await held.answer()
  const reading = body.read({ write: () => new Promise(() => {}) })
  await sleep(10)
  held.left.abort(reason)
  await t.rejects(reading, reason, 'while its sink asks for time')
})

t.test('one that is destroyed closes the connection, and tells its reader that it has ended', async t => {
  const asked = await start(t, () => [HEAD + chunk('a')])
  const { body } = await asked.answer()
  const ended = body.read({ write: () => undefined })
  body.destroy()
  await ended
  await closed(asked)
})

t.test('one that is released', async t => {
  /** Released after its first piece; whether its connection then served again. */
  async function servedAgain (rest: Step): Promise<boolean> {
    const { answer, upstream } = await start(t, () => [HEAD + chunk('a'), 20, rest])
    const { body } = await answer()
    await body.read({ write: () => 'cancel' })
    body.release()
    await sleep(60)
    await answer()
    return upstream.connections() === 1
  }
  t.equal(await servedAgain(LAST_CHUNK), true, 'gives its connection back once it has ended')
  t.equal(await servedAgain(Array.from({ length: 20 }, () => chunk('more')).join('')), false, 'is closed when there is more to come than an end')

  const asked = await start(t, () => [HEAD + chunk('a')])
  const { body } = await asked.answer()
  await body.read({ write: () => 'cancel' })
  body.release()
  await closed(asked)
  t.pass('is closed when its end does not come')
})

t.test('an error of the sink is thrown by its reading', async t => {
  const { answer } = await start(t, () => [HEAD + chunk('a')])
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
  const { answer } = await start(t, () => [
    'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n',
    ...pieces.flatMap(piece => [piece, 30]),
    'FIN'
  ])
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
