import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Test } from 'tap'
import { API_TOKEN, ACCOUNT_ID } from './start-proxy.ts'

/** One request as it came over the wire, whatever it was. */
export interface Recorded {
  method: string
  /** With the query, as it was written. */
  target: string
  headers: IncomingHttpHeaders
  rawHeaders: string[]
  body: string
}

export interface Answer {
  status?: number
  headers?: Record<string, string | string[]>
  /** Text goes as it is, anything else as JSON. */
  body: unknown
}

export interface RecordedUpstream {
  /** The base of Cloudflare's API. */
  url: string
  /** Everything that was asked for, listings and schemas included, in their order. */
  requests: Recorded[]
  /** Those that ask a model to run. */
  runs: () => Recorded[]
}

export const HELLO: Answer = { body: { result: { response: 'hello', usage: { prompt_tokens: 1, completion_tokens: 1 } }, success: true, errors: [], messages: [] } }

/** What Cloudflare says when its token may not list models. */
const NO_LISTING: Answer = { status: 403, body: { success: false, errors: [{ code: 10000, message: 'Authentication error' }] } }

/** Starts a Cloudflare that keeps all it is asked for, and gives the answer to every run. */
export async function startRecordedUpstream (t: Test, answer: (run: Recorded) => Answer = () => HELLO): Promise<RecordedUpstream> {
  const requests: Recorded[] = []
  const server = createServer(async (request, response) => {
    const { method = '', url: target = '', headers, rawHeaders } = request
    const recorded = { method, target, headers, rawHeaders, body: await text(request) }
    requests.push(recorded)
    const { status = 200, headers: extra = {}, body } = method === 'POST' ? answer(recorded) : NO_LISTING
    response.writeHead(status, { 'content-type': typeof body === 'string' ? 'text/event-stream' : 'application/json', ...extra })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  server.listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/client/v4`, requests, runs: () => requests.filter(({ method }) => method !== 'GET') }
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
