import { hash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Pool } from 'undici'
import { UpstreamError } from '../../errors.ts'
import { reasonOf, toAbortSignal, type CancelSignal } from '../../generation/cancellation.ts'
import type { ModelId } from '../models/model.ts'
import type { AnswerForm } from '../models/task.ts'
import { CallDetails } from './call-details.ts'
import { CircuitBreakers } from './circuit-breaker.ts'
import { toRequestError } from './connection-errors.ts'
import { dispatch, headerOf, type UpstreamResponse, type DispatchOptions } from './dispatch.ts'
import { toGatewayHeaders, toMetadataHeader, type GatewayOptions } from './gateway-headers.ts'
import { newPool } from './pool.ts'
import { redactor } from './redaction.ts'
import { isInPieces, toText, type RequestBody } from './request-body.ts'
import { fitsHeader, forwardedHeaders, isBytes, readAll, tapped, toJson, toRefusedError, toWholeJson, whyUnreadable } from './response.ts'
import { RetryTimeBudget, RetryBudgets, withRetries } from './retry.ts'
import type { DetailOptions, RunAnswer, Runner, RunOptions, WireObserver } from './runner.ts'
import { UpstreamCall } from './upstream-call.ts'

export interface WorkersAiOptions {
  /** e.g. `https://api.cloudflare.com/client/v4`. */
  apiBaseUrl: string
  accountId: string
  /** What the account goes by in figures, where there are several. */
  accountName?: string
  /** What else must not stand in Cloudflare's texts: ids and tokens of the other accounts. */
  otherSecrets?: readonly string[]
  /** Empty if every run has its own token. */
  apiToken: string
  /** Sends the runs through an AI Gateway: `baseUrl` e.g. `https://gateway.ai.cloudflare.com/v1`; the token is for authenticated gateways. */
  gateway?: { id: string, token?: string, baseUrl: string, options?: GatewayOptions } | undefined
  /** The most retries of a run, before its first byte. */
  maxRetries: number
  /** Longest wait for the first byte of an answer, in milliseconds. */
  headersTimeoutMs: number
  /** Longest silence inside an answer, in milliseconds; a slow reader does not count as silence. */
  idleTimeoutMs: number
  userAgent: string
  /** Whether the simulator answers instead of Cloudflare: callers' orders (`x-simulator`) are then forwarded. */
  isSimulator?: boolean
}

interface UpstreamRequest {
  options: DispatchOptions
  signal: CancelSignal
  /** Removes the secrets of this request from a text. */
  redact: (text: string) => string
  observer?: WireObserver | undefined
  notes?: CallNotes | undefined
}

/** Where the calls of one run are noted, and whose they are. */
interface CallNotes {
  model: ModelId
  account: string | undefined
  calls: UpstreamCall[]
  /** An estimate. */
  promptTokens: number
  detail: DetailOptions | undefined
}

/** The name of the proxy's own credentials; those of callers are named by a digest. */
const ACCOUNT = 'account'

const LISTING_TIMEOUT_MS = 15_000

/** The connection to Cloudflare: one account's Workers AI over pooled connections. */
export class WorkersAi implements Runner {
  readonly #options: WorkersAiOptions
  /** Alternately names and values, as undici takes them; here and below. */
  readonly #headers: string[]
  readonly #api: { pool: Pool, accountPath: string }
  readonly #runs: { pool: Pool, path: string, headers: Record<AnswerForm, string[]> }
  readonly #toMetadata: ReturnType<typeof toMetadataHeader>
  readonly #secrets: string[]
  readonly #redact: (text: string) => string
  readonly #budgets = new RetryBudgets()
  readonly #circuitBreakers = new CircuitBreakers(Date.now)

