import type { Batch, FinishReason, Usage } from '../../generation/event.ts'
import { UpstreamError } from '../../errors.ts'
import { isObject } from '../../json/is-object.ts'
import { errorIn } from '../transport/error-envelope.ts'
import { toNeurons } from '../transport/upstream-call.ts'
import { parseExactly, toDigits, toExactJsonText, toJsonText, toNumber } from '../../json/exact-json.ts'
import { readFrames, type FrameBytes } from '../fast-path/frame-run.ts'
import { FrameTemplates } from '../fast-path/frame-templates.ts'
import type { NativeChoice, NativeFrame, NativeMessage, NativeUsage } from './native-answer.ts'
import { toMessage } from './responses-output.ts'
import { toTokenLogprobs } from './token-logprobs.ts'
import { CLASSIC_TEXT, type TextFrames } from '../fast-path/text-frames.ts'
import { holdsArguments, ToolCallReader } from './tool-call-reader.ts'
import { UsageTally } from './usage-tally.ts'

/**
 * Reads native answers into generation events: the classic `{response, tool_calls, usage}`, the OpenAI-shaped
 * `{choices, usage}`, the hybrid that has both, streamed and whole, and the whole `{output, usage}` of the Responses
 * API. Every quirk of an answer is handled here or in ToolCallReader, and nowhere else.
 *
 * One reader serves one generation. After a failure event it reads nothing more.
 */
export class GenerationReader {
  /** The kind of frames that held the last text of this stream. */
  textFrames: TextFrames = CLASSIC_TEXT
  #toolCalls: ToolCallReader
  #tally = new UsageTally()
  /** The last frame of the fast paths, kept until its usage is needed. */
  #lastOfRun: string | undefined
  #templates = new FrameTemplates(GenerationReader.#readAlone)
  #reason: FinishReason | null = null
  #finished = false
  #done = false
  #failure: UpstreamError | undefined
  #neurons: number | undefined
  #sawOutput = false
  #answerId: string | undefined
  #answerModel: string | undefined
  #redact: (sentence: string) => string

  /**
   * @param newCallId makes a tool-call id that is unique in the conversation
   * @param redact removes secrets from Cloudflare's sentences
   */
  constructor (newCallId: () => string, redact = (sentence: string) => sentence) {
    this.#toolCalls = new ToolCallReader(newCallId)
    this.#redact = redact
  }

  /** True once nothing more can come: `[DONE]` was read, or a failure. */
  get done (): boolean {
    return this.#done
  }

  /** True once the upstream ended the stream: `[DONE]`, and no failure. */
  get ended (): boolean {
    return this.#done && this.#failure === undefined
  }

  /** True from the first output until its end. */
  get isSpeaking (): boolean {
    return this.#sawOutput && !this.#done && !this.#finished
  }

  /** @param json a frame whose text has bypassed this reader, with the latest usage */
  onBypassed (json: string): void {
    this.#lastOfRun = json
  }

  /** The failure that it ended with, if any. */
  get failure (): UpstreamError | undefined {
    return this.#failure
  }

  /** Neurons billed so far, from the last `usage.neurons`. */
  get neurons (): number | undefined {
    this.#readLastOfRun()
    return this.#neurons
  }

  /** The id that the answer says it has. */
  get answerId (): string | undefined {
    return this.#answerId
  }

  /** The model that the answer names. */
  get answerModel (): string | undefined {
    return this.#answerModel
  }

