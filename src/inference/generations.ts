import { isDeepStrictEqual } from 'node:util'
import { UpstreamError } from '../errors.ts'
import { follow, type CancelSignal } from '../generation/cancellation.ts'
import type { Batch, Usage } from '../generation/event.ts'
import { once, primed, type Source, type Write, type Backpressure } from '../generation/pipeline.ts'
import { newCallId } from '../ids.ts'
import { toAskedParameters } from '../workers-ai/request/asked-parameters.ts'
import { toInputForm } from '../workers-ai/request/input-form.ts'
import { silent, toContinuation, toReview, toStreamReview, type Complaint } from './review.ts'
import { toBody, toInput, type RunRequest, type RunRequestOptions } from '../workers-ai/request/run-request.ts'
import { SizeLimit } from '../stages/size-limit.ts'
import { toStages } from './stages.ts'
import { toOtherForm } from '../workers-ai/request/structured-output.ts'
import { toSum } from '../generation/usage.ts'
import { toFacts } from '../workers-ai/transport/error-codes.ts'
import { generate, type Generation } from '../workers-ai/answer/generate.ts'
import type { Model } from '../workers-ai/models/model.ts'
import { toText } from '../workers-ai/transport/request-body.ts'
import type { RetryTimeBudget } from '../workers-ai/transport/retry.ts'
import type { Runner } from '../workers-ai/transport/runner.ts'
import type { Call } from './call.ts'
import { addNeurons, noteRepair } from './request-record.ts'

/** Variations for a second attempt, after a refusal or an answer that does not meet the request. */
export type Variation = Pick<RunRequestOptions, 'outputForm' | 'followUp'>

export interface StartOptions {
  call: Call
  model: Model
  /** The caller wants the answer as a stream. */
  stream: boolean
  /** Translates the caller's request again, with a variation. */
  translate: (variation: Variation) => RunRequest
  sessionAffinity?: string | undefined
  /** For a model with a guessed family: the model with the fewest assumptions, and the translation for it. */
  plainest?: (() => Promise<Pick<StartOptions, 'model' | 'translate'>>) | undefined
  /** Called when a guessed model was refused, and then accepted with the fewest assumptions. */
  onPlain?: ((model: Model) => void) | undefined
  /** Called when an answer did not meet the request, and the model is asked once more. */
  onAskedAgain?: (() => void) | undefined
  /** The remaining time for retries of all these calls. */
  retryTime?: RetryTimeBudget | undefined
  /** Silence before the first token after which an answer counts as begun, in milliseconds. */
  keepAliveMs: number
}

/** The generations of one answer, one for each choice, each through its stages. */
export interface Generations {
  choices: Array<Source<Batch>>
  /** For each choice: lets its text bypass batches and stages, if possible. */
  bypassTo: Array<Generation['bypassTo']>
  /** HTTP status of Cloudflare's answer; undefined without a call. */
  status: number | undefined
  /** Cloudflare's headers that are passed on. */
  headers: Record<string, string>
  /** Closes all upstream calls if one of several ends early; a single one closes its own. */
  close: () => void
}

/** What one native call needs in addition to its request. */
interface GenerationContext {
  workersAi: Runner
  options: StartOptions
  signal: CancelSignal
  choice: number
  baseSeed: number
}

/**
 * Starts one native call for each choice and resolves when all have begun to answer.
 * @throws the error of the first that fails at once; the others are then closed
 */
export async function startGenerations (workersAi: Runner, request: RunRequest, options: StartOptions): Promise<Generations> {
  if (request.maxTokens === 0) return unasked(request)
  const { signal, close } = request.choices === 1 ? { signal: options.call.signal, close: nothing } : closable(options.call.signal)
  const baseSeed = Math.ceil(Math.random() * 9_000_000_000)
  const ask = (choice: number) => start(request, { workersAi, options, signal, choice, baseSeed })
  try {
    const generations =
      request.choices === 1 ? [await ask(0)] : await Promise.all(Array.from({ length: request.choices }, (_, choice) => ask(choice)))
    return {
      choices: generations.map(({ batches }) => batches),
      bypassTo: generations.map(({ bypassTo }) => bypassTo),
      status: Math.max(...generations.map(({ status }) => status)),
      headers: toHeaders(generations),
      close
    }
  } catch (error) {
    close()
    throw error
  }
}

