import { asItIs, InvalidRequestError, UpstreamError, type NameOf } from '../errors.ts'
import { toAbortSignal, type CancelSignal } from '../generation/cancellation.ts'
import type { Change } from '../generation/change.ts'
import type { Batch, Usage } from '../generation/event.ts'
import { interleaved, type WriteOfChoice } from '../generation/pipeline.ts'
import { toImages, withImageUrls } from '../generation/image-forms.ts'
import type { GenerationRequest } from '../generation/request.ts'
import { toSum } from '../generation/usage.ts'
import { letGoOfMessages } from '../json/messages-as-sent.ts'
import { fetchRemoteImages, type RemoteImagesOptions } from '../remote-images/remote-images.ts'
import type { Settings } from '../settings/schema.ts'
import type { Model } from '../workers-ai/models/model.ts'
import { toPlainest } from '../workers-ai/models/model-list.ts'
import { toVisionSuggestions } from '../workers-ai/models/resolve-model.ts'
import { toRunRequest, type RunRequest, type RunRequestOptions } from '../workers-ai/request/run-request.ts'
import { prepareChecks } from '../workers-ai/request/structured-output.ts'
import type { Runner } from '../workers-ai/transport/runner.ts'
import { mayFallBack } from '../workers-ai/transport/fallback.ts'
import { RetryTimeBudget } from '../workers-ai/transport/retry.ts'
import { NO_TOKENS, toMostTokens, type FreeNeurons } from './allowance.ts'
import type { AnswerCache } from './answer-cache/answer-cache.ts'
import { toServedHeaders, type Call } from './call.ts'
import { Candidates, toTurn, withModels, type Candidate, type Failed } from './candidates.ts'
import { ChangeReporter, toNamed } from './change-reporter.ts'
import { toDryRun, type DryRunAnswer } from './dry-run.ts'
import { startGenerations, type Generations, type StartOptions, type Variation } from './generations.ts'
import type { Models } from './models.ts'
import { ownTurn } from './own-turn.ts'

/** The parts of a server that answer requests. */
export interface Services {
  settings: Settings
  workersAi: Runner
  models: Models
  remoteImages: Omit<RemoteImagesOptions, 'signal' | 'hold'>
  /** Watches the free neurons of the account; absent where nobody wants that. */
  freeNeurons?: FreeNeurons | undefined
  /** Keeps answers that would be the same each time; absent where nothing does. */
  answerCache?: AnswerCache | undefined
  /** Silence of a stream after which a keep-alive is sent, in milliseconds. */
  keepAliveMs: number
}

/** Translates a request for one model. */
type Translate = (variation: Variation) => RunRequest

/** A request for a model, from any endpoint. */
export interface InferenceRequest {
  /** The model as the caller names it. */
  model: string
  /** The caller wants the answer as a stream. */
  stream: boolean
  /** Its answer would be the same each time: for a cache of answers. Asked only where there is one. */
  isDeterministic: () => boolean
  /** Returns the beginning of its prompt, which is the same in every turn of a conversation. */
  cachePrefix: () => readonly unknown[]
  /** Returns a function that translates it for one model, maybe several times with variations. */
  translator: (model: Model, signal: CancelSignal) => Translate | Promise<Translate>
  /** The caller's name for a place of the request; the place itself when absent. */
  nameOf?: NameOf
  /** Called before each model is called, with the translated request. */
  onAsked?: OnAsked
  /** Releases data that can be restored, once the request was sent. */
  release?: () => void
}

type OnAsked = (run: RunRequest, model: Model) => void

/** Data of the original request, for a chat that a surface has translated. */
export type ChatOrigin = Pick<RunRequestOptions, 'given' | 'truncate' | 'tellsStop'> & Pick<InferenceRequest, 'nameOf' | 'onAsked'> & {
  /** The answer is stored for its caller, so a new one is made each time. */
  isStored?: boolean
}

