import type { FastifyReply, FastifyRequest } from 'fastify'
import { InvalidRequestError, UpstreamError } from '../errors.ts'
import { toAbortSignal, type CancelSignal } from '../generation/cancellation.ts'
import type { Change } from '../generation/change.ts'
import type { Batch } from '../generation/event.ts'
import { interleaved, type TakeOfChoice } from '../generation/pipeline.ts'
import { toCredential, tokenOwner } from '../http/access/auth.ts'
import { ChangeReporter } from '../http/replies/change-reporter.ts'
import { ClientGoneError } from '../generation/client-disconnected.ts'
import { toContentLog } from '../telemetry/content-log.ts'
import { toLoggedError } from '../telemetry/logger.ts'
import type { OpenAnswers } from '../http/connections/active-requests.ts'
import { ownTurn } from './own-turn.ts'
import { toSessionAffinity } from '../http/replies/session-affinity.ts'
import type { ChatCompletionRequest } from '../surfaces/openai/chat-completions/request.ts'
import type { ErrorBody } from '../surfaces/openai/error-body.ts'
import { fetchRemoteImages, type RemoteImagesOptions } from '../remote-images/remote-images.ts'
import type { Settings } from '../settings/schema.ts'
import { toDryRun, type DryRun } from './dry-run.ts'
import { toErrorBody, toProxyError } from '../surfaces/openai/errors.ts'
import { toExactJson } from '../json/exact-integers.ts'
import { letGoOfMessages } from '../json/messages-as-sent.ts'
import { toRunRequest, type RunRequest, type RunRequestOptions } from '../workers-ai/request/run-request.ts'
import { prepareChecks } from '../workers-ai/request/structured-output.ts'
import type { Runner } from '../workers-ai/transport/runner.ts'
import { mayFallBack } from '../workers-ai/transport/fallback.ts'
import type { Model } from '../workers-ai/models/model.ts'
import { toPlainest } from '../workers-ai/models/model-list.ts'
import { toVisionSuggestions } from '../workers-ai/models/resolve-model.ts'
import { Patience } from '../workers-ai/transport/retry.ts'
import { Candidates, toTurn, withModels, type Candidate, type Failed } from './candidates.ts'
import type { Models } from './models.ts'
import { startGenerations, type Generations, type StartOptions, type Variation } from './generations.ts'

/** What an endpoint needs to have a chat answered. */
export interface ChatParts {
  settings: Settings
  workersAi: Runner
  models: Models
  openAnswers: OpenAnswers
  remoteImages: Omit<RemoteImagesOptions, 'signal' | 'hold'>
  /** How long a stream may be silent before a comment is sent, in milliseconds; 15 s when absent. */
  keepAliveMs?: number | undefined
}

/** Translates a question for one model. */
type Translate = (variation: Variation) => RunRequest

/** What a model is asked to go on with, whichever endpoint it came to. */
export interface Question {
  /** The model as the caller names it. */
  model: string
  /** The caller wants the answer as it is written. */
  stream: boolean
  /** Gives what it begins with, which is the same in every turn of a conversation. */
  beginning: () => readonly unknown[]
  /** Gives what translates it for one model, maybe several times, varied. */
  translator: (model: Model, signal: CancelSignal) => Translate | Promise<Translate>
  /** The caller's name for a parameter, where it was another one's words that were translated; the same when absent. */
  toParam?: (param: string) => string
  /** Lets go of what can be had again, once it is on its way. */
  letGo?: () => void
}

/** What a chat was made of that its caller did not send as one. */
export type ChatOrigin = Pick<RunRequestOptions, 'given' | 'truncate'> & Pick<Question, 'toParam'>

/** A question that has begun to be answered; its headers are on the reply. */
export interface ChatAnswer {
  run: RunRequest
  generations: Generations
  reporter: ChangeReporter
}

const sameParam = (param: string) => param

/** No variation: the first translation of most requests, and the last. */
const AS_ASKED: Variation = {}

export const ESTIMATED: Change = { param: 'usage', action: 'estimated', reason: 'Workers AI told no token counts; these are guessed from the length of the text' }

/** Has a chat answered: see `answerQuestion`. */
export function answerChat (parts: ChatParts, chat: ChatCompletionRequest, request: FastifyRequest, reply: FastifyReply, { toParam = sameParam, ...origin }: ChatOrigin = {}): Promise<ChatAnswer | DryRun> {
  const { defaultMaxTokens, maxChoices, unsupportedParams, emulateTools, rejectIfBusy, fetchRemoteImages: areFetched } = parts.settings
  const options = { defaultMaxTokens, maxChoices, unsupportedParams, emulateTools, rejectIfBusy, ...origin, visionModels: () => toVisionSuggestions(parts.models.known()) }
  let fetched: ReturnType<typeof fetchRemoteImages> | undefined
  const translator: Question['translator'] = (model, signal) => {
    const translate: Translate = variation => toRunRequest(chat, model, variation === AS_ASKED ? options : { ...options, ...variation })
    const prepared = prepareChecks(chat, ownTurn)
    if (!areFetched || !model.vision) return prepared === undefined ? translate : prepared.then(() => translate)
    // Once, whatever model is tried.
    fetched ??= fetchRemoteImages(chat, { ...parts.remoteImages, hold: bytes => request.heldMemory?.grow(bytes), signal: toAbortSignal(signal) })
    return Promise.all([fetched, prepared]).then(([{ request: readable, changes }]) => variation => {
      const run = toRunRequest(readable, model, { ...options, ...variation })
      run.changes.unshift(...changes)
      return run
    })
  }
  return answerQuestion(parts, { model: chat.model, stream: chat.stream === true, beginning: () => chat.messages, translator, toParam, letGo: () => letGoOfMessages(chat) }, request, reply)
}