function nothing (): void {}

/** The answer to a request for 0 tokens: empty, ended by the limit. Each prompt is counted once. */
function unasked (request: RunRequest): Generations {
  const { choices, inputs } = request
  const choicesOfInput = choices / inputs.length
  const usageOf = (choice: number): Usage => ({
    promptTokens: choice % choicesOfInput === 0 ? toInput(request, choice).promptTokens : 0,
    completionTokens: 0,
    estimated: true
  })
  return {
    choices: Array.from({ length: choices }, (_, choice) => once<Batch>([{ type: 'usage', usage: usageOf(choice) }, { type: 'finish', reason: 'length' }])),
    bypassTo: [],
    status: undefined,
    headers: {},
    close: nothing
  }
}

/** A signal that aborts with another one, and by itself when one of several generations makes the others useless. */
function closable (signal: CancelSignal): { signal: CancelSignal, close: () => void } {
  const { cancellation } = follow(signal)
  return { signal: cancellation, close: () => cancellation.abort(new Error('another generation has ended')) }
}

/**
 * Calls the model in its family's form, and once more in another form if that is refused. A streamed answer begins then; any
 * other is awaited and reviewed as a whole.
 */
async function start (request: RunRequest, context: GenerationContext): Promise<Generation> {
  try {
    return await begin(request, context)
  } catch (error) {
    const other = await inAnotherWay(request, error, context)
    const generation = await begin(other.request, other.context)
    if (other.context.options.model !== context.options.model) context.options.onPlain?.(other.context.options.model)
    return generation
  }
}

async function begin (request: RunRequest, context: GenerationContext): Promise<Generation> {
  const isTold = isToldAsWritten(request, context)
  const generation = await ask(request, isTold, context)
  addNeurons(context.options.call.record, generation.headers)
  if (!isTold) return await reviewed(generation, request, context)
  try {
    const batches = await primed(withSecondTry(generation.batches, request, context), context.options.keepAliveMs)
    generation.beginning?.served()
    return { ...generation, batches }
  } catch (error) {
    // Each failure takes an account out of the choice, so that this ends.
    if (!(error instanceof UpstreamError) || generation.beginning?.failed(error) !== true) throw error
    return begin(request, context)
  }
}

function isToldAsWritten (request: RunRequest, { options: { stream } }: GenerationContext): boolean {
  return stream && request.canStream
}

/**
 * The request for a second attempt: in the plainest form if the family was only guessed, a structured output in its other form,
 * messages as `input` if the model also takes that.
 * @throws the error, if it is about something else or there is no other form
 */
async function inAnotherWay (
  request: RunRequest,
  error: unknown,
  context: GenerationContext
): Promise<{ request: RunRequest, context: GenerationContext }> {
  if (!(error instanceof UpstreamError)) throw error
  const { meaning, otherForm } = toFacts(error)
  const { options } = context
  if (options.plainest !== undefined && meaning === 'bad-request') { return asPlainAsCanBe(request, error, { ...context, options: { ...options, ...(await options.plainest()) } }) }
  const outputForm = request.outputForm && toOtherForm(request.outputForm, otherForm)
  if (outputForm !== undefined) return { request: varied(request, { outputForm }, context), context }
  if (otherForm !== 'body' || !options.model.family.takesInput || request.tools.size > 0 || request.format !== undefined) throw error
  const asking = { ...context, options: { ...options, translate: (variation: Variation) => toInputForm(options.translate(variation)) } }
  return { request: varied(request, {}, asking), context: asking }
}

/** @throws the error, if the plain request would be the same, or if the request cannot be made plain */
function asPlainAsCanBe (
  request: RunRequest,
  error: UpstreamError,
  context: GenerationContext
): { request: RunRequest, context: GenerationContext } {
  let plain: RunRequest
  try {
    plain = context.options.translate({})
  } catch {
    throw error
  }
  if (isDeepStrictEqual(toPlainFields(request), toPlainFields(plain))) throw error
  return { request: varied(request, {}, context), context }
}

