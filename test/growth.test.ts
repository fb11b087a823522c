import { createHook } from 'node:async_hooks'
import diagnostics from 'node:diagnostics_channel'
import { once } from 'node:events'
import { Agent, createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t, { type Test } from 'tap'
import { TextRelay } from '../src/workers-ai/fast-path/text-relay.ts'
import { saying, startProxy } from './servers/start-proxy.ts'

// In a process of its own: it measures the heap, and counts objects of all kinds.

/** By which the client counts tokens, wherever reads cut them. */
const MARK = '~'
const SHORT_TOKEN = `${MARK}a`
/** Keeping the text of every token, or an object for each, would show in memory. */
const LONG_TOKEN = `${MARK}a`.padEnd(400, 'word ')

/** A stream that goes on in lockstep: the upstream does not write again before the client has what it wrote. */
interface Stream {
  /** Has the upstream write frames with these tokens in one piece, and waits until the client has them all. */
  send: (tokens: string[]) => Promise<void>
  /** Ends the stream, and waits until the client has its end. */
  end: () => Promise<void>
}

interface Proxied {
  /** Opens a stream, and asks for more than text in it with these. */
  open: (rest?: object) => Promise<Stream>
  /** How often the proxy has written to sockets of clients: each is a call to the system. */
  writes: () => number
  /** Listeners on the proxy's sockets, to clients and to the upstream. */
  listeners: () => number
}

const one = [SHORT_TOKEN]
const twenty = Array.from({ length: 20 }, () => SHORT_TOKEN)

/** Stages look into every text for these. */
const looking = { stop: ['THE END'], tools: [{ type: 'function', function: { name: 'look' } }] }

/** Starts a proxy in front of an upstream that is told what to write; the client keeps one connection. */
async function start (t: Test): Promise<Proxied> {
  const upstream = createServer((asking, answer) => {
    asking.resume()
    if (asking.method === 'POST') upstream.emit('asked', answer)
    else answer.writeHead(403).end()
  })
  await once(upstream.listen(0, '127.0.0.1'), 'listening')
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => {
    agent.destroy()
    upstream.closeAllConnections()
    upstream.close()
  })
  const upstreamPort = (upstream.address() as AddressInfo).port
  const sockets: Socket[] = []
  hear(t, 'net.client.socket', socket => sockets.push(socket))
  hear(t, 'net.server.socket', socket => sockets.push(socket))
  const { port } = await startProxy(t, { CLOUDFLARE_API_BASE_URL: `http://127.0.0.1:${upstreamPort}` })
  let writes = 0
  hear(t, 'net.server.socket', socket => { if (socket.localPort === port) countWrites(socket, () => writes++) })

  async function open (rest: object = {}): Promise<Stream> {
    const asking = request({ host: '127.0.0.1', port, method: 'POST', path: '/v1/chat/completions', agent, headers: { 'content-type': 'application/json' } })
    asking.end(JSON.stringify(saying('Go on.', { stream: true, ...rest })))
    const [answer] = await once(upstream, 'asked') as [ServerResponse]
    answer.writeHead(200, { 'content-type': 'text/event-stream' })
    answer.write(toFrames(one))
    const [told] = await once(asking, 'response') as [IncomingMessage]
    return toStream(answer, told)
  }

  return {
    open,
    writes: () => writes,
    listeners: () => sockets
      .filter(socket => !socket.destroyed && (socket.localPort === port || socket.remotePort === upstreamPort))
      .reduce((sum, socket) => sum + toListenerCount(socket), 0)
  }
}

function toStream (answer: ServerResponse, told: IncomingMessage): Stream {
  let underWay = 1
  told.on('data', (bytes: Buffer) => { underWay -= bytes.toString('latin1').split(MARK).length - 1 })
  async function arrived (): Promise<void> {
    await once(told, 'data')
    if (underWay > 0) await arrived()
  }
  return {
    send: async tokens => {
      underWay += tokens.length
      answer.write(toFrames(tokens))
      await arrived()
    },
    end: async () => {
      answer.end('data: {"response":"","usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}\n\ndata: [DONE]\n\n')
      await once(told, 'end')
    }
  }
}

function toFrames (tokens: string[]): string {
  return tokens.map(token => `data: {"response":"${token}","p":"abdefgh"}\n\n`).join('')
}

function hear (t: Test, channel: string, take: (socket: Socket) => void): void {
  const listener = (message: unknown) => take((message as { socket: Socket }).socket)
  diagnostics.subscribe(channel, listener)
  t.teardown(() => diagnostics.unsubscribe(channel, listener))
}

/** What is written while the socket is corked goes to the system at once, so `write` itself says nothing. */
function countWrites (socket: Socket, count: () => void): void {
  const { _write: write, _writev: writev } = socket
  socket._write = (...args) => {
    count()
    write.apply(socket, args)
  }
  socket._writev = (...args) => {
    count()
    writev?.apply(socket, args)
  }
}