/** An answer that has begun. */
export interface InferenceAnswer {
  kind: 'answer'
  /** Id of the model that answers. */
  model: string
  run: RunRequest
  generations: Generations
  reporter: ChangeReporter
  /** Response headers about the model that answers; `reporter` has those about changes. */
  headers: Record<string, string>
}

/** No variation: the first translation of most requests, and the last. */
const AS_ASKED: Variation = {}

export const ESTIMATED: Change = { param: 'usage', action: 'estimated', reason: 'Workers AI returned no token counts; these are estimated from the length of the text' }

const NO_FRAMES: Change = { param: 'x-native-frames', action: 'dropped', reason: 'Native frames are told inside a stream, as comments; an answer that is no stream has no place for them' }

/** Answers a chat: see `answerRequest`. */
export function answerChat (
  services: Services,
  chat: GenerationRequest,
  call: Call,
  origin: ChatOrigin = {}
): Promise<InferenceAnswer | DryRunAnswer> {
  const { nameOf = asItIs, onAsked, isStored = false } = origin
  const { fetchRemoteImages: areFetched } = services.settings
  const options = toRunOptions(services, origin)
  let fetched: ReturnType<typeof fetchRemoteImages> | undefined
  const translator: InferenceRequest['translator'] = (model, signal) => {
    const translate: Translate = variation => toRunRequest(chat, model, variation === AS_ASKED ? options : { ...options, ...variation })
    const prepared = prepareChecks(chat, ownTurn)
    if (!areFetched || !model.vision) return prepared === undefined ? translate : prepared.then(() => translate)
    // Once, for all models that are tried.
    fetched ??= fetchRemoteImages(chat, {
      ...services.remoteImages,
      hold: bytes => call.holdMemory(bytes),
      signal: toAbortSignal(signal)
    })
    return Promise.all([fetched, prepared]).then(([{ request: readable, changes }]) => variation => {
      const run = toRunRequest(readable, model, { ...options, ...variation })
      run.changes.unshift(...changes)
      return run
    })
  }
  return answerRequest(
    services,
    {
      model: chat.model,
      stream: chat.stream === true,
      isDeterministic: () => chat.temperature === 0 && !isStored && !hasRemoteImages(chat),
      cachePrefix: () => chat.messages,
      translator,
      nameOf,
      ...(onAsked && { onAsked }),
      release: () => letGoOfMessages(chat)
    },
    call
  )
}

/** How a chat is translated: by a server's settings, and by where it comes from. */
function toRunOptions ({ settings, models }: Pick<Services, 'settings' | 'models'>, { given, truncate, tellsStop }: ChatOrigin = {}): RunRequestOptions {
  const { defaultMaxTokens, maxChoices, unsupportedParams, emulateTools, rejectIfBusy } = settings
  const visionModels = () => toVisionSuggestions(models.known())
  return { defaultMaxTokens, maxChoices, unsupportedParams, emulateTools, rejectIfBusy, visionModels, given, truncate, tellsStop }
}

/** The smallest image there is: all images count alike, so none is fetched. */
const ANY_IMAGE = 'data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA='

/**
 * Counts the tokens of a chat's prompt, tools and images included, as it would be sent to the model it names: an estimate, rather
 * too many than too few. Asks nobody.
 * @throws ProxyError when no model can be meant; LimitError when the key may not use it; InvalidRequestError when something
 *   in the request cannot be served
 */
export async function countPromptTokens (
  services: Pick<Services, 'settings' | 'models'>,
  chat: GenerationRequest,
  { record, allowance }: Pick<Call, 'record' | 'allowance'>
): Promise<{ model: Model, tokens: number }> {
  record.model = chat.model
  const model = await services.models.resolve(chat.model)
  allowance?.checkModel(model, services.models)
  record.servedModel = model.id
  const counted = services.settings.fetchRemoteImages ? withoutRemoteImages(chat) : chat
  await prepareChecks(counted, ownTurn)
  const { likelyPromptTokens = 0 } = toRunRequest(counted, model, { ...toRunOptions(services), unsupportedParams: 'warn' })
  return { model, tokens: Math.max(1, likelyPromptTokens) }
}

