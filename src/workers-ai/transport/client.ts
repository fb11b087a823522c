import { hash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { errors, type Pool } from 'undici'
import { UpstreamError } from '../../errors.ts'
import { toAbortSignal, type CancelSignal } from '../../generation/cancellation.ts'
import { Circuits } from './circuit-breaker.ts'
import { describeBody, errorInAnswer, readJson, retryAfterSeconds, toUpstreamError } from './error-envelope.ts'
import { exchange, FORWARDED_HEADERS, headerOf, type Answer, type AnswerBody, type ExchangeOptions } from './dispatch.ts'
import type { ModelId } from '../models/model.ts'
import { newPool } from './pool.ts'
import { redactor } from './redaction.ts'
import { isInPieces, toText, type RequestBody } from './request-body.ts'
import { Patience, RetryBudgets, withRetries } from './retry.ts'

export interface WorkersAiOptions {
  /** e.g. `https://api.cloudflare.com/client/v4`. */
  apiBaseUrl: string
  accountId: string
  /** Empty when every run brings a token of its own. */
  apiToken: string
  /** Sends the runs through an AI Gateway: `baseUrl` e.g. `https://gateway.ai.cloudflare.com/v1`; the token is for authenticated gateways. */
  gateway?: { id: string, token?: string, baseUrl: string } | undefined
  /** How often a run may be repeated before its first byte. */
  maxRetries: number
  /** Patience for the first byte of an answer, in milliseconds. */
  headersTimeoutMs: number
  /** Patience for silence inside an answer, in milliseconds; a reader that is slow itself does not count. */
  idleTimeoutMs: number
  userAgent: string
  /** Whether the simulator answers instead of Cloudflare, which then hears its words. */
  isSimulator?: boolean
}

export interface RunOptions {
  /** Aborted when the client has left: the run ends at once in every phase, and its upstream connection with it. */
  signal: CancelSignal
  /** Requests with the same value land where their prompt's prefix is cached. A hint: a value that no header can carry is left out. */
  sessionAffinity?: string | undefined
  /** The caller's `x-simulator`: words for the simulator, which never reach Cloudflare. */
  simulatorWords?: string | string[] | undefined
  /** Used instead of the client's own token: the caller's, when callers bring theirs. */
  apiToken?: string | undefined
  /** Whose run it is, by a name that is no secret: each has retries of its own. All runs without one are of the same. */
  caller?: string | undefined
  /** Whether the body asks for a stream. */
  stream: boolean
  /** What is left of the patience of a request that leads to several runs. */
  patience?: Patience | undefined
  observer?: WireObserver | undefined
}

/** Hears all that goes over the wire, secrets taken out: content, which only those may log who were asked to. */
export interface WireObserver {
  /** The native body, once for each attempt. */
  sent: (body: string) => void
  /** A whole body that came back; that of a stream when it has ended, however it did. */
  received: (body: string) => void
}

/** A successful answer: server-sent events or JSON, whichever was asked for: some models answer JSON to `stream: true`. */
export type RunAnswer = AnswerHead & (StreamAnswer | JsonAnswer)

interface AnswerHead {
  status: number
  /** Only the request id, the billed neurons, `cf-ray` and AI Gateway's log id, event id and cache status. */
  headers: Record<string, string>
  /** 1 when nothing had to be repeated. */
  attempts: number
  /** Takes the secrets of this run out of what Cloudflare says in it. */
  redact: (text: string) => string
}

/** Whoever takes it reads its body to the end, releases or destroys it. */
interface StreamAnswer {
  isStream: true
  /** The bytes as they come; what reading rejects with belongs into `toStreamError`. */
  body: AnswerBody
}

interface JsonAnswer {
  isStream: false
  /** An object or array, of at most 32 MiB of text. */
  json: object
  /** That text. */
  text: string
}

interface UpstreamRequest {
  options: ExchangeOptions
  signal: CancelSignal
  /** Takes the secrets of this request out of a text. */
  redact: (text: string) => string
  observer?: WireObserver | undefined
}

/** The name of the proxy's own credentials, where those of callers are told by a digest. */
const ACCOUNT = 'account'

const LISTING_TIMEOUT_MS = 15_000
const MAX_JSON_BYTES = 32 * 1024 * 1024
const MAX_ERROR_BYTES = 64 * 1024
const ERROR_BODY_TIMEOUT_MS = 2_000

/** The wire to Cloudflare: one account's Workers AI over pooled connections. */
export class WorkersAi {
  readonly #options: WorkersAiOptions
  /** Names and values in turns, as undici takes them, here and below. */
  readonly #headers: string[]
  readonly #api: { pool: Pool, accountPath: string }
  readonly #runs: { pool: Pool, path: string, headers: string[], streamHeaders: string[] }
  readonly #secrets: string[]
  readonly #redact: (text: string) => string
  readonly #budgets = new RetryBudgets()
  readonly #circuits = new Circuits(Date.now)

  constructor (options: WorkersAiOptions) {
    const { apiBaseUrl, accountId, apiToken, gateway, userAgent } = options
    this.#options = options
    this.#headers = ['user-agent', userAgent, 'accept-encoding', 'identity']
    const account = encodeURIComponent(accountId)
    const api = new URL(apiBaseUrl)
    this.#api = { pool: newPool(api), accountPath: `${pathOf(api)}/accounts/${account}` }
    const headers = [...this.#headers, 'content-type', 'application/json', ...(gateway?.token === undefined ? [] : ['cf-aig-authorization', `Bearer ${gateway.token}`])]
    this.#runs = {
      pool: this.#api.pool,
      path: `${this.#api.accountPath}/ai/run`,
      headers: [...headers, 'accept', 'application/json'],
      streamHeaders: [...headers, 'accept', 'text/event-stream, application/json']
    }
    if (gateway !== undefined) {
      const url = new URL(gateway.baseUrl)
      this.#runs = { ...this.#runs, pool: newPool(url), path: `${pathOf(url)}/${account}/${encodeURIComponent(gateway.id)}/workers-ai` }
    }
    this.#secrets = [accountId, apiToken, gateway?.token ?? '']
    this.#redact = redactor(this.#secrets)
  }

  /**
   * Runs a model on a body that is JSON already. Answers as soon as the headers of a stream, or the whole of a
   * JSON answer, have come; until then failures that may pass are retried.
   * @throws UpstreamError for everything Cloudflare or the network does; the signal's reason when it aborts.
   */
  async run (model: ModelId, body: RequestBody, { signal, sessionAffinity, simulatorWords, stream, apiToken, caller, observer, patience = new Patience() }: RunOptions): Promise<RunAnswer> {
    const { maxRetries, headersTimeoutMs, idleTimeoutMs } = this.#options
    const headers = [...(stream ? this.#runs.streamHeaders : this.#runs.headers), ...authorization(apiToken ?? this.#options.apiToken)]
    if (sessionAffinity !== undefined && fitsHeader(sessionAffinity)) headers.push('x-session-affinity', sessionAffinity)
    if (this.#options.isSimulator === true && typeof simulatorWords === 'string') headers.push('x-simulator', simulatorWords)
    // undici would send pieces as HTTP chunks.
    if (isInPieces(body)) headers.push('content-length', String(body.reduce((sum, { length }) => sum + length, 0)))
    const request: UpstreamRequest = {
      options: { method: 'POST', path: `${this.#runs.path}/${model}`, headers, body, headersTimeout: headersTimeoutMs, bodyTimeout: idleTimeoutMs },
      signal,
      redact: apiToken === undefined ? this.#redact : redactor([...this.#secrets, apiToken]),
      observer
    }
    signal.throwIfAborted()
    // Remembered for longer than the run, which the token itself must not be.
    const credential = apiToken === undefined ? ACCOUNT : hash('sha256', apiToken, 'base64url')
    const passage = this.#circuits.enter(credential, model)
    try {
      const { value } = await withRetries(attempts => this.#ask(this.#runs.pool, request, attempts), {
        budget: this.#budgets.of(caller ?? credential),
        patience,
        maxRetries,
        signal,
        random: Math.random,
        now: Date.now,
        sleep: ms => sleep(ms, undefined, { signal: toAbortSignal(signal) })
      })
      passage.succeeded()
      return value
    } catch (error) {
      if (signal.aborted) passage.left()
      signal.throwIfAborted() // whatever broke then broke because of it
      passage.failed(error)
      throw error
    }
  }

  /**
   * Reads JSON from below the account, e.g. `/ai/models/search`; once, within 15 s.
   * @throws UpstreamError for everything Cloudflare or the network does.
   */
  async getJson (path: string, query: Record<string, string> = {}): Promise<object> {
    if (this.#options.apiToken === '') throw new UpstreamError('The proxy has no Cloudflare token of its own', { kind: 'refused', status: 401 })
    const search = new URLSearchParams(query)
    const signal = AbortSignal.timeout(LISTING_TIMEOUT_MS)
    try {
      const request: UpstreamRequest = {
        options: {
          method: 'GET',
          path: `${this.#api.accountPath}${path}${search.size > 0 ? `?${search}` : ''}`,
          headers: [...this.#headers, ...authorization(this.#options.apiToken), 'accept', 'application/json']
        },
        signal,
        redact: this.#redact
      }
      const answer = await this.#ask(this.#api.pool, request, 1)
      return await toWholeJson(answer)
    } catch (error) {
      if (signal.aborted) throw new UpstreamError(`Cloudflare did not answer within ${LISTING_TIMEOUT_MS / 1_000} s`, { kind: 'timeout' })
      throw error
    }
  }

  /** Closes every connection at once, also those in use: by then nobody is left to answer to. */
  async close (): Promise<void> {
    await Promise.all([...new Set([this.#api.pool, this.#runs.pool])].map(pool => pool.destroy()))
  }

  /** Sends a request and answers once the headers of a stream, or the whole of any other success, are here; everything else is thrown. */
  async #ask (pool: Pool, request: UpstreamRequest, attempts: number): Promise<RunAnswer> {
    const { redact, observer } = request
    observer?.sent(toText(request.options.body ?? ''))
    let response: Answer
    try {
      response = await exchange(pool, request.options, request.signal)
    } catch (error) {
      throw toRequestError(error, request)
    }
    const status = response.statusCode
    if (status < 200 || status > 399) throw await refusal(response, request)
    const trouble = unreadable(response)
    if (trouble !== undefined) {
      response.body.destroy()
      throw new UpstreamError(trouble, { kind: 'malformed', status })
    }
    const headers = forwardedHeaders(response, redact)
    if (response.isStream) return { status, headers, attempts, redact, isStream: true, body: overheard(response.body, request) }
    const text = (response.bytes ?? await readAll(response, this.#options.idleTimeoutMs)).toString()
    return { status, headers, attempts, redact, isStream: false, json: toJson(text, response, request), text }
  }
}

/**
 * The JSON object or array of an answer, of at most 32 MiB, also of one that calls itself a stream.
 * @throws UpstreamError ('refused', 'malformed', 'timeout' or 'truncated')
 */
export async function toWholeJson (answer: RunAnswer): Promise<object> {
  if (!answer.isStream) return answer.json
  const { status: statusCode, body, redact } = answer
  return toJson((await readAll({ statusCode, body })).toString(), { statusCode, headers: { 'content-type': 'text/event-stream' } }, { redact })
}

/** The JSON of a whole answer. Throws the failure that Cloudflare may report with status 200. */
function toJson (text: string, response: Pick<Answer, 'statusCode' | 'headers'>, { redact, observer }: Pick<UpstreamRequest, 'redact' | 'observer'>): object {
  observer?.received(redact(text))
  const json = readJson(text)
  if (json !== undefined && errorInAnswer(json) === undefined) return json
  const answer = { status: response.statusCode, contentType: headerOf(response, 'content-type'), text }
  if (json === undefined) throw new UpstreamError(describeBody(answer), { kind: 'malformed', status: answer.status })
  throw toUpstreamError({ ...answer, retryAfter: retryAfter(response) }, redact)
}

async function refusal (response: Answer, { redact, observer }: UpstreamRequest): Promise<UpstreamError> {
  const text = isEncoded(response) ? '' : await readStart(response)
  response.body.destroy()
  observer?.received(redact(text))
  const answer = { status: response.statusCode, contentType: headerOf(response, 'content-type'), text, retryAfter: retryAfter(response) }
  return toUpstreamError(answer, redact)
}

/** The same bytes, told to the observer, if there is one, when they have ended. */
function overheard (body: AnswerBody, { observer, redact }: UpstreamRequest): AnswerBody {
  if (observer === undefined) return body
  const read: AnswerBody['read'] = async taker => {
    const pieces: Buffer[] = []
    try {
      await body.read({
        take: bytes => {
          pieces.push(bytes)
          return taker.take(bytes)
        }
      })
    } finally {
      observer.received(redact(Buffer.concat(pieces).toString()))
    }
  }
  return { read, destroy: () => body.destroy(), release: () => body.release() }
}

/**
 * Names what went wrong while the body of an answer was read: 'timeout', 'truncated' or 'malformed'.
 * Throws what is no failure of the wire back as it is: the reason of our own abort, and bugs.
 */
export function toStreamError (error: unknown, idleTimeoutMs?: number): UpstreamError {
  if (error instanceof UpstreamError) return error
  const code = codeOf(error)
  if (code === 'UND_ERR_BODY_TIMEOUT') {
    const duration = idleTimeoutMs === undefined ? '' : ` for ${idleTimeoutMs / 1_000} s`
    return new UpstreamError(`Cloudflare went silent${duration} inside the answer`, { kind: 'timeout', cause: error })
  }
  const isParserError = error instanceof errors.HTTPParserError
  // The parser's word for a connection that closed inside a chunk.
  const isEarlyEnd = isParserError && error.message.includes('EOF')
  if (isParserError && !isEarlyEnd) return brokenHttp(error)
  if (isEarlyEnd || isConnectionCode(code)) return new UpstreamError('Cloudflare ended the answer before its end', { kind: 'truncated', cause: error })
  throw error
}

function authorization (token: string): string[] {
  return token === '' ? [] : ['authorization', `Bearer ${token}`]
}

function pathOf (url: URL): string {
  return url.pathname.replace(/\/+$/, '')
}

/** Names what went wrong before an answer came; our own abort and bugs stay what they are. */
function toRequestError (error: unknown, { signal, options: { headersTimeout } }: UpstreamRequest): unknown {
  if (signal.aborted) return error
  if (isBrokenHttp(error)) return brokenHttp(error)
  const code = codeOf(error)
  if (code === '' || code === 'UND_ERR_INVALID_ARG') return error
  if (code === 'UND_ERR_HEADERS_TIMEOUT') {
    return new UpstreamError(`Cloudflare did not begin to answer within ${(headersTimeout ?? 0) / 1_000} s`, { kind: 'timeout', cause: error })
  }
  return new UpstreamError(`No answer from Cloudflare: the connection failed (${code})`, { kind: 'unreachable', cause: error })
}

/** Whether bytes came that are no answer. undici has no code of its own for a 100 or 101 that nobody asked for. */
function isBrokenHttp (error: unknown): boolean {
  if (error instanceof errors.HTTPParserError || error instanceof errors.HeadersOverflowError || error instanceof errors.ResponseContentLengthMismatchError) return true
  return error instanceof Error && (error.message === 'bad response' || error.message === 'bad upgrade')
}

function brokenHttp (error: unknown): UpstreamError {
  // Not undici's error itself: it carries the bytes that did not parse, and those may quote anything.
  const cause = new Error(error instanceof Error ? error.message : '')
  return new UpstreamError('Cloudflare answered with broken HTTP', { kind: 'malformed', cause })
}

function codeOf (error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : ''
}

/** Codes of the operating system, TLS and undici; not those of aborts, nor Node's own for misuse. */
function isConnectionCode (code: string): boolean {
  return /^(?:E[A-Z]+|ERR_(?:SSL|TLS)_\w+|UND_ERR_(?:SOCKET|DESTROYED|CLOSED|RES_CONTENT_LENGTH_MISMATCH))$/.test(code)
}

/** Why a 2xx or 3xx cannot be read as an answer. Redirects are never followed: they would carry the token elsewhere. */
function unreadable (response: Answer): string | undefined {
  const status = response.statusCode
  if (status >= 300) return `Cloudflare answered ${status}, and redirects are not followed`
  if (status >= 204 && status <= 206) return `Cloudflare answered ${status} where a whole answer was expected`
  return isEncoded(response) ? `Cloudflare answered ${status} with a compressed body that was not asked for` : undefined
}

function isEncoded (response: Answer): boolean {
  return !/^(?:identity)?$/i.test(headerOf(response, 'content-encoding').trim())
}

/** Those that have a plain value; one that echoes a secret has none. */
function forwardedHeaders (response: Answer, redacted: (text: string) => string): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const name of FORWARDED_HEADERS) {
    const value = headerOf(response, name)
    if (fitsHeader(value) && redacted(value) === value) headers[name] = value
  }
  return headers
}

function retryAfter (response: Pick<Answer, 'headers'>): number | undefined {
  return retryAfterSeconds(headerOf(response, 'retry-after'), new Date())
}

function fitsHeader (value: string): boolean {
  return /^[\x21-\x7e]{1,256}$/.test(value)
}

async function readAll ({ statusCode: status, body }: Pick<Answer, 'statusCode' | 'body'>, idleTimeoutMs?: number): Promise<Buffer> {
  const pieces: Buffer[] = []
  let size = 0
  try {
    await body.read({
      take: piece => {
        size += piece.length
        pieces.push(piece)
        return size > MAX_JSON_BYTES ? 'enough' : undefined
      }
    })
  } catch (error) {
    throw toStreamError(error, idleTimeoutMs)
  }
  if (size > MAX_JSON_BYTES) {
    body.destroy()
    throw new UpstreamError(`Cloudflare answered ${status} with more than 32 MiB`, { kind: 'malformed', status })
  }
  return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces, size)
}

/** As much of an error's body as is worth reading; however it ends, the status has already said the most of it. */
async function readStart ({ body }: Answer): Promise<string> {
  const pieces: Buffer[] = []
  let size = 0
  const timer = setTimeout(() => body.destroy(), ERROR_BODY_TIMEOUT_MS)
  try {
    await body.read({
      take: piece => {
        pieces.push(piece)
        size += piece.length
        return size >= MAX_ERROR_BYTES ? 'enough' : undefined
      }
    })
  } catch {
    // what came until then is judged as it is
  } finally {
    clearTimeout(timer)
  }
  return Buffer.concat(pieces).subarray(0, MAX_ERROR_BYTES).toString()
}
