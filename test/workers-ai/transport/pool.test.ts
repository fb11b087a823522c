import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Backpressure } from '../../../src/generation/pipeline.ts'
import { dispatch, type UpstreamResponse } from '../../../src/workers-ai/transport/dispatch.ts'
import { newPool } from '../../../src/workers-ai/transport/pool.ts'
import { someAtOnce } from '../../faults/some-at-once.ts'
import { waited } from '../../servers/http-client.ts'
import { startLoopbackServer, TRANSPORTS, type Connection, type Transport } from '../../servers/loopback-server.ts'

// In a process of its own: no certificate is checked, because that of loopback is signed by itself.
process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
process.removeAllListeners('warning')

const WAIT_MS = 30
/** The first is taken; with the others so much waits that nothing more is read. */
const PIECES = [100, 40_000, 40_000]

const FRAMINGS = {
  'to the end of the connection': { head: 'connection: close', isChunked: false },
  'in chunks, and closed': { head: 'connection: close\r\ntransfer-encoding: chunked', isChunked: true },
  'in chunks': { head: 'transfer-encoding: chunked', isChunked: true },
  'with a length, and closed': { head: 'connection: close\r\ncontent-length: LENGTH', isChunked: false },
  'with a length': { head: 'content-length: LENGTH', isChunked: false }
}

const ENDINGS: Record<string, (connection: Connection) => void> = {
  'a reset': ({ reset }) => reset(),
  'an end': ({ socket }) => socket.end(),
  'an end without a word of TLS': ({ endUnsaid }) => endUnsaid()
}

interface Case {
  name: string
  framing: keyof typeof FRAMINGS
  ending: string
  /** Bytes that are sent when nothing more is read. */
  more: number
  isWhole: boolean
  /** Whether somebody reads when it ends, and has asked for time. */
  isRead: boolean
}

const CASES = (Object.keys(FRAMINGS) as Array<keyof typeof FRAMINGS>).flatMap(framing =>
  Object.keys(ENDINGS).flatMap(ending =>
    [0, 65_536, 200_000].flatMap(more =>
      [true, false].flatMap(isWhole =>
        [true, false].map((isRead): Case => ({
          name: `${framing}, ${isWhole ? 'whole' : 'cut'}, ${more} bytes more, ${ending}, ${isRead ? 'held back' : 'not read'}`, framing, ending, more, isWhole, isRead
        }))))))

function lengthsOf ({ more }: Case): number[] {
  return more === 0 ? PIECES : [...PIECES, more]
}

function lengthOf (one: Case): number {
  return lengthsOf(one).reduce((sum, length) => sum + length)
}

/** Answers a case, and ends its connection. */
async function play (one: Case, connection: Connection): Promise<void> {
  const { socket } = connection
  const { head, isChunked } = FRAMINGS[one.framing]
  const length = String(lengthOf(one) + (one.isWhole ? 0 : 10))
  socket.write(`HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n${head.replace('LENGTH', length)}\r\n\r\n`)
  for (const length of lengthsOf(one)) {
    await sleep(WAIT_MS)
    socket.write(isChunked ? `${length.toString(16)}\r\n${'x'.repeat(length)}\r\n` : 'x'.repeat(length))
  }
  if (isChunked && one.isWhole) socket.write('0\r\n\r\n')
  await sleep(WAIT_MS)
  // An end that TLS does not say would overtake what is still being encrypted.
  await waited(() => socket.writableLength === 0).catch(() => {})
  ENDINGS[one.ending]?.(connection)
}

/** Reads an answer whose connection ends while nobody takes anything; how that went, and how many bytes came. */
async function readLate ({ body }: UpstreamResponse, { isRead }: Case, isOver: () => boolean): Promise<{ length: number, error?: unknown }> {
  let length = 0
  const over = waited(isOver).then(() => sleep(WAIT_MS)).then((): Backpressure => undefined)
  if (!isRead) await over
  const write = (piece: Buffer): Backpressure | Promise<Backpressure> => {
    length += piece.length
    return over
  }
  return await body.read({ write }).then(() => ({ length }), (error: unknown) => ({ length, error }))
}

async function start (t: Test, transport: Transport, serve: (connection: Connection, path: string) => void) {
  const connections = new Set<Connection>()
  const server = await startLoopbackServer(transport, connection => {
    connections.add(connection)
    connection.socket.setNoDelay(true).on('error', () => {}).on('data', bytes => serve(connection, String(bytes).split(' ')[1] ?? ''))
  })
  const pool = newPool(new URL(`${server.url}/of/no/account`))
  t.teardown(async () => {
    await pool.destroy()
    for (const { socket } of connections) socket.destroy()
    server.close()
  })
  // Each by a connection of its own: one that is ended after a whole answer must not have begun to serve the next case.
  return { ask: (path: string) => dispatch(pool, { method: 'POST', path, body: '{}', reset: true }, new AbortController().signal), connections }
}

for (const transport of TRANSPORTS) {
  t.test(`${transport}: a connection may end in any way while its answer is held back`, async t => {
    const over = new Set<Case>()
    const { ask } = await start(t, transport, async (connection, path) => {
      const one = CASES[Number(path.slice(1))]
      if (one === undefined) {
        connection.socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}')
      } else {
        await play(one, connection)
        over.add(one)
      }
    })
    const cases = CASES.filter(({ ending }) => transport === 'TLS' || !ending.includes('TLS'))
    await someAtOnce(60, cases, async one => {
      const { name, framing, ending, isWhole } = one
      const { length, error } = await readLate(await ask(`/${CASES.indexOf(one)}`), one, () => over.has(one))
      // An end of the connection is the end of an answer that names no other, be it whole or not.
      const isSeenWhole = isWhole || framing === 'to the end of the connection'
      if (!isSeenWhole) t.ok(error, name)
      else if (ending !== 'a reset') t.equal(error, undefined, name)
      // What was sent before a reset may be lost with it.
      if (ending !== 'a reset') t.equal(length, lengthOf(one), name)
    })
    t.equal(String((await ask('/no-case')).bytes), '{}', 'what follows is served')
  })

  t.test(`${transport}: a reset is not the end of an answer that ends with its connection`, async t => {
    const { ask, connections } = await start(t, transport, ({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\none')
    })
    const taken: string[] = []
    const { body } = await ask('/')
    const read = body.read({
      write: piece => {
        taken.push(String(piece))
        return undefined
      }
    })
    await waited(() => taken.length === 1)
    for (const { reset } of connections) reset()
    await t.rejects(read, { code: 'UND_ERR_SOCKET', message: /ECONNRESET/ })
    t.strictSame(taken, ['one'])
  })

  t.test(`${transport}: a reset before the answer is told by its name`, async t => {
    const { ask } = await start(t, transport, ({ reset }) => reset())
    await t.rejects(ask('/'), { code: 'ECONNRESET' })
  })
}
