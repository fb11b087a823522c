import { invalid, InvalidRequestError } from '../../errors.ts'
import type { Change } from '../../generation/change.ts'
import type { GenerationRequest } from '../../generation/request.ts'
import type { Model } from '../models/model.ts'
import { toFunctionsRequest } from './custom-tools.ts'
import { newWorkBudget, type WorkBudget } from '../../json/work-budget.ts'
import { toExactJson } from '../../json/exact-integers.ts'
import { withInstruction } from './messages/instructions.ts'
import { toNativeMessages } from './messages/messages.ts'
import type { NativeMessage } from './native-message.ts'
import { toOtherParameters } from './other-parameters.ts'
import { toUnpooledBuffer } from '../../json/unpooled-buffer.ts'
import { toJson, toMessagesJson, toPromptJson, type PromptJson } from './native-json.ts'
import { withPromptedTools } from './messages/prompted-tools.ts'
import { toReasoning } from './reasoning.ts'
import { toNativeSeed, toSampling } from './sampling.ts'
import { toInstruction, toNativeFormat, toOutputForm, toOutputFormat, type OutputForm, type OutputFormat } from './structured-output.ts'
import { toLimitFields, toPromptEstimate, toReserve, toTokenLimit } from './token-limit.ts'
import { toOfferedTools, type OfferedTools } from './tools.ts'
import { toLatest } from './messages/truncation.ts'

/** The tools of a request without tools. */
export const NO_TOOLS: RunRequest['tools'] = new Map()

/** From this length on, in bytes, an input is sent from its own memory: copying costs more than a separate piece. */
const LONG_PIECE = 256 * 1024

/** Tokens that one image may cost; the length of its base64 text does not show it. */
const TOKENS_PER_IMAGE = 1_500

export interface RunRequestOptions {
  /** The token limit if the caller gives none. */
  defaultMaxTokens: number
  /** The largest `n` of a request. */
  maxChoices: number
  /** Whether parameters that Workers AI does not take are reported as changes, or refused. */
  unsupportedParams: 'warn' | 'reject'
  /** Whether models without tool calling get their tools by prompt. */
  emulateTools: boolean
  /** Whether Cloudflare should refuse instead of queueing. */
  rejectIfBusy: boolean
  /** Vision models to suggest to a caller who sends images to a model without vision. */
  visionModels?: () => readonly string[]
  /** The form of a structured output, after the family's own form was refused. */
  outputForm?: OutputForm
  /** Messages after the caller's, for a second attempt. */
  followUp?: readonly NativeMessage[]
  /** Changes that the surface has made already. */
  given?: readonly Change[] | undefined
  /** Whether the oldest turns may be left out if the conversation does not fit the context window. */
  truncate?: boolean | undefined
  /** Whether all stop sequences are left to our own stage, which says at which of them it ended the text; Cloudflare does not. */
  tellsStop?: boolean | undefined
}

/** The input of one native call. */
export interface RunInput {
  /** The member of the native body it goes into. */
  member: 'messages' | 'prompt' | 'input'
  json: PromptJson['json']
  /** Estimate of its tokens, for an upstream that does not count. */
  promptTokens: number
}

/** A chat or a text completion in native form, and what our own stages need to do the rest. */
export interface RunRequest {
  /** The native body without its input, `seed` and `stream`. */
  fields: Record<string, unknown>
  /** The messages of a chat, or each prompt of a text completion. */
  inputs: [RunInput, ...RunInput[]]
  /** The caller's seed in the native range; absent if the caller gave none. */
  seed?: number
  /** Whether the upstream call may stream; otherwise a plain answer is requested, and sent as a stream. */
  canStream: boolean
  /** Number of native calls. Each input has the same number of choices; those of one input are adjacent. */
  choices: number
  /** Sequences at which our own stage ends the text. */
  stop: string[]
  singleToolCall: boolean
  /** Parameters of the tools that were offered, by name: only these can be called. */
  tools: ReadonlyMap<string, Record<string, unknown>>
  /** Names of those that replace custom tools. */
  customTools?: ReadonlySet<string>
  /** The follow-up message for a model that made no call although one was forced. */
  forcedCall?: string
  /** The only tool that may be called, if a call is forced. */
  forcedTool?: string
  /** The last message of the caller is a tool's result. */
  followsToolResult: boolean
  format?: OutputFormat
  outputForm?: OutputForm
  /** The caller used `functions`, and gets `function_call`. */
  legacyFunctions: boolean
  /** Everything that the model writes is text of the answer: no chat template asks it to think first. */
  isVerbatim: boolean
  /** The model's thinking is left out of the answer. */
  hidesThinking: boolean
  /** The token limit that is sent; 0 if no model is called. */
  maxTokens: number
  /** Guess of the tokens of a chat, tools and images included, rather too many than too few; absent for texts. */
  likelyPromptTokens?: number
  /** The caller's `prompt_cache_key`, if it can be a header value. */
  cacheKey?: string
  /** What may still be done to check and mend its answers. */
  workBudget: WorkBudget
  changes: Change[]
}

