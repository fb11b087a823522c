import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { newPool, readAtOnce } from '../../src/workers-ai/pool.ts'

/** Two ends of a connection; the first is read at once. */
type Connection = (t: Test) => Promise<[Socket, Socket]>

/** A key that both ends know takes the place of a certificate. */
const PSK = { ciphers: 'PSK', maxVersion: 'TLSv1.2' } as const
const KEY = Buffer.from('a key of both')

const CONNECTIONS: Array<{ name: string, open: Connection }> = [
  { name: 'TCP', open: t => ends(t, createServer(), port => connect(port, '127.0.0.1'), 'connect', 'connection') },
  {
    name: 'TLS',
    open: t => ends(t, createTlsServer({ ...PSK, pskCallback: () => KEY }), port => connectTls({
      ...PSK, port, host: '127.0.0.1', checkServerIdentity: () => undefined, pskCallback: () => ({ psk: KEY, identity: 'one' })
    }), 'secureConnect', 'secureConnection')
  }
]

async function ends (t: Test, server: Server, dial: (port: number) => Socket, dialled: string, taken: string): Promise<[Socket, Socket]> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const other = once(server, taken) as Promise<[Socket]>
  const socket = dial((server.address() as AddressInfo).port)
  await once(socket, dialled)
  const [peer] = await other
  t.teardown(() => {
    socket.destroy()
    peer.destroy()
    server.close()
  })
  readAtOnce(socket)
  return [socket, peer.setNoDelay(true)]
}

for (const { name, open } of CONNECTIONS) {
  t.test(`${name}: what was read is given while it is pushed`, async t => {
    const [socket, peer] = await open(t)
    const taken: Array<string | undefined> = []
    socket.on('readable', () => taken.push(socket.read()?.toString()))
    let duringPush = 0
    const { push } = socket
    socket.push = function (piece) {
      const before = taken.length
      const wantsMore = push.call(this, piece)
      duringPush += taken.length - before
      return wantsMore
    }
    for (const text of ['one', 'two']) {
      peer.write(text)
      await once(socket, 'readable')
    }
    t.strictSame(taken, ['one', 'two'])
    t.equal(duringPush, 2)
    t.equal(socket.read(), null)
  })

  t.test(`${name}: what comes while a piece is given comes behind it`, async t => {
    const [socket] = await open(t)
    const taken: Buffer[] = []
    socket.once('readable', () => {
      socket.push(Buffer.from('two'))
      socket.push(null)
    })
    socket.on('readable', () => {
      for (let piece = socket.read(); piece !== null; piece = socket.read()) taken.push(piece)
    })
    socket.push(Buffer.from('one'))
    await once(socket, 'end')
    t.equal(Buffer.concat(taken).toString(), 'onetwo')
  })

  t.test(`${name}: nothing is lost, doubled or out of order, whatever is taken when`, async t => {
    // What a listener does with each piece it is told of.
    const ways = fc.array(fc.constantFrom('take', 'leave', 'give half back'), { maxLength: 8 }).map(ways => [...ways, 'take'])
    const sizes = fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 12, size: 'max' })
    await fc.assert(fc.asyncProperty(sizes, ways, async (sizes, ways) => {
      const pieces = sizes.map((size, index) => Buffer.alloc(size, index + 1))
      const [socket, peer] = await open(t)
      const taken: Buffer[] = []
      let times = 0
      const listen = (): void => {
        const way = ways[times++ % ways.length]
        if (way === 'leave') {
          setTimeout(listen, 2)
          return
        }
        for (let piece = socket.read(); piece !== null; piece = socket.read()) {
          const length = way === 'give half back' ? Math.ceil(piece.length / 2) : piece.length
          taken.push(piece.subarray(0, length))
          if (length === piece.length) continue
          socket.unshift(piece.subarray(length))
          setImmediate(listen)
          return
        }
      }
      socket.on('readable', listen)
      const ended = once(socket, 'end')
      for (const piece of pieces) {
        peer.write(piece)
        await new Promise(setImmediate)
      }
      peer.end()
      await ended
      socket.destroy()
      return Buffer.concat(taken).equals(Buffer.concat(pieces))
    }), { numRuns: 30 })
  })
}

t.test('undici takes what is pushed at once', async t => {
  const server = createHttpServer((_request, response) => { response.end('text') }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const pool = newPool(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/of/no/account`))
  t.teardown(() => pool.destroy().then(() => server.close()))
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 50
  const callers = await new Promise<string>((resolve, reject) => {
    pool.dispatch({ method: 'GET', path: '/' }, {
      onConnect () {},
      onHeaders: () => true,
      onData () {
        resolve(new Error('who calls').stack ?? '')
        return true
      },
      onComplete () {},
      onError: reject
    })
  }).finally(() => { Error.stackTraceLimit = stackTraceLimit })
  t.match(callers, /pushAtOnce/)
})