/** A native body without the limit's name that only some models know and others ignore. */
function toPlainFields (request: RunRequest): object {
  const { max_completion_tokens: _, ...fields } = JSON.parse(toText(toBody(request, { stream: false, choice: 0, baseSeed: 1 }))) as Record<
    string,
    unknown
  >
  return fields
}

function ask (
  request: RunRequest,
  isStreamed: boolean,
  { workersAi, options: { call, model, stream, sessionAffinity, retryTime }, signal, choice, baseSeed }: GenerationContext
): Promise<Generation> {
  const isHeld = !isStreamed || request.tools.size > 0 || request.format !== undefined
  const stages = toStages(request, model.family, { isStreamed, choice, newCallId })
  return generate(workersAi, {
    model: model.id,
    body: toBody(request, { stream: isStreamed, choice, baseSeed }),
    isStreamed,
    signal,
    sessionAffinity,
    simulatorWords: call.simulatorWords,
    apiToken: call.apiToken,
    caller: call.caller,
    origin: call.record,
    calls: call.record.calls,
    detail: call.record.detail === 'bill' ? undefined : { asked: toAskedParameters(request, isStreamed), keepsContent: call.record.detail === 'content' },
    promptTokens: toInput(request, choice).promptTokens,
    observer: call.observer,
    onFrame: stream ? call.onFrame : undefined,
    retryTime,
    newCallId,
    stages: isHeld ? [new SizeLimit(), ...stages] : stages
  })
}

/** Asks once more when the answer does not meet the request; then returns it as it is, or throws. */
async function reviewed (first: Generation, request: RunRequest, context: GenerationContext): Promise<Generation> {
  let events: Batch | undefined
  try {
    events = await whole(first)
  } catch (error) {
    if (!isEmpty(error)) throw error
  }
  const complaint = events ? toReview(events, request) : silent(request)
  if (events && complaint === undefined) return { ...first, batches: once(events) }
  const { second, answer } = await askAgain(events, complaint ?? silent(request), request, context)
  if (second === undefined) return { ...first, batches: once(answer) }
  return { status: second.status, headers: toHeaders([first, second]), batches: once(answer) }
}

/**
 * Makes a second, plain call, and returns its answer without review.
 * @param events the first answer; absent if it was empty
 * @returns the second answer, or the first one if the second call was refused
 * @throws the failure of the second call if there is no first answer, or an error that the request cannot be met
 */
async function askAgain (
  events: Batch | undefined,
  complaint: Complaint,
  request: RunRequest,
  context: GenerationContext
): Promise<{ second?: Generation, answer: Batch }> {
  noteRepair(context.options.call.record, complaint.repair)
  context.options.onAskedAgain?.()
  const again = varied(request, { followUp: complaint.followUp, ...(request.outputForm && { outputForm: request.outputForm }) }, context)
  const giveUp = ({ giveUp }: Complaint, answer: Batch) => {
    const verdict = giveUp(answer)
    if ('error' in verdict) throw verdict.error
    request.changes.push(verdict.change)
  }
  let second: Generation
  let answer: Batch
  try {
    second = await ask(again, false, context)
    addNeurons(context.options.call.record, second.headers)
    answer = await whole(second)
  } catch (error) {
    // Cloudflare has answered the first call, and that answer is better than none.
    if (!(error instanceof UpstreamError) || events === undefined) throw error
    giveUp(complaint, events)
    return { answer: events }
  }
  const usages = [...usagesOf(events ?? []), ...usagesOf(answer)]
  if (events !== undefined && complaint.isWorse?.(answer) === true) {
    giveUp(complaint, events)
    return { second, answer: withUsage(events, usages) }
  }
  const next = toReview(answer, again)
  if (next !== undefined) giveUp(next, answer)
  return { second, answer: withUsage(answer, usages) }
}