function toListenerCount (socket: Socket): number {
  return socket.eventNames().reduce((sum, name) => sum + socket.listenerCount(name), 0)
}

/** How many asynchronous things (promises, timers, ticks, requests to the system) begin while something is done. */
async function countAsync (act: () => Promise<void>): Promise<number> {
  let begun = 0
  const hook = createHook({ init: () => { begun++ } }).enable()
  await act()
  hook.disable()
  return begun
}

/** Bytes in use once what can be collected is. */
async function usedHeap (): Promise<number> {
  setFlagsFromString('--expose-gc')
  const collectGarbage: () => void = runInNewContext('gc')
  for (let count = 0; count < 3; count++) {
    await turn()
    collectGarbage()
  }
  return process.memoryUsage().heapUsed
}

async function repeat (times: number, act: () => Promise<void>): Promise<void> {
  for (let count = 0; count < times; count++) await act()
}

t.test('each upstream read is one write, whatever it holds and however long the stream', async t => {
  const cases = [
    { name: 'a short stream of single tokens', given: { reads: 10, tokens: one } },
    { name: 'a long stream of single tokens', given: { reads: 500, tokens: one } },
    { name: 'twenty tokens in each read', given: { reads: 100, tokens: twenty } },
    { name: 'twenty tokens that a stage must see', given: { reads: 100, tokens: twenty, rest: looking } }
  ]
  const { open, writes } = await start(t)
  for (const { name, given: { reads, tokens, rest } } of cases) {
    const stream = await open(rest)
    await stream.send(tokens)
    const before = writes()
    await repeat(reads, () => stream.send(tokens))
    t.equal(writes() - before, reads, name)
    await stream.end()
  }
})

t.test('text that nobody in between wants to see takes the byte lane, and other text does not', async t => {
  const { open } = await start(t)
  const pushes = t.capture(TextRelay.prototype, 'push', TextRelay.prototype.push)
  const cases = [
    { name: 'plain text', given: {}, expected: 2_000 },
    { name: 'text that stages look into', given: looking, expected: 0 }
  ]
  for (const { name, given, expected } of cases) {
    const stream = await open(given)
    await repeat(2, () => stream.send(one))
    pushes()
    await repeat(100, () => stream.send(twenty))
    const bytes = pushes().reduce((sum, call) => sum + ('returned' in call ? call.returned : 0), 0)
    t.equal(bytes, expected * toFrames(one).length, name)
    await stream.end()
  }
})

t.test('promises, timers and ticks are made for reads, not for tokens, and no more of them late than early', async t => {
  const { open } = await start(t)
  const stream = await open()
  await repeat(50, () => stream.send(twenty))
  const early = await countAsync(() => repeat(100, () => stream.send(one)))
  const full = await countAsync(() => repeat(100, () => stream.send(twenty)))
  await repeat(500, () => stream.send(one))
  const late = await countAsync(() => repeat(100, () => stream.send(one)))
  t.ok(early > 0, 'they are counted')
  t.ok(full < early * 1.2, `${full} for 2,000 tokens in 100 reads, ${early} for 100`)
  t.ok(late < early * 1.2, `${late} late in the stream, ${early} early`)
  await stream.end()
})

t.test('listeners on sockets do not accumulate', async t => {
  const { open, listeners } = await start(t)
  await t.test('in a long stream', async t => {
    const stream = await open()
    await stream.send(one)
    const before = listeners()
    await repeat(300, () => stream.send(one))
    t.ok(before > 0, 'they are counted')
    t.equal(listeners(), before)
    await stream.end()
  })
  await t.test('over many streams on the same connections', async t => {
    async function whole (): Promise<void> {
      const stream = await open()
      await stream.send(one)
      await stream.end()
    }
    await repeat(3, whole)
    const before = listeners()
    await repeat(30, whole)
    t.equal(listeners(), before)
  })
})

t.test('memory after 10,000 tokens is what it was after 100', async t => {
  const cases = [
    { name: 'plain text', given: {} },
    { name: 'text that stages look into', given: looking }
  ]
  const hundred = Array.from({ length: 100 }, () => LONG_TOKEN)
  const { open } = await start(t)
  for (const { name, given } of cases) {
    const earlier = await open(given)
    await repeat(100, () => earlier.send(hundred))
    await earlier.end()
    const stream = await open(given)
    await stream.send(hundred)
    const before = await usedHeap()
    await repeat(99, () => stream.send(hundred))
    const growth = await usedHeap() - before
    t.ok(growth < 1_000_000, `${name}: it grew by ${growth} bytes`)
    await stream.end()
  }
})
