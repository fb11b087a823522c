import type { Model } from '../workers-ai/models/model.ts'
import { toAnswer } from './answers/answer.ts'
import { toCompletion, type Completion } from './answers/completion.ts'
import { toConversation, type Conversation } from './answers/conversation.ts'
import { toDialect } from './native/dialect.ts'
import { refuseLongTexts, toEmbeddings, toTexts } from './answers/embedding.ts'
import { NativeError, toBadInput } from './errors.ts'
import { required } from './validation/fault.ts'
import { isJson } from './script/json.ts'
import { toNeurons, toResult } from './native/json.ts'
import type { Rendering } from './native/rendering.ts'
import { toFrames } from './native/stream.ts'
import { findOrder, SCRIPTS, toScript, unreadWords, type Script, type StreamFault } from './script/script.ts'
import { estimateTokens } from './answers/tokens.ts'
import { validate } from './validation/validation.ts'

/** What the server has to do for a run. */
export type Outcome =
  | { kind: 'result', result: object, neurons: number, tokens: number, isSlow: boolean, isQueued?: true }
  | { kind: 'stream', frames: Iterable<object>, fault: StreamFault | undefined, isSlow: boolean, isQueued?: true }
  /** A failure under HTTP 200. */
  | { kind: 'failure in 200', error: NativeError }
  /** A page of the edge, with this HTTP status. */
  | { kind: 'page', status: number }
  /** No answer at all. */
  | { kind: 'stall' }

export interface RunContext {
  requestId: string
  /** Unix time in seconds. */
  created: number
  /** Words every message is taken to begin with; empty for none. */
  order: string
  /** Words that count instead of the message's, from the header `x-simulator`; empty for none. */
  header: string
  /** Counts the requests with this message: true for as many as `times`, then once false, and so on. */
  isToFail: (message: string, times: number) => boolean
}

/** Decides what a body makes this model do. Throws a `NativeError` for whatever Cloudflare would refuse, and for scripted failures. */
export function toOutcome (body: unknown, model: Model, context: RunContext): Outcome {
  switch (model.task) {
    case 'text-generation': return toGeneration(body, model, context)
    case 'text-embeddings': return toEmbedding(body, model, context)
    case 'other': throw toBadInput(required('', 'model', 'state', 'questions'))
  }
}

function toGeneration (body: unknown, model: Model, context: RunContext): Outcome {
  const dialect = toDialect(model)
  const run = validate(body, model, dialect)
  const conversation = toConversation(run, model, dialect)
  const promptTokens = estimateTokens(conversation.text)
  refuseTooLong(promptTokens + (conversation.limit ?? 0), model)

  const script = toTurnScript(conversation, context)
  const trouble = toTrouble(script, context.header + conversation.question, context)
  if (trouble) return trouble
  if (script.refusesMessages && conversation.form === 'messages') throw new NativeError(8001)
  if (script.busy && run.options?.rejectIfBusy === true) throw new NativeError(3040)

  const completion = toCompletion(toAnswer(conversation, script, dialect), conversation.limit)
  if (conversation.mustCall && conversation.callForm === 'native' && model.reasoning && completion.finish === 'length') throw new NativeError(8006)
  const rendering: Rendering = {
    model,
    dialect,
    form: conversation.form,
    isJson: conversation.isJsonMode,
    topLogprobs: conversation.topLogprobs,
    completion,
    promptTokens,
    requestId: context.requestId,
    created: context.created
  }

  const pace = { isSlow: script.slowly === true, ...(script.busy && { isQueued: script.busy }) }
  if (!run.stream || script.jsonToStream) return toPlainOutcome(rendering, pace)
  if (dialect.streamless) return { kind: 'result', result: {}, neurons: 0, tokens: completion.tokens, ...pace }
  const streamed = script.emptyStream ? toSpeechless(completion) : completion
  return { kind: 'stream', frames: toFrames({ ...rendering, completion: streamed }), fault: script.fault, ...pace }
}

/**
 * What this turn is ordered to do. One that brings the results of tools must not do again what the message before them
 * ordered, except for calls that are left of several; a header comes with each request, and is meant for it.
 */
function toTurnScript ({ question, lastPart, toolResults }: Conversation, context: RunContext): Script {
  if (context.header !== '') {
    refuseUnknownWords(context.header)
    return withoutDone(toScript(withOrder(context.header, context)), toolResults.length)
  }
  const message = findOrder(question, lastPart)
  if (toolResults.length === 0) return toScript(withOrder(message, context))
  return withoutDone({ ...toScript(withOrder('', context)), calls: toScript(message).calls }, toolResults.length)
}

/** The header is written for the simulator only, so unknown words in it are a mistake. */
function refuseUnknownWords (header: string): void {
  const unread = unreadWords(header)
  if (unread === '') return
  const known = SCRIPTS.map(({ words }) => words).join('; ')
  throw toBadInput(`the header x-simulator has unknown words: ${JSON.stringify(unread.slice(0, 100))}. Known words: ${known}`)
}

/** Leaks are calls, which an agent makes as well. */
function withoutDone (script: Script, results: number): Script {
  return { ...script, leaks: script.leaks.slice(results) }
}

function toSpeechless ({ tokens }: Completion): Completion {
  return { reasoning: [], text: [], calls: [], finish: 'stop', tokens }
}

function toPlainOutcome (rendering: Rendering, pace: { isSlow: boolean, isQueued?: true }): Outcome {
  const { completion: { text, calls, tokens }, dialect, isJson: isJsonMode, model, promptTokens } = rendering
  if (isJsonMode && dialect.answer === 'classic' && calls.length === 0 && !isJson(text.join(''))) {
    return { kind: 'failure in 200', error: new NativeError(5024) }
  }
  return { kind: 'result', result: toResult(rendering), neurons: toNeurons(model, promptTokens, tokens), tokens, ...pace }
}

function toEmbedding (body: unknown, model: Model, context: RunContext): Outcome {
  const texts = toTexts(body)
  const [first = ''] = texts
  refuseUnknownWords(context.header)
  const script = toScript(withOrder(context.header === '' ? findOrder(first) : context.header, context))
  const trouble = toTrouble(script, context.header + first, context)
  if (trouble) return trouble
  refuseLongTexts(texts, model, body)
  const tokens = estimateTokens(texts.join(''))
  return { kind: 'result', result: toEmbeddings(texts, model, body), neurons: toNeurons(model, tokens, 0), tokens: 0, isSlow: false }
}

/** Cloudflare compares its guess with the window before any model sees the prompt. */
function refuseTooLong (estimate: number, { contextWindow = Infinity }: Model): void {
  if (estimate <= contextWindow) return
  const message = `AiError: Ai: The estimated number of input and maximum output tokens (${estimate}) exceeded this model context window limit (${contextWindow}).`
  throw new NativeError(5021, { message })
}

function withOrder (message: string, { order }: RunContext): string {
  return order === '' ? message : `${order}, ${message}`
}

function toTrouble ({ stall, failure }: Script, message: string, { isToFail }: RunContext): Outcome | undefined {
  if (stall) return { kind: 'stall' }
  if (!failure || (failure.times !== undefined && !isToFail(message, failure.times))) return undefined
  if (failure.code < 1000) return { kind: 'page', status: failure.code }
  const error = new NativeError(failure.code)
  if (failure.in200) return { kind: 'failure in 200', error }
  throw error
}