/**
 * Translates a request for a model.
 * @throws InvalidRequestError if something in it cannot be served, or if unsupported parameters are to be refused
 */
export function toRunRequest (asked: GenerationRequest, model: Model, options: RunRequestOptions): RunRequest {
  const { family } = model
  const changes: Change[] = [...options.given ?? []]
  const { request, customTools } = toFunctionsRequest(asked, changes)
  const choices = toChoices(request, options, changes)
  const { seed, ...sampling } = toSampling(request, family, changes)
  const offered = toOfferedTools(request, family, changes)
  const workBudget = newWorkBudget()
  const format = toOutputFormat(request, workBudget, changes)
  const outputForm = format && (options.outputForm ?? toOutputForm(format, family))
  const formatFields = format && outputForm ? toNativeFormat(format, outputForm, changes) : {}
  const nativeTools = offered && family.tools === 'native' ? { tools: offered.tools, ...offered.fields } : {}
  const whole = toMessages(request, model, options, { offered, format, outputForm }, changes)
  const { contextWindow: window } = model
  const messages = options.truncate && window !== undefined
    ? toLatest(whole, window - toReserve(request, window) - toTokens(nativeTools), toMessageTokens, changes)
    : whole
  const stop = toStops(request)
  const { fields: thinking, isHidden } = toReasoning(request, family, changes)
  const others = Object.assign(toOtherParameters(request, family, changes), thinking)
  const cacheKey = toCacheKey(request, changes)
  const images = countImages(messages)
  const { json, size } = toMessagesJson(messages, images > 0)
  const prompt = toPromptEstimate(size, messages.length)
  const beside = toTokens(nativeTools) + TOKENS_PER_IMAGE * images
  prompt.atMost += beside
  prompt.likely += beside
  const maxTokens = toTokenLimit(request, model, prompt, options.defaultMaxTokens, changes)
  if (options.unsupportedParams === 'reject') refuseDropped(changes)
  const fields: RunRequest['fields'] = Object.assign(toLimitFields(maxTokens, family), sampling, nativeTools, formatFields)
  if (family.nativeStop && stop.length > 0 && !options.tellsStop) fields['stop'] = stop
  Object.assign(fields, others)
  if (options.rejectIfBusy) fields['options'] = { rejectIfBusy: true }
  // What most requests have comes first, so that all of these have one shape: what reads them is slower where each has its own.
  const run: RunRequest = {
    fields,
    inputs: [{ member: 'messages', json, promptTokens: prompt.asCloudflare }],
    canStream: (!format || (family.streams.json && outputForm !== 'prompt')) && (!offered || family.streams.tools) && offered?.forcedCall === undefined,
    choices,
    stop,
    singleToolCall: request.parallel_tool_calls === false,
    tools: offered?.schemas ?? NO_TOOLS,
    followsToolResult: request.messages.at(-1)?.role === 'tool',
    legacyFunctions: !request.tools?.length && !!request.functions?.length,
    isVerbatim: false,
    hidesThinking: isHidden,
    maxTokens,
    likelyPromptTokens: prompt.likely,
    workBudget,
    changes
  }
  if (seed !== undefined) run.seed = seed
  if (customTools.size > 0) run.customTools = customTools
  if (offered?.forcedCall !== undefined) run.forcedCall = offered.forcedCall
  if (offered?.forcedTool !== undefined) run.forcedTool = offered.forcedTool
  if (format) run.format = format
  if (outputForm) run.outputForm = outputForm
  if (cacheKey !== undefined) run.cacheKey = cacheKey
  return run
}

interface Extras {
  offered: OfferedTools | undefined
  format: OutputFormat | undefined
  outputForm: OutputForm | undefined
}

/** The native messages, with instructions for features that the model has no field for. */
function toMessages (
  request: GenerationRequest,
  model: Model,
  options: RunRequestOptions,
  { offered, format, outputForm }: Extras,
  changes: Change[]
): readonly NativeMessage[] {
  const plain = toNativeMessages(request.messages, model, changes, options.visionModels)
  const isPrompted =
    model.family.tools === 'prompt' && (offered !== undefined || plain.some(({ role, tool_calls: calls }) => role === 'tool' || calls))
  if (isPrompted && offered !== undefined) {
    if (!options.emulateTools) {
      throw new InvalidRequestError(
        name =>
          `Unsupported parameter: '${name}' is not supported with the model '${model.id}'. GET /v1/models lists which models have "tools": true; EMULATE_TOOLS of the proxy offers them by prompt.`,
        { param: 'tools', code: 'unsupported_parameter' }
      )
    }
    changes.push({
      param: 'tools',
      action: 'emulated',
      reason: 'this model has no tool calling; the tools are described in the system message'
    })
  }
  if (isPrompted && offered === undefined) {
    changes.push({
      param: 'messages',
      action: 'emulated',
      reason: 'this model has no tool calling; earlier calls and their results are sent as text'
    })
  }
  const tooled = isPrompted ? withPromptedTools(plain, offered?.tools ?? []) : plain
  // A model that only judges a dialogue takes no instructions.
  const instructions = model.family.dialogueOnly
    ? []
    : [
        ...(format && outputForm === 'prompt' ? [toInstruction(format)] : []),
        ...(offered?.forcedCall === undefined ? [] : [offered.forcedCall])
      ]
  const instructed = instructions.length > 0 ? withInstruction(tooled, instructions.join('\n\n')) : tooled
  return options.followUp === undefined ? instructed : [...instructed, ...options.followUp]
}

