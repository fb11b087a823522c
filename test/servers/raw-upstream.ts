import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { startLoopbackServer, type Connection, type Transport } from './loopback-server.ts'

/**
 * One thing the upstream does with a connection: bytes, a pause in milliseconds, something to wait for, bytes over and
 * over, so many times or until something holds, or its end. `FIN` says that nothing more comes, by TLS where there is TLS,
 * `SILENT FIN` by TCP alone.
 */
export type Step = string | Buffer | number | (() => Promise<unknown>) | Repetition | 'FIN' | 'SILENT FIN' | 'RESET'

interface Repetition {
  again: string | Buffer
  times: number
  /** Ends it earlier. */
  until?: () => Promise<boolean>
}

/** A request that has arrived whole, and what became of its answer. */
export interface Asked {
  path: string
  /** The head as it came. */
  head: string
  body: string
  /** Bytes of the answer that the other side has taken, or that wait to be taken. */
  sent: number
  /** Whether the connection is closed, by whichever side. */
  isClosed: boolean
  /** When the other side ended the connection, by `performance.now()`; undefined while it has not. */
  leftAt: number | undefined
}

/** What is done with the nth request (from 1) that asks for a run; after the last step the connection stays open. */
export type Script = (asked: Asked, count: number) => Step[]

interface RawUpstreamOptions {
  transport?: Transport
  /** What is done once the head of a request to a path is there, while its body may still come; undefined: its body is awaited. */
  early?: (path: string) => Step[] | undefined
  /** What is done with a request that asks for no run, such as one for the list of models. By default it is refused. */
  listing?: Script
}

export interface RawUpstream {
  /** Stands in for Cloudflare's API. */
  url: string
  port: number
  /** Runs that were asked for, oldest first; other requests as well, where a script answers them. */
  asked: Asked[]
  /** Connections that are open now. */
  open: () => number
  /** Connections that were ever made. */
  connections: () => number
  /** Closes every connection. */
  hangUp: () => void
}

/**
 * Starts a Cloudflare that writes exactly the bytes it is told to, when it is told to, and ends connections in any way.
 * It is gone with the test.
 */
export async function startRawUpstream (t: Pick<Test, 'teardown'>, script: Script, { transport = 'TCP', early = () => undefined, listing }: RawUpstreamOptions = {}): Promise<RawUpstream> {
  const asked: Asked[] = []
  const sockets = new Set<Socket>()
  let connections = 0
  const server = await startLoopbackServer(transport, connection => {
    const { socket } = connection
    connections++
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    serve(connection, (request, method) => {
      if (method === 'POST') return script(request, asked.push(request))
      return listing?.(request, asked.push(request)) ?? [json({ success: false }, 403)]
    }, early)
  })
  const hangUp = () => { for (const socket of sockets) socket.destroy() }
  t.teardown(() => {
    hangUp()
    server.close()
  })
  const { url, port } = server
  return { url, port, asked, open: () => sockets.size, connections: () => connections, hangUp }
}

/** The head and the body of an answer. */
export function http (status: number, headers: Record<string, string>, body: string | Buffer = ''): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status} Status\r\n${lines.join('')}\r\n`), Buffer.from(body)])
}

export function json (value: unknown, status = 200, headers: Record<string, string> = {}): Buffer {
  const body = typeof value === 'string' ? value : JSON.stringify(value)
  return http(status, { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)), ...headers }, body)
}

export const STREAM_HEAD = http(200, { 'content-type': 'text/event-stream', 'transfer-encoding': 'chunked' })

/** One chunk of a chunked body. */
export function chunk (bytes: string | Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${Buffer.byteLength(bytes).toString(16)}\r\n`), Buffer.from(bytes), Buffer.from('\r\n')])
}

export const LAST_CHUNK = '0\r\n\r\n'