function isRemote ({ url }: { url: string }): boolean {
  return /^https?:/i.test(url)
}

function hasRemoteImages ({ messages }: GenerationRequest): boolean {
  return toImages(messages).some(isRemote)
}

function withoutRemoteImages (chat: GenerationRequest): GenerationRequest {
  const remote = toImages(chat.messages).filter(isRemote)
  if (remote.length === 0) return chat
  return { ...chat, messages: withImageUrls(chat.messages, new Map(remote.map(({ param }) => [param, ANY_IMAGE]))) }
}

/**
 * Answers a request with the model that it names, with that model's fallbacks if it fails before its first token, or with its
 * successor if Cloudflare has retired it.
 * Resolves when the answer has begun; for a dry run at once, with what would be sent.
 * @throws the failure of the last model, or an error about the request
 */
export async function answerRequest (services: Services, request: InferenceRequest, call: Call): Promise<InferenceAnswer | DryRunAnswer> {
  const { models, workersAi, keepAliveMs, freeNeurons, answerCache } = services
  const requested = await models.resolve(request.model)
  const { stream, nameOf = asItIs } = request
  const { record, signal, isDryRun } = call
  record.kind = isDryRun ? 'dry-run' : 'answer'
  record.model = request.model
  record.servedModel = requested.id
  record.stream = stream
  call.allowance?.checkModel(requested, models)
  freeNeurons?.checkModel(requested)
  const retryTime = new RetryTimeBudget()
  const candidates = new Candidates(services, request.model, requested, call.credential)
  const turns: Change[] = []
  let failed: Failed | undefined
  for (let candidate: Candidate | undefined = candidates.first(); candidate !== undefined; candidate = await candidates.next()) {
    const { model } = candidate
    if (failed && call.allowance?.withholds(model, models, candidate.replaces !== undefined)) continue
    if (failed && freeNeurons?.mayAsk(model) === false) continue
    try {
      if (!isDryRun) candidates.refuseRetired(model)
      const translator = request.translator(model, signal)
      const translate = translator instanceof Promise ? await translator : translator
      const run = translate(AS_ASKED)
      if (failed) {
        turns.push(toTurn(failed, candidate))
        if (!isDryRun) (record.fallbacks ??= []).push({ from: failed.model.id, to: model.id })
      }
      run.changes.push(...turns)
      const { modelChange } = call
      if (modelChange) run.changes.unshift(modelChange)
      if (isDryRun) return { kind: 'dry-run', body: toDryRun({ ...run, changes: toNamed(run.changes, nameOf) }, model.id, stream) }
      if (call.onFrame !== undefined && !stream) run.changes.push(NO_FRAMES)
      request.onAsked?.(run, model)
      const warning = freeNeurons?.warning()
      if (warning) run.changes.push(warning)
      // For a client that has left, nothing would free again what is held from now on.
      signal.throwIfAborted()
      const isStreamed = stream && run.canStream
      const looked = answerCache && await answerCache.generation(
        { run, model, isStreamed, isDeterministic: request.isDeterministic() },
        call
      )
      const { allowance } = call
      if (looked?.hit) {
        await allowance?.reserve(NO_TOKENS, model)
        record.cache = 'hit'
        request.release?.()
        run.changes.push(...looked.hit.changes)
        record.servedModel = model.id
        record.attempts = retryTime.asked
        const headers = { ...toServedHeaders(call, model.id, retryTime.asked), ...looked.headers }
        return { kind: 'answer', model: model.id, run, generations: looked.hit.generations, reporter: new ChangeReporter(run.changes, call, nameOf), headers }
      }
      signal.throwIfAborted()
      const admitted = run.maxTokens > 0 ? freeNeurons?.admit(record, toMostTokens(run), model) : undefined
      if (admitted !== undefined) await admitted
      // A fallback goes on with what is held for the model that failed.
      if (allowance !== undefined && run.maxTokens > 0) await allowance.reserve(toMostTokens(run), model)
      let isAskedAgain = false
      const begun = startGenerations(workersAi, run, {
        call,
        model,
        stream,
        translate,
        plainest: model.guessed && toPlainestOf(request, model, signal),
        onPlain: plain => models.rememberPlain(plain),
        onAskedAgain: () => { isAskedAgain = true },
        sessionAffinity: call.toSessionAffinity(run.cacheKey, request.cachePrefix()),
        retryTime,
        keepAliveMs
      })
      request.release?.()
      // An answer that only a second attempt made right is luck, and is not kept.
      const generations = looked?.keep?.(await begun, () => !isAskedAgain && !signal.aborted) ?? await begun
      record.servedModel = model.id
      record.attempts = retryTime.asked
      if (generations.status !== undefined) record.upstreamStatus = generations.status
      const headers = Object.assign(toServedHeaders(call, model.id, retryTime.asked), generations.headers, looked?.headers)
      return { kind: 'answer', model: model.id, run, generations, reporter: new ChangeReporter(run.changes, call, nameOf), headers }
    } catch (error) {
      if (error instanceof UpstreamError || retryTime.asked > 0) record.attempts = retryTime.asked
      if (error instanceof InvalidRequestError) {
        // A fallback that cannot take the request is passed over: the caller gets the error of the model it named.
        if (failed && candidate.replaces === undefined) continue
        throw withModels(error, candidate)
      }
      if (!(error instanceof UpstreamError)) throw error
      record.servedModel = model.id
      candidates.failed(candidate, error)
      failed = { model, error: withModels(error, candidate) }
      if (!mayFallBack(error)) throw failed.error
    }
  }
  throw failed?.error ?? new Error('unreachable: there is one model at least')
}

