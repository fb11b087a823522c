import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { API_TOKEN, ACCOUNT_ID } from './start-proxy.ts'

/** One request as it came over the wire, whatever it was. */
export interface Recorded {
  method: string
  /** With the query, as it was written. */
  target: string
  headers: IncomingHttpHeaders
  rawHeaders: string[]
  /** The body as it came. */
  text: string
  /** What it says; empty without a body. */
  body: Record<string, unknown>
  /** True once the asking side has left before the answer was complete. */
  isAborted: boolean
}

/** What the upstream gives to one run. */
export interface Answer {
  status?: number
  contentType?: string
  headers?: Record<string, string | string[]>
  /**
   * Bytes and text go as they are, anything else as JSON. Several pieces are written one after the other, so that each is likely to be
   * a read of its own.
   */
  body: unknown
  /** How the connection ends: as HTTP wants it, broken off, or not at all. */
  end?: 'reset' | 'never'
}

export interface RecordedUpstream {
  /** The base of Cloudflare's API. */
  url: string
  /** Everything that was asked for, listings and schemas included, in their order. */
  requests: Recorded[]
  /** Those that ask a model to run. */
  runs: Recorded[]
}

export const HELLO: Answer = { body: { result: { response: 'hello', usage: { prompt_tokens: 1, completion_tokens: 1 } }, success: true, errors: [], messages: [] } }

/** What Cloudflare says when its token may not list models. */
const NO_LISTING: Answer = { status: 403, body: { success: false, errors: [{ code: 10000, message: 'Authentication error' }] } }

/** What comes after the last answer of a list. */
const NO_ANSWER_LEFT: Answer = { status: 500, body: { success: false, errors: [] } }

/**
 * Starts a Cloudflare that keeps all it is asked for, and gives an answer to every run: the nth of a list to the nth, or what the
 * function makes of the run and its number, from 1. It lists no models, and is gone with the test.
 */
export async function startRecordedUpstream (t: Test, answers: readonly Answer[] | ((run: Recorded, count: number) => Answer) = () => HELLO): Promise<RecordedUpstream> {
  const requests: Recorded[] = []
  const runs: Recorded[] = []
  const answerOf = typeof answers === 'function' ? answers : (_run: Recorded, count: number) => answers[count - 1] ?? NO_ANSWER_LEFT
  const server = createServer(async (request, response) => {
    const { method = '', url: target = '', headers, rawHeaders } = request
    const whole = await text(request)
    const recorded: Recorded = { method, target, headers, rawHeaders, text: whole, body: whole === '' ? {} : JSON.parse(whole), isAborted: false }
    requests.push(recorded)
    response.once('close', () => { recorded.isAborted = !response.writableFinished })
    await give(response, method === 'GET' ? NO_LISTING : answerOf(recorded, runs.push(recorded)))
  })
  server.listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/client/v4`, requests, runs }
}

async function give (response: ServerResponse, { status = 200, contentType = 'application/json', headers = {}, body, end }: Answer): Promise<void> {
  response.writeHead(status, { 'content-type': contentType, ...headers })
  for (const piece of [body].flat() as unknown[]) {
    response.write(typeof piece === 'string' || piece instanceof Uint8Array ? piece : JSON.stringify(piece))
    if (Array.isArray(body)) await sleep(5)
  }
  if (end === 'reset') {
    await sleep(20)
    response.socket?.resetAndDestroy()
  } else if (end === undefined) {
    response.end()
  }
}

/** A result in Cloudflare's envelope. */
export function toAnswer (result: unknown): Answer {
  return { body: { result, success: true, errors: [], messages: [] } }
}

/** A native stream of these frames; text stands for itself, anything else is written as JSON. */
export function toEvents (...data: unknown[]): Answer {
  return { contentType: 'text/event-stream', body: data.map(one => `data: ${typeof one === 'string' ? one : JSON.stringify(one)}\n\n`).join('') }
}

/** All headers of an answer. */
export function headersOf ({ headers }: Response): Record<string, string> {
  const all: Record<string, string> = {}
  headers.forEach((value, name) => { all[name] = value })
  return all
}

const PATH = `/client/v4/accounts/${ACCOUNT_ID}/ai`
const ALLOWED = [
  /^POST run\/@(cf|hf)\/[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*$/,
  /^GET models\/search\?per_page=100&page=\d+$/,
  /^GET models\/schema\?model=%40(cf|hf)%2F[\w.-]+%2F[\w.-]+$/
]

/** What of a request to Cloudflare is not as the proxy's settings alone would have it; empty when all is well. */
export function complaintsAbout ({ method, target, headers, rawHeaders }: Recorded, token = API_TOKEN): string[] {
  const complaints: string[] = []
  const path = target.startsWith(`${PATH}/`) ? target.slice(PATH.length + 1) : `(elsewhere) ${target}`
  if (!ALLOWED.some(pattern => pattern.test(`${method} ${path}`))) complaints.push(`${method} ${path}`)
  if (headers.authorization !== `Bearer ${token}`) complaints.push(`authorization: ${headers.authorization}`)
  if (!/^127\.0\.0\.1:\d+$/.test(headers.host ?? '')) complaints.push(`host: ${headers.host}`)
  const names = rawHeaders.filter((_, index) => index % 2 === 0).map(name => name.toLowerCase())
  const foreign = names.filter(name => !OWN_HEADERS.includes(name))
  if (foreign.length > 0) complaints.push(`headers: ${foreign.join(', ')}`)
  if (new Set(names).size < names.length) complaints.push(`a header comes twice: ${names.join(', ')}`)
  return complaints
}

const OWN_HEADERS = ['host', 'connection', 'authorization', 'user-agent', 'accept', 'accept-encoding', 'content-type', 'content-length', 'x-session-affinity']