/** Frames of a native stream as one chunk; text stands for itself, anything else is written as JSON. */
export function frames (...data: unknown[]): Buffer {
  return chunk(data.map(one => `data: ${typeof one === 'string' ? one : JSON.stringify(one)}\n\n`).join(''))
}

/** A plain answer, or a stream, that says this and ends well. */
export function answering (text: string, isStream: boolean): Step[] {
  const usage = { prompt_tokens: 1, completion_tokens: 1 }
  if (!isStream) return [json({ result: { response: text, usage }, success: true, errors: [], messages: [] })]
  return [STREAM_HEAD, frames({ response: text }, { response: '', usage }, '[DONE]'), LAST_CHUNK]
}

/** A failure in Cloudflare's envelope. */
export function failing (status: number, code: number, headers: Record<string, string> = {}): Step[] {
  return [json({ result: null, success: false, errors: [{ code, message: `AiError: failure ${code}` }], messages: [] }, status, headers)]
}

/** Whether a request asks for a stream. */
export function wantsStream ({ body }: Pick<Asked, 'body'>): boolean {
  return (JSON.parse(body) as { stream?: boolean }).stream === true
}

function serve (connection: Connection, answer: (asked: Asked, method: string) => Step[], early: NonNullable<RawUpstreamOptions['early']>): void {
  const { socket } = connection
  let received = Buffer.alloc(0)
  let pieces: Buffer[] = []
  let missing = 0
  socket.setMaxListeners(0).setNoDelay(true)
  socket.on('error', () => {})
  socket.on('data', async bytes => {
    pieces.push(bytes)
    missing -= bytes.length
    if (missing > 0) return
    received = Buffer.concat([received, ...pieces])
    pieces = []
    const end = received.indexOf('\r\n\r\n')
    if (end < 0) return
    const head = received.subarray(0, end).toString('latin1')
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
    const [method = '', path = ''] = head.split(' ')
    const hasty = early(path)
    if (hasty !== undefined) {
      // As a server that has heard enough: nothing more is read.
      socket.pause()
      return play(connection, hasty, watch(socket, { path, head, body: '' }))
    }
    missing = end + 4 + length - received.length
    if (missing > 0) return
    const asked = watch(socket, { path, head, body: received.subarray(end + 4).toString() })
    received = Buffer.alloc(0)
    await play(connection, answer(asked, method), asked)
  })
}

function watch (socket: Socket, { path, head, body }: Pick<Asked, 'path' | 'head' | 'body'>): Asked {
  const asked: Asked = { path, head, body, sent: 0, isClosed: false, leftAt: undefined }
  const leave = () => { asked.leftAt ??= performance.now() }
  socket.once('end', leave)
  socket.once('close', () => {
    leave()
    asked.isClosed = true
  })
  return asked
}

async function play ({ socket, reset, endUnsaid }: Connection, steps: readonly Step[], asked: Asked): Promise<void> {
  for (const step of steps) {
    if (socket.destroyed) return
    if (step === 'FIN') socket.end()
    else if (step === 'SILENT FIN') endUnsaid()
    else if (step === 'RESET') reset()
    else if (typeof step === 'number') await sleep(step)
    else if (typeof step === 'function') await step()
    else await write(socket, typeof step === 'object' && 'again' in step ? step : { again: step, times: 1 }, asked)
  }
}

/** Writes as fast as the other side takes it. */
async function write (socket: Socket, { again, times, until }: Repetition, asked: Asked): Promise<void> {
  const bytes = Buffer.from(again)
  for (let count = 0; count < times && !socket.destroyed; count++) {
    asked.sent += bytes.length
    if (!socket.write(bytes)) await drained(socket)
    if (await until?.() === true) return
  }
}

function drained (socket: Socket): Promise<void> {
  return new Promise(resolve => {
    const settle = () => {
      socket.off('drain', settle).off('close', settle)
      resolve()
    }
    socket.on('drain', settle).on('close', settle)
  })
}