  constructor (options: WorkersAiOptions) {
    const { apiBaseUrl, accountId, apiToken, gateway, userAgent, otherSecrets = [] } = options
    this.#options = options
    this.#headers = ['user-agent', userAgent, 'accept-encoding', 'identity']
    const account = encodeURIComponent(accountId)
    const api = new URL(apiBaseUrl)
    this.#api = { pool: newPool(api), accountPath: `${pathOf(api)}/accounts/${account}` }
    const headers = [
      ...this.#headers,
      'content-type',
      'application/json',
      ...(gateway === undefined ? [] : toGatewayHeaders(gateway.options ?? {})),
      ...(gateway?.token === undefined ? [] : ['cf-aig-authorization', `Bearer ${gateway.token}`])
    ]
    this.#toMetadata = gateway && toMetadataHeader(gateway.options ?? {})
    this.#runs = {
      pool: this.#api.pool,
      path: `${this.#api.accountPath}/ai/run`,
      headers: {
        json: [...headers, 'accept', 'application/json'],
        events: [...headers, 'accept', 'text/event-stream, application/json'],
        bytes: [...headers, 'accept', '*/*']
      }
    }
    if (gateway !== undefined) {
      const url = new URL(gateway.baseUrl)
      this.#runs = { ...this.#runs, pool: newPool(url), path: `${pathOf(url)}/${account}/${encodeURIComponent(gateway.id)}/workers-ai` }
    }
    this.#secrets = [accountId, apiToken, gateway?.token ?? '', ...otherSecrets]
    this.#redact = redactor(this.#secrets)
  }

  /** Retries temporary failures, until the head of a stream, or the whole of any other answer, has arrived. */
  async run<Form extends AnswerForm>(
    model: ModelId,
    body: RequestBody,
    options: RunOptions<Form>
  ): Promise<RunAnswer<Form>> {
    const {
      form, signal, sessionAffinity, simulatorWords, apiToken, caller, origin, observer,
      calls, detail, promptTokens = 0, retryTime = new RetryTimeBudget(), maxRetries = this.#options.maxRetries, isFinal
    } = options
    const { headersTimeoutMs, idleTimeoutMs, accountName: account } = this.#options
    const headers = [...this.#runs.headers[form], ...authorization(apiToken ?? this.#options.apiToken)]
    if (sessionAffinity !== undefined && fitsHeader(sessionAffinity)) headers.push('x-session-affinity', sessionAffinity)
    if (this.#options.isSimulator === true && typeof simulatorWords === 'string') headers.push('x-simulator', simulatorWords)
    if (this.#toMetadata !== undefined) headers.push('cf-aig-metadata', this.#toMetadata(origin))
    // undici would send pieces as HTTP chunks.
    if (isInPieces(body)) headers.push('content-length', String(body.reduce((sum, { length }) => sum + length, 0)))
    const request: UpstreamRequest = {
      options: {
        method: 'POST',
        path: `${this.#runs.path}/${model}`,
        headers,
        body,
        headersTimeout: headersTimeoutMs,
        bodyTimeout: idleTimeoutMs
      },
      signal,
      redact: apiToken === undefined ? this.#redact : redactor([...this.#secrets, apiToken]),
      observer,
      notes: calls && { model, account, calls, promptTokens, detail }
    }
    signal.throwIfAborted()
    // Kept for longer than the run; the token itself must not be.
    const credential = apiToken === undefined ? ACCOUNT : hash('sha256', apiToken, 'base64url')
    const passage = this.#circuitBreakers.enter(credential, model)
    try {
      const { value } = await withRetries(attempts => this.#ask(this.#runs.pool, request, form, attempts), {
        budget: this.#budgets.of(caller ?? credential),
        retryTime,
        maxRetries,
        isFinal,
        signal,
        random: Math.random,
        now: Date.now,
        sleep: ms => sleep(ms, undefined, { signal: toAbortSignal(signal) })
      })
      passage.onSuccess()
      return value
    } catch (error) {
      if (signal.aborted) passage.onAbandoned()
      signal.throwIfAborted() // an abort causes other errors
      passage.onFailure(error)
      throw error
    }
  }

  /** One attempt of at most 15 s. */
  async getJson (path: string, query: Record<string, string> = {}): Promise<object> {
    if (this.#options.apiToken === '') { throw new UpstreamError('The proxy has no Cloudflare token of its own', { kind: 'refused', status: 401 }) }
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
      return await toWholeJson(await this.#ask(this.#api.pool, request, 'json', 1))
    } catch (error) {
      if (signal.aborted) throw new UpstreamError(`Cloudflare did not answer within ${LISTING_TIMEOUT_MS / 1_000} s`, { kind: 'timeout' })
      throw error
    }
  }

  /** Closes every connection at once, also those in use. */
  async close (): Promise<void> {
    await Promise.all([...new Set([this.#api.pool, this.#runs.pool])].map(pool => pool.destroy()))
  }

  /** Sends a request. Resolves once the head of a stream, or the whole of any other success, has arrived; throws for any failure. */
  async #ask<Form extends AnswerForm>(pool: Pool, request: UpstreamRequest, form: Form, attempts: number): Promise<RunAnswer<Form>>
  async #ask (pool: Pool, request: UpstreamRequest, form: AnswerForm, attempts: number): Promise<RunAnswer> {
    const { options, signal, redact, notes } = request
    const call = notes && toCall(notes, attempts)
    const observer = observing(request.observer, call?.details?.content)
    const reading = { redact, observer }
    observer?.sent(toText(options.body ?? ''))
    try {
      const response = await this.#send(pool, options, signal)
      const status = response.statusCode
      if (status < 200 || status > 399) throw await toRefusedError(response, reading)
      const problem = whyUnreadable(response)
      if (problem !== undefined) {
        response.body.destroy()
        throw new UpstreamError(problem, { kind: 'malformed', status })
      }
      // Not spread from one object: that costs several microseconds an answer.
      const headers = forwardedHeaders(response, redact)
      call?.readHead(headers)
      if (response.isStream) return { status, headers, attempts, redact, call, form: 'events', body: tapped(response.body, reading) }
      const bytes = response.bytes ?? (await readAll(response, this.#options.idleTimeoutMs))
      if (form === 'bytes' && isBytes(response)) {
        return { status, headers, attempts, redact, call, form, bytes, contentType: headerOf(response, 'content-type') }
      }
      const text = bytes.toString()
      return { status, headers, attempts, redact, call, form: 'json', json: toJson(text, response, reading), text }
    } catch (error) {
      call?.fail(signal.aborted ? reasonOf(signal) : error, notes?.promptTokens ?? 0)
      throw error
    }
  }

  #send (pool: Pool, options: DispatchOptions, signal: CancelSignal): Promise<UpstreamResponse> {
    return dispatch(pool, options, signal).catch((error: unknown) => {
      throw signal.aborted ? error : toRequestError(error, options.headersTimeout ?? 0)
    })
  }
}

/** Notes a call that is about to be made. */
function toCall ({ model, account, calls, detail }: CallNotes, attempts: number): UpstreamCall {
  const call = new UpstreamCall(model, attempts, detail && new CallDetails(detail.asked, detail.keepsContent), account)
  calls.push(call)
  return call
}

function observing (one: WireObserver | undefined, other: WireObserver | undefined): WireObserver | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return {
    sent: body => {
      one.sent(body)
      other.sent(body)
    },
    received: body => {
      one.received(body)
      other.received(body)
    }
  }
}

function authorization (token: string): string[] {
  return token === '' ? [] : ['authorization', `Bearer ${token}`]
}

function pathOf (url: URL): string {
  return url.pathname.replace(/\/+$/, '')
}