  /** Why the model stopped; undefined while it has not, and where it failed. */
  get finishReason (): string | undefined {
    if (this.#failure !== undefined || !(this.#finished || this.#done)) return undefined
    return this.#reason ?? (this.#toolCalls.sawCalls ? 'tool_calls' : 'stop')
  }

  /** Usage so far, as far as Cloudflare has reported it. */
  get usage (): Usage | undefined {
    this.#readLastOfRun()
    return this.#tally.usage
  }

  /**
   * Reads the run of events at `start` that needs no parsing, if there is one, and appends its events to `batch`.
   * @param read bytes of a stream, of which an event begins at `start`
   * @returns where the run ends
   */
  readRun (read: FrameBytes, start: number, batch: Batch): number {
    if (this.#done || this.#finished) return start
    const before = batch.length
    const classic = readFrames(CLASSIC_TEXT, read, start, batch)
    const run = classic ?? this.#templates.read(read, start, batch)
    if (run === undefined) return start
    this.textFrames = classic ? CLASSIC_TEXT : this.#templates.textFrames
    if (!classic && this.#templates.hasUsage) this.#lastOfRun = read.slice(run.lastStart + 'data: '.length, run.end)
    this.#sawOutput ||= batch.length > before
    return run.end
  }

  /**
   * Reads the data of one stream event and appends its events to `batch`.
   * @param isLast the stream has ended with it: if it does not parse, it was cut off, and `end` reports that
   */
  readEvent (data: string, batch: Batch, isLast = false): void {
    if (this.#done) return
    if (data.trim() === '[DONE]') {
      this.#done = true
      return
    }
    const frame = parseFrame(data)
    if (frame instanceof UpstreamError) return isLast ? undefined : this.#fail(frame, batch)
    if (frame === undefined) return
    const before = batch.length
    this.#readFrame(frame, batch, data)
    const said = batch[before]
    const isPiece = batch.length === before + 1 && (said?.type === 'text' || said?.type === 'reasoning')
    if (!isPiece || !this.#mayCompile(frame)) return
    this.textFrames = this.#templates.compile(data, said)
  }

  /**
   * Reads a whole JSON answer, in Cloudflare's envelope or without it, and ends the generation. An answer with a failure
   * becomes only that failure.
   * @param json the answer's text, which has the exact digits of its numbers
   */
  readAnswer (answer: unknown, batch: Batch, json?: string): void {
    const before = batch.length
    const holdsGeneration = isObject(answer) && this.#readFrame(answer, batch, json)
    if (!holdsGeneration) this.#fail(new UpstreamError('Cloudflare answered with JSON that is no generation', { kind: holdsNothing(answer) ? 'empty' : 'malformed' }), batch)
    this.#done = true
    this.end(batch)
    if (this.#failure) batch.splice(before, Infinity, { type: 'failure', error: this.#failure })
  }

  /**
   * Ends the generation: appends usage and finish, or a failure for a truncated stream or an empty answer.
   */
  end (batch: Batch): void {
    if (this.#failure) return
    // Without [DONE] only a finish reason shows that the model has ended. Cloudflare's own client does the same.
    if (!this.#done && !this.#finished) {
      return this.#fail(new UpstreamError('The stream from Cloudflare ended before the answer did', { kind: 'truncated' }), batch)
    }
    this.#done = true
    try {
      this.#toolCalls.end(batch)
    } catch (error) {
      return this.#fail(error as UpstreamError, batch)
    }
    const { usage } = this
    if (this.#holdsNothing(usage)) return this.#fail(new UpstreamError('Cloudflare answered with nothing at all', { kind: 'empty' }), batch)
    if (usage) batch.push({ type: 'usage', usage })
    batch.push({ type: 'finish', reason: this.#reason })
  }

  /** Whether it has no text, no call, and no reason for that. */
  #holdsNothing (usage: Usage | undefined): boolean {
    return !this.#sawOutput && !this.#toolCalls.sawCalls && !this.#finished && !usage?.completionTokens
  }

  /**
   * @param json the frame's text; absent if the digits of its numbers do not matter
   * @returns whether the frame is a part of a generation
   */
  #readFrame (outer: NativeFrame, batch: Batch, json?: string): boolean {
    this.#readLastOfRun()
    const told = toTold(outer)
    const { frame, choice, message } = told
    const failure = errorIn(outer) ?? errorIn(frame)
    if (failure) {
      this.#fail(new UpstreamError(this.#redact(failure.message), { kind: 'refused', status: 200, code: failure.code }), batch)
      return true
    }

    if (typeof frame.id === 'string') this.#answerId ??= frame.id
    if (typeof frame.model === 'string') this.#answerModel ??= frame.model

    const before = batch.length
    const exact = json !== undefined && holdsValues(told) ? parseExactly(json) : undefined
    if (exact === undefined) this.#readTold(told, choice?.logprobs, toJsonText, batch)
    else this.#readTold(toTold(exact as NativeFrame), choice?.logprobs, toExactJsonText, batch)
    const saysSomething = batch.length > before
    if (saysSomething) {
      this.#sawOutput = true
      // Output after a finish reason shows that it was not the end.
      this.#finished = false
      this.#reason = null
    }
    this.#readUsage(frame.usage, saysSomething)
    this.#readFinish(choice?.finish_reason ?? frame.finish_reason ?? frame.incomplete_details?.reason, batch)
    return choice !== undefined || message !== undefined || frame.response !== undefined || Array.isArray(frame.tool_calls)
  }

  #readTold ({ frame, choice, message }: Told, logprobs: unknown, write: Write, batch: Batch): void {
    pushReasoning(toText(message?.reasoning_content, write) || toText(message?.reasoning, write), batch)
    // A hybrid frame has the same text and the same calls twice, as `choices` and in classic form.
    pushText(toText(message?.content, write) || toText(choice?.text, write) || toText(frame.response, write), logprobs, batch)
    this.#toolCalls.read(callsOf(frame, message), batch, write)
  }

  /** Every frame may have usage. In a run of templated frames only the last one counts. */
  #readLastOfRun (): void {
    if (this.#lastOfRun === undefined) return
    this.#readUsage(toGeneration(JSON.parse(this.#lastOfRun) as NativeFrame).usage, true)
    this.#lastOfRun = undefined
  }

  #readUsage (native: unknown, isBesideText: boolean): void {
    if (!isObject(native)) return
    this.#tally.add(toUsage(native), isBesideText)
    this.#neurons = toNeurons(native['neurons']) ?? this.#neurons
  }

  #readFinish (native: unknown, batch: Batch): void {
    if (typeof native !== 'string' || native === '') return
    if (native === 'error') {
      return this.#fail(new UpstreamError('The model stopped with an error', { kind: 'refused', status: 200 }), batch)
    }
    this.#finished = true
    this.#reason = toFinishReason(native)
  }

  /** Of templated frames only the last usage is read, so no template is compiled if usage has to be summed. */
  #mayCompile (frame: NativeFrame): boolean {
    return this.#tally.isRunning || toUsage(toGeneration(frame).usage) === undefined
  }

  /** The events of a frame alone in a stream; undefined if it is not a frame, has calls, ends the answer, or fails. */
  static #readAlone (data: string): Batch | undefined {
    const frame = parseFrame(data)
    if (frame === undefined || frame instanceof UpstreamError) return undefined
    const reader = new GenerationReader(() => '')
    const batch: Batch = []
    reader.#readFrame(frame, batch)
    return reader.#done || reader.#finished || reader.#toolCalls.sawCalls ? undefined : batch
  }

  #fail (error: UpstreamError, batch: Batch): void {
    if (this.#failure) return
    this.#done = true
    this.#failure = error
    batch.push({ type: 'failure', error })
  }
}

function toGeneration (frame: NativeFrame): NativeFrame {
  return isObject(frame.result) ? frame.result : frame
}

/** The parts of a frame with its output. */
interface Told {
  frame: NativeFrame
  choice: NativeChoice | undefined
  message: NativeMessage | null | undefined
}

/** Serializes a parsed value. */
type Write = (value: unknown) => string

function toTold (outer: NativeFrame): Told {
  const frame = toGeneration(outer)
  const choice = firstChoice(frame.choices)
  return { frame, choice, message: choice?.delta ?? choice?.message ?? toMessage(frame.output) }
}

function callsOf (frame: NativeFrame, message: Told['message']): unknown {
  return isEmptyList(message?.tool_calls) ? frame.tool_calls : message?.tool_calls
}

/** Whether some output is a parsed value, not a string, so that its numbers have to be serialized. */
function holdsValues ({ frame, choice, message }: Told): boolean {
  return isValue(message?.content) || isValue(frame.response) || isValue(message?.reasoning_content) ||
    isValue(message?.reasoning) || isValue(choice?.text) || holdsArguments(callsOf(frame, message))
}

function isValue (told: unknown): boolean {
  return typeof told === 'number' || (typeof told === 'object' && told !== null)
}

/** Whether JSON is an empty object, maybe in Cloudflare's envelope: observed as an answer of gpt-oss. */
function holdsNothing (answer: unknown): boolean {
  return isObject(answer) && Object.keys(toGeneration(answer)).length === 0
}

/** A frame that begins as JSON must be JSON. Other text between frames is skipped, as Cloudflare's own client does. */
function parseFrame (data: string): NativeFrame | UpstreamError | undefined {
  if (!/^\s*[{[]/.test(data)) return undefined
  try {
    return JSON.parse(data) as NativeFrame
  } catch (cause) {
    return new UpstreamError('Cloudflare sent a stream frame that is no valid JSON', { kind: 'malformed', cause })
  }
}

/** Upstream is never asked for several choices, so only the first counts. */
function firstChoice (choices: unknown): NativeChoice | undefined {
  if (!Array.isArray(choices)) return undefined
  return choices.find((choice: NativeChoice | null) => isObject(choice) && toNumber(choice['index'] ?? 0) === 0)
}

function pushReasoning (text: string, batch: Batch): void {
  if (text !== '') batch.push({ type: 'reasoning', text })
}

function pushText (text: string, logprobs: unknown, batch: Batch): void {
  if (text === '') return
  const tokens = toTokenLogprobs(logprobs)
  batch.push({ type: 'text', text, ...(tokens && { logprobs: tokens }) })
}

/** Text may arrive as a number (a token that looks like one), as parts, or parsed in JSON mode. */
function toText (value: unknown, write: Write): string {
  if (typeof value === 'string') return value
  if (value === null || value === undefined) return ''
  if (typeof value !== 'object') return String(value)
  const digits = toDigits(value)
  if (digits !== undefined) return digits
  if (Array.isArray(value) && value.length > 0 && value.every(isTextPart)) return value.map(part => part.text).join('')
  return write(value)
}

/** Without `type` it could also be an answer in JSON mode. */
function isTextPart (part: unknown): part is { text: string } {
  const { type, text } = (part ?? {}) as { type?: unknown, text?: unknown }
  return type === 'text' && typeof text === 'string'
}

function isEmptyList (value: unknown): boolean {
  return !Array.isArray(value) || value.length === 0
}

/** Upstream also reports `stop` with tool calls and at the token limit, so `stop` counts as no reason. */
function toFinishReason (native: string): FinishReason | null {
  switch (native) {
    case 'length': case 'model_length': case 'max_tokens': case 'max_output_tokens': return 'length'
    case 'tool_calls': case 'function_call': return 'tool_calls'
    case 'content_filter': return 'content_filter'
    default: return null
  }
}

/** The tokens of a native `usage`, under any of its names; undefined if it has none, or only zeros. */
export function toUsage (native: unknown): Usage | undefined {
  if (!isObject(native)) return undefined
  const usage = native as NativeUsage
  const promptTokens = count(usage.prompt_tokens ?? usage.input_tokens)
  const completionTokens = count(usage.completion_tokens ?? usage.output_tokens)
  if (!promptTokens && !completionTokens) return undefined
  const cachedTokens = count((usage.prompt_tokens_details ?? usage.input_tokens_details)?.cached_tokens)
  const reasoningTokens = count((usage.completion_tokens_details ?? usage.output_tokens_details)?.reasoning_tokens)
  return {
    promptTokens: promptTokens ?? 0,
    completionTokens: completionTokens ?? 0,
    // More cached than sent tokens were observed; a client that subtracts them would get a negative number.
    ...(cachedTokens !== undefined && { cachedTokens: Math.min(cachedTokens, promptTokens ?? 0) }),
    ...(reasoningTokens !== undefined && { reasoningTokens })
  }
}

function count (value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? Math.max(0, Math.round(value)) : undefined
}
