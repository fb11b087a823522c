import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { CATALOGUE } from '../workers-ai/models/catalogue.ts'
import { NativeError, toEdgePage, toFailureIn200 } from './errors.ts'
import { pause, sendEvents, untilClosed } from './native/event-stream.ts'
import { toValue } from './script/json.ts'
import { isRetired } from './listing.ts'
import { toOutcome, type Outcome } from './run.ts'

/** State shared by all runs. */
export interface RunState {
  tokensPerSecond: number
  retiredModels: 'serve' | 'refuse'
  /** Words every message is taken to begin with. */
  order: string
  now: () => number
  requests: RecordedRequest[]
  openStreams: number
  /** Scripted failures so far, by message. */
  failures: Map<string, number>
}

/** A run as it was asked for. */
export interface RecordedRequest {
  model: string
  /** Parsed JSON; the text itself where that does not parse. */
  body: unknown
  headers: IncomingHttpHeaders
  /** With the query. */
  path: string
  /** Whether the client closed the connection before the answer ended. */
  closedEarly: boolean
}

interface Connection {
  closed: AbortSignal
  /** Whether this side broke it. */
  isBroken: boolean
}

const MAX_REQUESTS = 100
const MAX_FAILURES = 1000
const SLOW_TOKENS_PER_SECOND = 20
const QUEUE_MS = 1_000
const MODEL_ID = /^@(?:cf|hf)(?:\/[\w.-]+)+$/

/** Answers `POST …/run/<model>`. Throws a `NativeError` for what Cloudflare would refuse. */
export async function serveRun (request: FastifyRequest, reply: FastifyReply, state: RunState): Promise<unknown> {
  const id = (request.params as { '*': string })['*'].replace(/^run\//, '')
  const record = { model: id, body: toValue(String(request.body ?? '')), headers: request.headers, path: request.url, closedEarly: false }
  remember(record, state)
  const connection = watch(reply, record)

  const outcome = decide(record, request, reply, state)
  if ('isQueued' in outcome) await pause(QUEUE_MS, connection.closed)
  switch (outcome.kind) {
    case 'result':
      await pause(outcome.tokens * 1000 / toPace(outcome, state), connection.closed)
      return reply.header('cf-ai-neurons', String(outcome.neurons)).send({ result: outcome.result, success: true, errors: [], messages: [] })
    case 'failure in 200':
      return reply.send(toFailureIn200(outcome.error, request.id))
    case 'page':
      return sendPage(reply, outcome.status)
    case 'stall':
      reply.hijack()
      return untilClosed(connection.closed)
    case 'stream':
      return sendStream(request, reply, outcome, connection, state)
  }
}

function remember (record: RecordedRequest, { requests }: RunState): void {
  requests.push(record)
  if (requests.length > MAX_REQUESTS) requests.shift()
}

function watch (reply: FastifyReply, record: RecordedRequest): Connection {
  const closed = new AbortController()
  const connection = { closed: closed.signal, isBroken: false }
  reply.raw.once('close', () => {
    record.closedEarly = !reply.raw.writableFinished && !connection.isBroken
    closed.abort()
  })
  return connection
}

function decide ({ model: id, body }: RecordedRequest, request: FastifyRequest, reply: FastifyReply, state: RunState): Outcome {
  if (!MODEL_ID.test(id)) throw new NativeError(7000)
  reply.header('cf-ai-req-id', request.id)
  const model = CATALOGUE.get(id)
  if (!model) throw new NativeError(5007, { message: `No such model ${id} or task` })
  const now = state.now()
  if (state.retiredModels === 'refuse' && isRetired(model, now)) throw new NativeError(5028, { message: `This model was deprecated on ${model.retirement}. Please use an alternative model.` })
  if (body === '') throw new NativeError(3003)
  return toOutcome(body, model, {
    requestId: request.id,
    created: Math.floor(now / 1000),
    order: state.order,
    header: toUtf8(request.headers['x-simulator']),
    isToFail: (message, times) => countFailure(message, times, state)
  })
}

/** Headers come with a character for each byte. */
function toUtf8 (header: string | string[] | undefined): string {
  return Buffer.from(String(header ?? ''), 'latin1').toString('utf8')
}

function countFailure (message: string, times: number, { failures }: RunState): boolean {
  const soFar = failures.get(message) ?? 0
  failures.delete(message)
  if (soFar >= times) return false
  if (failures.size >= MAX_FAILURES) failures.clear()
  failures.set(message, soFar + 1)
  return true
}

/** Tokens per second; Infinity for as fast as possible. */
function toPace ({ isSlow }: { isSlow: boolean }, { tokensPerSecond }: RunState): number {
  if (isSlow) return SLOW_TOKENS_PER_SECOND
  return tokensPerSecond > 0 ? tokensPerSecond : Infinity
}

function sendPage (reply: FastifyReply, status: number): FastifyReply {
  const { type, body } = toEdgePage(status)
  if (status === 429) reply.header('retry-after', '1')
  // the edge answers before the model layer, which names the request, is reached
  return reply.removeHeader('cf-ai-req-id').code(status).type(type).send(body)
}

async function sendStream (request: FastifyRequest, reply: FastifyReply, outcome: Outcome & { kind: 'stream' }, connection: Connection, state: RunState): Promise<void> {
  reply.hijack()
  reply.raw.writeHead(200, { ...reply.getHeaders() as OutgoingHttpHeaders, 'content-type': 'text/event-stream' })
  reply.raw.flushHeaders()
  state.openStreams++
  try {
    const { frames, fault } = outcome
    const ending = await sendEvents(reply.raw, frames, {
      fault,
      tokensPerSecond: toPace(outcome, state),
      closed: connection.closed,
      requestId: request.id
    })
    connection.isBroken = ending === 'break'
  } finally {
    state.openStreams--
  }
}
