import type { CancelSignal } from '../../generation/cancellation.ts'
import type { ModelId } from '../models/model.ts'
import type { AnswerForm } from '../models/task.ts'
import type { ResponseBody } from './dispatch.ts'
import type { RequestBody } from './request-body.ts'
import type { RetryTimeBudget } from './retry.ts'
import type { UpstreamCall } from './upstream-call.ts'

/**
 * The way to Workers AI. The client implements it; what chooses an account, records or replays wraps one or takes its
 * place. Only `app.ts` and the doctor make a client.
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
  /** The form that is asked for; Cloudflare may answer in another, see `RunAnswer`. */
  form: Form
  /** Aborted when the client has left: the run ends at once in every phase, and its upstream connection with it. */
  signal: CancelSignal
  /** Requests with the same value reach the server that has cached their prefix. A hint: a value that fits no header is left out. */
  sessionAffinity?: string | undefined
  /** The caller's `x-simulator`: orders for the simulator, never sent to Cloudflare. */
  simulatorWords?: string | string[] | undefined
  /** Used instead of the client's own token: the caller's, when callers bring theirs. */
  apiToken?: string | undefined
  /** Whose run it is, by a name that is no secret. Each caller has a retry budget; all runs without a name share one. */
  caller?: string | undefined
  /** What is left of the retry time of a request that leads to several runs. */
  retryTime?: RetryTimeBudget | undefined
  observer?: WireObserver | undefined
  /** Every call this run leads to is added to it, failed ones too; where it is absent none is noted. */
  calls?: UpstreamCall[] | undefined
}

/** Is given all that is sent and received, without secrets: content, which is logged only where a setting asks for it. */
export interface WireObserver {
  /** The native body, once for each attempt. */
  sent: (body: string) => void
  /** A whole body that was received; that of a stream when it has ended, however it did. Bytes are not shown. */
  received: (body: string) => void
}

/**
 * A successful answer. It is JSON or a stream whichever of them was asked for (some models answer JSON to `stream: true`),
 * and bytes only when they were.
 */
export type RunAnswer<Form extends AnswerForm = AnswerForm> = AnswerHead &
  (JsonAnswer | EventsAnswer | Extract<BytesAnswer, { form: Form }>)

interface AnswerHead {
  status: number
  /** Only the request id, the billed neurons, `cf-ray` and AI Gateway's log id, event id and cache status. */
  headers: Record<string, string>
  /** How often Cloudflare was asked: 1 without a retry. */
  attempts: number
  /** Takes the secrets of this run out of what Cloudflare says in it. */
  redact: (text: string) => string
  /** The call that brought it, where calls are noted. Whoever reads the answer ends it. */
  call?: UpstreamCall | undefined
}

/** A `text/event-stream`. Whoever takes it reads its body to the end, releases or destroys it. */
interface EventsAnswer {
  form: 'events'
  /** The bytes as they arrive. What reading rejects with belongs into `toStreamError`. */
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
  /** As Cloudflare says it, e.g. `image/png`. */
  contentType: string
}