/**
 * Has a question answered by the model it names, or by that model's fallbacks when it fails before its first token, or by
 * its successor when Cloudflare has retired it.
 * Resolves when the answer has begun, or at once with what would be sent when the caller asks for a dry run.
 * @throws what the last model failed with, or what is wrong with the request
 */
export async function answerQuestion (parts: ChatParts, question: Question, request: FastifyRequest, reply: FastifyReply): Promise<ChatAnswer | DryRun> {
  const signal = parts.openAnswers.open(reply)
  const asked = await parts.models.resolve(question.model)
  const { stream, toParam = sameParam } = question
  const { report } = request
  report.model = question.model
  report.served = asked.id
  report.stream = stream
  const patience = new Patience()
  const isDryRun = request.headers['x-dry-run'] === 'true'
  const candidates = new Candidates(parts, question.model, asked, toCredential(request))
  const turns: Change[] = []
  let failed: Failed | undefined
  for (let candidate: Candidate | undefined = candidates.first(); candidate !== undefined; candidate = await candidates.next()) {
    const { model } = candidate
    try {
      if (!isDryRun) candidates.refuseRetired(model)
      const translator = question.translator(model, signal)
      const translate = translator instanceof Promise ? await translator : translator
      const run = translate(AS_ASKED)
      if (failed) turns.push(toTurn(failed, candidate))
      run.changes.push(...turns)
      if (request.modelChange) run.changes.unshift(request.modelChange)
      if (isDryRun) {
        writeExactly(reply)
        return toDryRun({ ...run, changes: run.changes.map(change => ({ ...change, param: toParam(change.param) })) }, model.id, stream)
      }
      const begun = startGenerations(parts.workersAi, run, {
        model,
        stream,
        translate,
        plainest: model.guessed && toPlainestOf(question, model, signal),
        onPlain: plain => parts.models.rememberPlain(plain),
        sessionAffinity: toSessionAffinity(request, run.cacheKey, question.beginning()),
        simulatorWords: request.headers['x-simulator'],
        apiToken: request.apiToken,
        caller: request.caller,
        observer: toContentLog(request, parts.settings),
        patience,
        keepAliveMs: parts.keepAliveMs,
        signal
      })
      question.letGo?.()
      const generations = await begun
      report.served = model.id
      report.attempts = patience.asked
      if (generations.status !== undefined) report.upstreamStatus = generations.status
      reply.header('x-proxy-model', model.id).header('x-proxy-attempts', String(patience.asked)).headers(generations.headers)
      return { run, generations, reporter: new ChangeReporter(run.changes, request, toParam) }
    } catch (error) {
      if (error instanceof UpstreamError || patience.asked > 0) report.attempts = patience.asked
      if (error instanceof InvalidRequestError) {
        // A fallback that cannot take the request is passed over: the caller hears why the model it named failed.
        if (failed && candidate.replaces === undefined) continue
        throw withModels(error, candidate)
      }
      if (!(error instanceof UpstreamError)) throw error
      report.served = model.id
      candidates.failed(candidate, error)
      failed = { model, error: withModels(error, candidate) }
      if (!mayFallBack(error)) throw failed.error
    }
  }
  throw failed?.error ?? new Error('unreachable: there is one model at least')
}

/** Has whole numbers that the caller sent, and that the answer tells back, written as they were sent. */
export function writeExactly (reply: FastifyReply): void {
  reply.serializer(toExactJson).type('application/json; charset=utf-8')
}

function toPlainestOf ({ translator }: Question, model: Model, signal: CancelSignal): StartOptions['plainest'] {
  const plainest = toPlainest(model)
  return async () => ({ model: plainest, translate: await translator(plainest, signal) })
}

/**
 * Gives the batches of every choice as they arrive; a failure is thrown. Notes for the log what is only known now.
 * Unless all is told to its end, every upstream is closed.
 */
export function tell ({ generations: { choices, close } }: Pick<ChatAnswer, 'generations'>, request: FastifyRequest, reply: FastifyReply, take: TakeOfChoice): Promise<void> {
  const { report } = request
  let failure: Error | undefined
  return interleaved(choices, (batch, choice) => {
    if (failure) return 'enough'
    report.firstTokenMs ??= Math.round(reply.elapsedTime)
    const verdict = take(batch, choice)
    const last = batch.at(-1)
    if (last?.type === 'finish' && last.reason !== null) report.finishReason ??= last.reason
    if (last?.type === 'failure') failure = last.error
    if (failure === undefined && verdict !== 'enough') return verdict
    // The other choices are of no use any more, and would only be waited for.
    close()
    return 'enough'
  }).then(() => {
    if (failure) throw failure
  }, (error: unknown) => {
    close()
    throw failure ?? error
  })
}

/** Every choice's events, whole. */
export async function collected (answer: ChatAnswer, request: FastifyRequest, reply: FastifyReply): Promise<Batch[]> {
  const choices: Batch[] = answer.generations.choices.map(() => [])
  await tell(answer, request, reply, (batch, choice) => {
    for (const event of batch) choices[choice]?.push(event)
    return undefined
  })
  return choices
}

/**
 * What a stream's client is told of an error that came after its first byte; undefined when the client has left.
 * One that is a bug is logged.
 */
export function toStreamFailure (error: unknown, request: FastifyRequest): ErrorBody | undefined {
  if (error instanceof ClientGoneError) return undefined
  request.report.error = error as Error
  const told = toProxyError(error, new Date(), [], tokenOwner(request))
  if (told === error && !('status' in (error as Error))) request.log.error({ err: toLoggedError(error) }, 'failed inside a stream')
  return toErrorBody(told, request.routeOptions.config.inputParam)
}
