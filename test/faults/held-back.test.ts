import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { readChatStream } from '../streams/chat-stream.ts'
import { waited } from '../servers/http-client.ts'
import { LOOPBACK_CERTIFICATE, TRANSPORTS, type Transport } from '../servers/loopback-server.ts'
import { ask, saying } from '../servers/start-proxy.ts'
import { startBuiltServer, type BuiltServer } from '../servers/built-server.ts'
import { chunk, frames, http, LAST_CHUNK, answering, startRawUpstream, STREAM_HEAD, wantsStream, type Step } from '../servers/raw-upstream.ts'

// Two processes that copy megabytes, beside all else that a machine may do. The parts give up before the file does, and say what was awaited.
t.setTimeout(600_000)

const PATIENCE_MS = 60_000

/** One event of a stream; many of them fill what lies between the proxy and a client that does not read. */
const EVENT = `data: ${JSON.stringify({ response: 'x'.repeat(16_000) })}\n\n`
/** What the proxy takes in when it can give nothing more: as much waits for the reader, then undici's parser is paused, and as much again is read by Node. */
const HELD_BYTES = 65_536
const LAST_EVENTS = 'data: {"response":"","usage":{"prompt_tokens":1,"completion_tokens":1}}\n\ndata: [DONE]\n\n'
/** Told by a head and not reached by far, unless something goes wrong. */
const LONG = 400_000_000

const FRAMINGS = {
  'to the end of the connection': { headers: { connection: 'close' }, isChunked: false },
  'in chunks, and closed': { headers: { connection: 'close', 'transfer-encoding': 'chunked' }, isChunked: true },
  'in chunks': { headers: { 'transfer-encoding': 'chunked' }, isChunked: true },
  'with a length, and closed': { headers: { connection: 'close', 'content-length': String(LONG) }, isChunked: false },
  'with a length': { headers: { 'content-length': String(LONG) }, isChunked: false }
}