function toPlainestOf ({ translator }: InferenceRequest, model: Model, signal: CancelSignal): StartOptions['plainest'] {
  const plainest = toPlainest(model)
  return async () => ({ model: plainest, translate: await translator(plainest, signal) })
}

/**
 * Gives the batches of every choice as they arrive; a failure is thrown. Notes what is only known now. Unless all is told
 * to its end, every upstream is closed.
 * @returns the bill of all choices
 */
export function consume ({ generations: { choices, close }, reporter }: Pick<InferenceAnswer, 'generations' | 'reporter'>, call: Call, write: WriteOfChoice): Promise<Usage> {
  const { record } = call
  const usages: Usage[] = []
  let failure: Error | undefined
  return interleaved(choices, (batch, choice) => {
    if (failure) return 'cancel'
    record.firstTokenMs ??= Math.round(call.elapsedMs())
    const verdict = write(batch, choice)
    const last = batch.at(-1)
    if (last?.type === 'finish') {
      if (last.reason !== null) record.finishReason ??= last.reason
      // The ending puts the bill right before it.
      for (const event of batch) if (event.type === 'usage') usages.push(event.usage)
    }
    if (last?.type === 'failure') failure = last.error
    if (failure === undefined && verdict !== 'cancel') return verdict
    // The other choices are of no use any more, and would only be waited for.
    close()
    return 'cancel'
  }).then(() => {
    if (failure) throw failure
    const usage = toSum(usages)
    record.usage = usage
    if (usage.estimated) reporter.add(ESTIMATED)
    return usage
  }, (error: unknown) => {
    close()
    throw failure ?? error
  })
}

/** Every choice's events, whole. */
export async function collect (answer: InferenceAnswer, call: Call): Promise<Batch[]> {
  const choices: Batch[] = answer.generations.choices.map(() => [])
  await consume(answer, call, (batch, choice) => {
    for (const event of batch) choices[choice]?.push(event)
    return undefined
  })
  return choices
}