/** A stream that continues with a second answer if the first one ended without meeting the request. */
function withSecondTry (batches: Source<Batch>, request: RunRequest, context: GenerationContext): Source<Batch> {
  const first = new ToldSoFar(request, context)
  return write => batches(batch => first.pass(batch, write))
}

/**
 * The events of a stream up to its first text. After that no second answer can replace it, and the conversation for a second
 * call is released.
 */
class ToldSoFar {
  #asked: { request: RunRequest, context: GenerationContext } | undefined
  #calls: Batch = []

  constructor (request: RunRequest, context: GenerationContext) {
    this.#asked = { request, context }
  }

  pass (batch: Batch, write: Write<Batch>): Backpressure | Promise<Backpressure> {
    const asked = this.#asked
    if (asked === undefined) return write(batch)
    const last = batch.at(-1)
    if (last?.type === 'finish' || last?.type === 'failure') {
      this.#asked = undefined
      const complaint = last.type === 'finish' ? toStreamReview([...this.#calls, ...batch], asked.request) : toFailureReview(last.error, asked.request)
      return complaint === undefined ? write(batch) : goOn(this.#calls, batch, complaint, asked).then(write)
    }
    for (const event of batch) {
      if (event.type === 'text' && /\S/.test(event.text)) this.#asked = undefined
      if (event.type === 'tool_call') this.#calls.push(event)
    }
    return write(batch)
  }
}

function toFailureReview (error: Error, request: RunRequest): Complaint | undefined {
  return isEmpty(error) ? silent(request) : undefined
}

/** The events that replace the end of a stream. */
async function goOn (
  told: Batch,
  end: Batch,
  complaint: Complaint,
  { request, context }: { request: RunRequest, context: GenerationContext }
): Promise<Batch> {
  const isFailed = end.at(-1)?.type === 'failure'
  try {
    const { second, answer } = await askAgain(isFailed ? undefined : end, complaint, request, context)
    const rest = second === undefined ? answer : toContinuation(told, answer)
    if (rest !== undefined) return rest
    const verdict = complaint.giveUp(answer)
    if ('change' in verdict) request.changes.push(verdict.change)
    return withUsage(end, usagesOf(answer))
  } catch (error) {
    context.signal.throwIfAborted()
    return [{ type: 'failure', error: error as Error }]
  }
}

/** A variation of the request; its changes are added to those of the first. */
function varied (request: RunRequest, variation: Variation, { options: { translate } }: GenerationContext): RunRequest {
  const other = translate(variation)
  const known = new Set(request.changes.map(({ param, action }) => `${param} ${action}`))
  request.changes.push(...other.changes.filter(({ param, action }) => !known.has(`${param} ${action}`)))
  return { ...other, workBudget: request.workBudget, changes: request.changes }
}

/** @throws the error of a failure event */
async function whole ({ batches, beginning }: Generation): Promise<Batch> {
  const events: Batch = []
  await batches(batch => {
    for (const event of batch) events.push(event)
    return undefined
  })
  const last = events.at(-1)
  if (last?.type === 'failure') throw last.error
  beginning?.served()
  return events
}

function isEmpty (error: unknown): boolean {
  return error instanceof UpstreamError && error.kind === 'empty'
}

function usagesOf (events: Batch): Usage[] {
  return events.flatMap(event => event.type === 'usage' ? [event.usage] : [])
}

/** Both answers were billed, so both count. */
function withUsage (events: Batch, usages: Usage[]): Batch {
  return events.map(event => event.type === 'usage' ? { type: 'usage', usage: toSum(usages) } : event)
}

/** The headers of the first call, with the summed neurons of all. */
export function toHeaders (answers: ReadonlyArray<Pick<Generation, 'headers'>>): Record<string, string> {
  const headers = answers[0]?.headers ?? {}
  if (answers.length < 2 || headers['cf-ai-neurons'] === undefined) return headers
  return { ...headers, 'cf-ai-neurons': String(answers.reduce((sum, one) => sum + (Number(one.headers['cf-ai-neurons']) || 0), 0)) }
}