const SURFACES = {
  '/v1/chat/completions': { body: { messages: [{ role: 'user', content: 'x' }] }, isWhole: /data: \[DONE\]/, isBroken: /data: \{"error":/ },
  '/v1/completions': { body: { prompt: 'x' }, isWhole: /data: \[DONE\]/, isBroken: /data: \{"error":/ },
  '/v1/responses': { body: { input: 'x' }, isWhole: /event: response\.completed/, isBroken: /event: error[^]+event: response\.failed/ }
}

interface Case {
  name: string
  surface: keyof typeof SURFACES
  framing: keyof typeof FRAMINGS
  /** How the connection ends. */
  ending: 'RESET' | 'FIN' | 'SILENT FIN'
  /** Whether all has been said before. */
  isWhole?: boolean
  rest?: { n: number }
}

/** A client that does not read until it is resumed. */
interface Client {
  socket: Socket
  /** Everything, once the connection is closed, or what has come of it by then. */
  read: () => Promise<string>
}

async function open ({ port }: BuiltServer, { surface, rest }: Case, model: string): Promise<Client> {
  const body = JSON.stringify({ model, stream: true, ...SURFACES[surface].body, ...rest })
  const socket = connect(port, '127.0.0.1').on('error', () => {}).pause()
  socket.write(`POST ${surface} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
  await once(socket, 'connect')
  const pieces: Buffer[] = []
  return {
    socket,
    read: async () => {
      socket.on('data', piece => pieces.push(piece)).resume()
      await waited(() => socket.closed, PATIENCE_MS).catch(() => {})
      return Buffer.concat(pieces).toString()
    }
  }
}

/** How old what is known of the kernel's queues may be. Thousands of closed connections make them slow to read, and all cases ask for them. */
const FRESH_MS = 5

/** Unsent and unread bytes of connections, by their ports. */
let queues = new Map<string, [unsent: number, unread: number]>()
let queuesReadAt = -Infinity

function queuesOf (localPort: number, remotePort: number): [unsent: number, unread: number] {
  if (performance.now() - queuesReadAt > FRESH_MS) {
    const known = readFileSync('/proc/net/tcp', 'utf8').matchAll(/^ *\d+: \w+:(\w+) \w+:(\w+) \w+ (\w+):(\w+)/gm)
    queues = new Map([...known].map(([, ...fields]) => {
      const [local, remote, unsent = 0, unread = 0] = fields.map(field => Number(`0x${field}`))
      return [`${local} ${remote}`, [unsent, unread]]
    }))
    queuesReadAt = performance.now()
  }
  return queues.get(`${localPort} ${remotePort}`) ?? [0, 0]
}

/** Bytes that the kernel keeps for a client: sent by the server and not read. */
function waitingFor ({ localPort = 0, remotePort = 0 }: Socket): number {
  const [, unread] = queuesOf(localPort, remotePort)
  const [unsent] = queuesOf(remotePort, localPort)
  return unread + unsent
}

/** Whether nothing more reaches a client, and so the proxy has to hold back: a piece that was sent does not come to it. */
function isFull (client: () => Socket | undefined): () => Promise<boolean> {
  let before = 0
  return async () => {
    for (let looks = 0; looks < 6; looks++) {
      const socket = client()
      const waiting = socket === undefined ? 0 : waitingFor(socket)
      if (waiting !== before) {
        before = waiting
        return false
      }
      await sleep(10)
    }
    return before > 0
  }
}

function modelOf (path: string): string {
  return path.slice(path.indexOf('/run/') + '/run/'.length)
}

/** Sends until the proxy holds it back, then so much that it still reads, and ends. */
function holding ({ framing, ending, isWhole }: Case, client: () => Socket | undefined, end: () => void): Step[] {
  const { headers, isChunked } = FRAMINGS[framing]
  const framed = (text: string) => isChunked ? chunk(text) : text
  return [
    http(200, { 'content-type': 'text/event-stream', ...headers }),
    { again: framed(EVENT + EVENT), times: LONG / EVENT.length / 2, until: isFull(client) },
    { again: framed(EVENT), times: Math.ceil(HELD_BYTES / EVENT.length), until: () => sleep(10, false) },
    50,
    // What the kernel has no room for is sent once the client reads again.
    async () => { end() },
    ...(isWhole ? [framed(LAST_EVENTS), ...(isChunked ? [LAST_CHUNK] : [])] : []),
    50,
    ending
  ]
}

/** What goes wrong for others in the meantime, before their answers: by the model that is asked for. */
const BESIDE: Record<string, { given: Step[], isEarly?: boolean }> = {
  '@cf/evil/half-a-head-reset': { given: ['HTTP/1.1 200 OK\r\ncontent-ty', 30, 'RESET'] },
  '@cf/evil/half-a-head-end': { given: ['HTTP/1.1 200 OK\r\ncontent-ty', 'FIN'] },
  '@cf/evil/half-a-body-reset': { given: [30, 'RESET'], isEarly: true },
  '@cf/evil/half-a-body-end': { given: [30, 'FIN', 30, 'RESET'], isEarly: true }
}

/** Plays all cases at once, beside a stream that goes on, and checks what everybody got. */
async function check (t: Test, transport: Transport, cases: readonly Case[], env: Record<string, string> = {}): Promise<void> {
  const clients: Client[] = []
  t.teardown(() => { for (const { socket } of clients) socket.destroy() })
  const expected = cases.reduce((sum, { rest }) => sum + (rest?.n ?? 1), 0)
  const ended: number[] = []
  const isAllEnded = () => ended.length === expected
  const evil = await startRawUpstream(t, asked => {
    const number = /\/case-(\d+)$/.exec(asked.path)?.[1]
    if (number !== undefined) return holding(cases[Number(number)] as Case, () => clients[Number(number)]?.socket, () => { ended.push(Number(number)) })
    const fault = BESIDE[modelOf(asked.path)]
    if (fault !== undefined) return fault.given
    if (!wantsStream(asked)) return answering('hi', false)
    return [STREAM_HEAD, frames({ response: 'Hel' }), () => waited(isAllEnded, PATIENCE_MS).catch(() => {}), ...answering('lo', true).slice(1)]
  }, {
    transport,
    early: path => {
      const fault = BESIDE[modelOf(path)]
      return fault?.isEarly ? fault.given : undefined
    }
  })
  const server = await startBuiltServer(t, { CLOUDFLARE_API_BASE_URL: evil.url, NODE_EXTRA_CA_CERTS: LOOPBACK_CERTIFICATE, MAX_RETRIES: '0', CLIENT_IDLE_TIMEOUT_MS: '600000', ...env })

  const beside = ask(server, { ...saying('x', { stream: true }), model: '@cf/evil/others' }).then(answer => answer.text())
  for (const [number, one] of cases.entries()) clients.push(await open(server, one, `@cf/evil/case-${number}`))
  for (const [model, { isEarly }] of Object.entries(BESIDE)) {
    for (const stream of [false, true]) {
      const answer = await ask(server, { ...saying('x'.repeat(isEarly ? 8_000_000 : 1), { stream }), model })
      t.match([answer.status, await answer.json()], [502, { error: { code: 'upstream_unreachable' } }], `${model}, ${stream ? 'streamed' : 'plain'}`)
    }
  }
  await Promise.race([waited(isAllEnded, PATIENCE_MS).catch(() => {}), server.ended])
  t.equal(ended.length, expected, `not held back: ${cases.filter((_, number) => !ended.includes(number)).map(({ name }) => name).join('; ')}`)
  await sleep(1_000)
  t.equal(server.child.exitCode, null, 'it lives')
  t.equal((await fetch(`${server.url}/health`)).status, 200)
  for (const [number, { name, surface, isWhole = false }] of cases.entries()) {
    const { socket, read } = clients[number] as Client
    const told = await read()
    t.ok(socket.closed, `${name}: the connection ends`)
    const patterns = SURFACES[surface]
    t.equal(patterns.isWhole.test(told), isWhole, `${name}: ${told.length} bytes, ${told.slice(-200)}`)
    t.equal(patterns.isBroken.test(told), !isWhole, name)
  }
  t.match(readChatStream(await Promise.race([beside, sleep(PATIENCE_MS, '', { ref: false })])), { complaints: [], isDone: true }, 'the others hear nothing of it')
  t.equal((await ask(server, { ...saying('x'), model: '@cf/evil/others' })).status, 200, 'and new ones are served')
  server.child.kill('SIGTERM')
  t.equal(await Promise.race([server.ended, sleep(PATIENCE_MS, 'still running', { ref: false })]), 0)
  t.strictSame(server.lines().filter(({ level }) => Number(level) >= 50), [])
}

/** One case for each framing that is named, by one surface after the other. */
function casesOf (framings: Array<keyof typeof FRAMINGS>, how: Pick<Case, 'ending' | 'isWhole'>): Case[] {
  const surfaces = Object.keys(SURFACES) as Array<keyof typeof SURFACES>
  return framings.map((framing, index) => {
    const surface = surfaces[index % surfaces.length] ?? '/v1/responses'
    return { name: `${surface}, ${framing}, ${how.ending}`, surface, framing, ...how }
  })
}

for (const transport of TRANSPORTS) {
  t.test(`${transport}: whatever ends the connection of an answer that is held back ends that answer alone`, async t => {
    const silent = transport === 'TLS' ? 'SILENT FIN' : 'FIN'
    await check(t, transport, [
      ...casesOf(['to the end of the connection', 'in chunks, and closed', 'with a length, and closed', 'in chunks'], { ending: 'RESET' }),
      ...casesOf(['in chunks', 'with a length', 'to the end of the connection'], { ending: 'FIN' }),
      ...casesOf(['with a length', 'to the end of the connection', 'in chunks, and closed'], { ending: silent, isWhole: true })
    ])
  })
}

t.test('several choices, and several processes, are no exception', async t => {
  const choices = casesOf(['to the end of the connection', 'in chunks, and closed'], { ending: 'RESET' })
    .map((one): Case => ({ ...one, surface: '/v1/chat/completions', name: `three choices, ${one.framing}`, rest: { n: 3 } }))
  await check(t, 'TCP', [...choices, ...casesOf(['to the end of the connection', 'with a length, and closed'], { ending: 'RESET' })], { WORKERS: '2' })
})
