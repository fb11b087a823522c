import type { UpstreamError } from '../../errors.ts'
import type { CancelSignal } from '../../generation/cancellation.ts'
import type { ModelId } from '../models/model.ts'
import type { AnswerForm } from '../models/task.ts'
import type { ResponseBody } from './dispatch.ts'
import type { RequestOrigin } from './gateway-headers.ts'
import type { AskedParameters } from './call-details.ts'
import type { RequestBody } from './request-body.ts'
import type { RetryTimeBudget } from './retry.ts'
import type { UpstreamCall } from './upstream-call.ts'

/**
 * Access to Workers AI. The client implements it. Code that chooses an account, records or replays wraps or replaces it. Only
 * `app.ts` and the doctor create a client.
 */
export interface Runner {
  /**
   * Runs a model on a body that is JSON already. Resolves when the head of a stream, or the whole of any other answer,
   * has arrived.
   * @throws UpstreamError for everything Cloudflare or the network does; the signal's reason when it aborts.
   */
  run: <Form extends AnswerForm>(model: ModelId, body: RequestBody, options: RunOptions<Form>) => Promise<RunAnswer<Form>>
  /**
   * Reads JSON from below the account, e.g. `/ai/models/search`.
   * @throws UpstreamError for everything Cloudflare or the network does.
   */
  getJson: (path: string, query?: Record<string, string>) => Promise<object>
}

export interface RunOptions<Form extends AnswerForm = AnswerForm> {
  /** The requested form; Cloudflare may answer in another one, see `RunAnswer`. */
  form: Form
  /** Aborted when the client has disconnected: the run and its upstream connection end at once, in every phase. */
  signal: CancelSignal
  /** Requests with the same value reach the server that has cached their prefix. A hint: a value that is not a valid header is left out. */
  sessionAffinity?: string | undefined
  /** The caller's `x-simulator`: orders for the simulator, never sent to Cloudflare. */
  simulatorWords?: string | string[] | undefined
  /** The caller's token, if callers send their own; used instead of the proxy's token. */
  apiToken?: string | undefined
  /** The caller, by a name that is not a secret. Each caller has a retry budget; all runs without a name share one. */
  caller?: string | undefined
  /** The request it is for, which AI Gateway may log. */
  origin?: RequestOrigin | undefined
  /** The rest of the retry time of a request with several runs. */
  retryTime?: RetryTimeBudget | undefined
  /** The most retries, where they are fewer than the settings allow. */
  maxRetries?: number | undefined
  /** Whether a failure is not repeated here, because another account is asked in its place. */
  isFinal?: ((error: UpstreamError) => boolean) | undefined
  observer?: WireObserver | undefined
  /** Every call this run leads to is added to it, failed ones too; where it is absent none is noted. */
  calls?: UpstreamCall[] | undefined
  /** For traces: the details of each call are noted too. */
  detail?: DetailOptions | undefined
  /** An estimate for the bill of a call that is given up before it is answered. */
  promptTokens?: number | undefined
}

/** What is noted of each call beside its bill. */
export interface DetailOptions {
  asked: AskedParameters
  /** What is sent and received, without images. */
  keepsContent: boolean
}

/** Gets all data that is sent and received, without secrets. It is content, which is logged only if a setting requests it. */
export interface WireObserver {
  /** The native body, once for each attempt. */
  sent: (body: string) => void
  /** A whole received body; that of a stream once it has ended, for any reason. Not called for bytes. */
  received: (body: string) => void
}

/**
 * A successful answer. It may be JSON or a stream whichever of them was requested (some models answer JSON to `stream: true`).
 * It is bytes only if they were requested.
 */
export type RunAnswer<Form extends AnswerForm = AnswerForm> = AnswerHead &
  (JsonAnswer | EventsAnswer | Extract<BytesAnswer, { form: Form }>)

interface AnswerHead {
  status: number
  /** Only the request id, the billed neurons, `cf-ray` and AI Gateway's log id, event id and cache status. */
  headers: Record<string, string>
  /** Number of attempts: 1 without a retry. */
  attempts: number
  /** Removes the secrets of this run from Cloudflare's texts. */
  redact: (text: string) => string
  /** The call that brought it, where calls are noted. Whoever reads the answer ends it. */
  call?: UpstreamCall | undefined
  /** Of a stream, where several accounts serve as one: whoever reads it tells how it begins. */
  beginning?: StreamBeginning | undefined
}

/** How a stream begins. */
export interface StreamBeginning {
  /** With what is no failure. */
  served: () => void
  /**
   * With a failure.
   * @returns whether the same run may be made once more, which another account then answers
   */
  failed: (error: UpstreamError) => boolean
}

/** A `text/event-stream`. Its user must read the body to the end, release it or destroy it. */
interface EventsAnswer {
  form: 'events'
  /** The bytes as they arrive. Pass an error of reading to `toStreamError`. */
  body: ResponseBody
}

interface JsonAnswer {
  form: 'json'
  /** An object or array, of at most 32 MiB of text. */
  json: object
  /** That text. */
  text: string
}

/** An image or speech, of at most 32 MiB. */
interface BytesAnswer {
  form: 'bytes'
  bytes: Buffer
  /** Cloudflare's content type, e.g. `image/png`. */
  contentType: string
}