/**
 * The JSON to send for one choice, in UTF-8; in pieces if the input is very long.
 * @param choice 0-based; later choices of the same input get the following seeds, so that they differ
 * @param baseSeed a random seed for callers that gave none but request several choices
 */
export function toBody (
  request: RunRequest,
  { stream, choice, baseSeed }: { stream: boolean, choice: number, baseSeed: number }
): Buffer | readonly Buffer[] {
  const { inputs, choices } = request
  const { member, json } = toInput(request, choice)
  const choicesOfInput = choices / inputs.length
  const answer = choice % choicesOfInput
  const seed = request.seed ?? (choicesOfInput > 1 && member !== 'input' ? baseSeed : undefined)
  const fields = { ...request.fields }
  if (seed !== undefined) fields['seed'] = answer === 0 ? seed : toNativeSeed(seed + answer)
  if (stream) fields['stream'] = true
  if (stream && request.fields['max_completion_tokens'] !== undefined) fields['stream_options'] = { include_usage: true }
  const before = `{"${member}":`
  const after = `,${toFieldsJson(fields).slice(1)}`
  if (typeof json !== 'string') {
    const pieces = [toUnpooledBuffer(before), ...json, toUnpooledBuffer(after)]
    // undici sends pieces one after the other.
    return json.length === 1 && (json[0]?.length ?? 0) > LONG_PIECE ? pieces : Buffer.concat(pieces)
  }
  const text = before + json + after
  return stream ? toUnpooledBuffer(text) : Buffer.from(text)
}

/** Their schemas may contain integers that JavaScript rounds. */
function toFieldsJson (fields: Record<string, unknown>): string {
  const hasSchemas = fields['tools'] !== undefined || fields['response_format'] !== undefined || fields['guided_json'] !== undefined
  return hasSchemas ? toJson(fields, toExactJson) : toJson(fields)
}

/** The input of one choice; 0-based. */
export function toInput ({ inputs, choices }: RunRequest, choice: number): RunInput {
  return inputs[Math.floor(choice * inputs.length / choices)] ?? inputs[0]
}

function toChoices (request: GenerationRequest, { maxChoices }: RunRequestOptions, changes: Change[]): number {
  const choices = request.n ?? 1
  if (choices > maxChoices) {
    throw invalid('n', `integer above maximum value. Expected a value <= ${maxChoices}, but got ${choices} instead.`, 'integer_above_max_value')
  }
  if (choices > 1) changes.push({ param: 'n', action: 'emulated', from: choices, reason: 'each choice is a separate native call, and billed as one' })
  return choices
}

/** The stop sequences, without empty ones, which would end a text before it began. */
export function toStops ({ stop }: Pick<GenerationRequest, 'stop'>): string[] {
  return stop == null ? [] : [stop].flat().filter(text => text !== '')
}

function toCacheKey ({ prompt_cache_key: key }: GenerationRequest, changes: Change[]): string | undefined {
  if (key == null || key === '') return undefined
  if (/^[\w.:-]{1,128}$/.test(key)) return key
  changes.push({ param: 'prompt_cache_key', action: 'dropped', reason: 'only up to 128 letters, digits and . _ : - can be sent to Workers AI' })
  return undefined
}

/** @throws InvalidRequestError naming the first dropped parameter */
export function refuseDropped (changes: readonly Change[]): void {
  const change = changes.find(({ action }) => action === 'dropped')
  if (change === undefined) return
  throw new InvalidRequestError(name => `Unsupported parameter: '${name}' is not supported with this model.`, { param: change.param, code: 'unsupported_parameter' })
}

/** Upper estimate of the tokens of a message. */
function toMessageTokens (message: NativeMessage): number {
  const images = countImages([message])
  return toPromptEstimate(toPromptJson(message, images > 0).size, 1).atMost + TOKENS_PER_IMAGE * images
}

/** Upper estimate of the tokens of the tools. */
function toTokens (tools: object): number {
  return Math.ceil(JSON.stringify(tools).length / 3)
}

function countImages (messages: readonly NativeMessage[]): number {
  let count = 0
  for (const { content } of messages) {
    if (typeof content === 'string') continue
    for (const { type } of content) if (type === 'image_url') count++
  }
  return count
}
