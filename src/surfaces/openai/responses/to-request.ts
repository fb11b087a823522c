import { InvalidRequestError, quoted } from '../../../errors.ts'
import type { Change } from '../../../generation/change.ts'
import type { GenerationRequest, ResponseFormat } from '../../../generation/request.ts'
import { ResponseRequest, type InputItem } from './request.ts'
import { EFFORTS } from '../../../generation/thinking.ts'
import { SUMMARY_QUESTION } from './compaction.ts'
import { isCompactionTrigger } from './input-items.ts'
import { isOff } from '../../../generation/off-values.ts'
import { toMessages, type PlacedItem } from './input.ts'
import { toToolChoice, toServedTools, type ServedTools } from './tools.ts'

/** A translated Responses request. */
export interface TranslatedRequest {
  asked: GenerationRequest
  /** What was dropped or changed. */
  changes: Change[]
  /** The place of each message in the caller's request, e.g. `input[2]`. */
  places: string[]
  /** For each message with calls, their places. */
  callPlaces: Array<readonly string[] | undefined>
  tools: ServedTools
  /** It requests a summary that replaces the conversation. */
  isCompaction: boolean
}

const LOGPROBS = 'message.output_text.logprobs'

/**
 * Translates a Responses request into the language of requests. A request that ends with a `compaction_trigger` becomes one for
 * a summary of its conversation, without tools.
 * @param earlier the items of the responses before it, inputs and outputs, oldest first
 * @throws InvalidRequestError if something in it cannot be served
 */
export function toGenerationRequest (request: ResponseRequest, earlier: readonly InputItem[]): TranslatedRequest {
  const { model } = request
  if (!model) throw new InvalidRequestError("Missing required parameter: 'model'.", { param: 'model', code: 'missing_required_parameter' })
  const changes: Change[] = []
  const items = toItems(request.input)
  if (isCompactionTrigger(items.at(-1))) return toSummaryRequest(request, items, earlier)
  refuseUnserved(request)
  refuseStrayTrigger(items)
  const tools = toServedTools(request.tools ?? [], changes)
  const toolChoice = toToolChoice(request, tools, changes)
  const { messages, places, callPlaces } = toMessages(toPlacedItems(request, earlier), tools, changes)
  if (places.every(place => place === 'instructions')) {
    throw new InvalidRequestError("Invalid 'input': it contains nothing that can be sent to a model.", { param: 'input', code: 'invalid_value' })
  }
  const asked: GenerationRequest & Unread = {
    ...toOthers(request, changes),
    model,
    messages,
    stream: request.stream === true,
    ...(tools.definitions.length > 0 && { tools: tools.definitions, parallel_tool_calls: request.parallel_tool_calls }),
    tool_choice: toolChoice,
    response_format: toResponseFormat(request),
    max_completion_tokens: toLimit(request, changes),
    temperature: request.temperature,
    top_p: request.top_p,
    ...toThinking(request, changes),
    verbosity: request.text?.verbosity,
    ...toLogprobs(request, changes),
    user: request.user,
    safety_identifier: request.safety_identifier,
    prompt_cache_key: request.prompt_cache_key,
    service_tier: request.service_tier
  }
  tellUnserved(request, changes)
  if (request.reasoning?.summary != null) {
    changes.push({ param: 'reasoning.summary', action: 'emulated', reason: 'Workers AI does not summarize thinking; all of the thinking is returned as its summary' })
  }
  return { asked, changes, places, callPlaces, tools, isCompaction: false }
}

/** Members that the language of requests does not name: a family takes them, or each leaves a change. */
type Unread = Partial<Record<'verbosity' | 'user' | 'safety_identifier' | 'service_tier', string | null | undefined>>

/** Members that apply to an answer, but not to a summary. */
const OF_ANSWERS = ['tools', 'text', 'include', 'top_logprobs'] as const

const NO_ANSWER = 'a compaction is no answer: it is a summary in plain text'

/** @param items of the input, the trigger at their end */
function toSummaryRequest (request: ResponseRequest, items: readonly InputItem[], earlier: readonly InputItem[]): TranslatedRequest {
  const plain = {
    ...request,
    tools: null,
    tool_choice: null,
    text: null,
    include: null,
    top_logprobs: null,
    context_management: null,
    reasoning: { ...request.reasoning, summary: null },
    input: items.slice(0, -1)
  }
  refuseStrayTrigger(plain.input)
  const summarised = toGenerationRequest(plain, earlier)
  const { asked, changes, places } = summarised
  const place = `input[${items.length - 1}]`
  for (const param of OF_ANSWERS) {
    if (!isOff(param, request[param])) changes.push({ param, action: 'dropped', reason: NO_ANSWER })
  }
  if (request.reasoning?.summary != null) changes.push({ param: 'reasoning.summary', action: 'dropped', reason: NO_ANSWER })
  changes.push({ param: place, action: 'emulated', reason: 'the model summarizes the conversation; encrypted_content is that summary, encoded and not encrypted' })
  return {
    ...summarised,
    asked: { ...asked, messages: [...asked.messages, { role: 'user', content: [{ type: 'text', text: SUMMARY_QUESTION }] }] },
    places: [...places, place],
    isCompaction: true
  }
}

/** The items of an input; a text is one user message. */
export function toItems (input: ResponseRequest['input']): InputItem[] {
  if (Array.isArray(input)) return input
  return input == null || input === '' ? [] : [{ type: 'message', role: 'user', content: input }]
}

/** Refuses features that need a server that continues without its client, or that stores conversations and prompts. */
function refuseUnserved ({ background, conversation, prompt, input, previous_response_id: previous }: ResponseRequest): void {
  if (background === true) {
    throw new InvalidRequestError("Unsupported value: 'background' does not support true with this proxy. Only the default (false) value is supported.", { param: 'background', code: 'unsupported_value' })
  }
  if (conversation != null) {
    const id = typeof conversation === 'string' ? conversation : conversation.id
    throw new InvalidRequestError(`Conversation with id '${quoted(clip(id))}' not found. This proxy keeps no conversations; use 'previous_response_id'.`, { param: 'conversation', status: 404 })
  }
  if (prompt != null) {
    throw new InvalidRequestError(`Prompt with id '${quoted(clip(prompt.id))}' not found. This proxy keeps no prompts.`, { param: 'prompt', status: 404 })
  }
  if (previous == null && toItems(input).length === 0) {
    throw new InvalidRequestError('One of "input" or "previous_response_id" or \'prompt\' or \'conversation\' must be provided.', { code: 'missing_required_parameter' })
  }
}

/** Members of the Responses API that have no effect here, and why. */
const UNSERVED = {
  context_management: 'no conversation is compacted by itself: an input that ends with a compaction_trigger asks for it, or POST /v1/responses/compact',
  moderation: 'Workers AI moderates nothing',
  prompt_cache_options: 'Workers AI decides itself what is cached',
  prompt_cache_retention: 'Workers AI decides itself what is cached'
} as const

function tellUnserved (request: ResponseRequest, changes: Change[]): void {
  for (const [param, reason] of Object.entries(UNSERVED)) {
    if (!isOff(param, request[param as keyof typeof UNSERVED])) changes.push({ param, action: 'dropped', reason })
  }
}

function refuseStrayTrigger (items: readonly InputItem[]): void {
  const index = items.findIndex(isCompactionTrigger)
  if (index === -1) return
  throw new InvalidRequestError(`Invalid 'input[${index}]': an item of type 'compaction_trigger' can only be the last one.`, { param: `input[${index}]`, code: 'invalid_value' })
}

function toPlacedItems ({ instructions, input }: ResponseRequest, earlier: readonly InputItem[]): PlacedItem[] {
  return [
    ...(instructions ? [{ item: { role: 'system' as const, content: instructions }, place: 'instructions' }] : []),
    ...earlier.map(item => ({ item, place: 'previous_response_id' })),
    ...toItems(input).map((item, index) => ({ item, place: typeof input === 'string' ? 'input' : `input[${index}]` }))
  ]
}

/** The limit of the answer, also under the chat API's names. */
function toLimit (request: ResponseRequest, changes: Change[]): number | undefined {
  let limit = request.max_output_tokens ?? undefined
  for (const name of ['max_completion_tokens', 'max_tokens'] as const) {
    const value = request[name]
    if (value == null || value === limit) continue
    if (limit === undefined) changes.push({ param: name, action: 'renamed', from: name, to: 'max_output_tokens', reason: 'this is its name in the Responses API' })
    else changes.push({ param: name, action: 'dropped', from: value, reason: 'the limit was also given under another name' })
    limit ??= value
  }
  return limit
}

function toResponseFormat ({ text }: ResponseRequest): ResponseFormat | undefined {
  const format = text?.format
  if (format?.type !== 'json_schema') return format ?? undefined
  const { name, schema, strict, description } = format
  return { type: 'json_schema', json_schema: { name, schema, strict, ...(description != null && { description }) } }
}

/** OpenRouter's members of `reasoning` pass unchanged; the chat API's name for the effort is read too. */
function toThinking (request: ResponseRequest, changes: Change[]): Pick<GenerationRequest, 'reasoning_effort' | 'reasoning'> {
  const { effort, summary: _, ...others } = request.reasoning ?? {}
  const { reasoning_effort: ofChat } = request as { reasoning_effort?: unknown }
  const isOfChat = effort == null && EFFORTS.includes(ofChat)
  if (isOfChat) changes.push({ param: 'reasoning_effort', action: 'renamed', to: 'reasoning.effort', reason: 'this is its name in the Responses API' })
  return {
    reasoning_effort: isOfChat ? ofChat : effort,
    ...(Object.keys(others).length > 0 && { reasoning: others })
  }
}

function toLogprobs ({ include, top_logprobs: top }: ResponseRequest, changes: Change[]): Pick<GenerationRequest, 'logprobs' | 'top_logprobs'> {
  for (const one of include ?? []) {
    if (one !== LOGPROBS) changes.push({ param: 'include', action: 'dropped', from: one, reason: 'there is nothing of this kind to include' })
  }
  return include?.includes(LOGPROBS) || top ? { logprobs: true, top_logprobs: top ?? 0 } : {}
}

/** Members of OpenAI's chat API that its Responses API does not have. */
export const OF_CHATS: ReadonlySet<string> = new Set([
  'messages', 'functions', 'function_call', 'response_format', 'n', 'presence_penalty', 'frequency_penalty', 'seed', 'stop', 'logprobs', 'logit_bias',
  'reasoning_effort', 'verbosity', 'modalities', 'audio', 'prediction', 'web_search_options', 'top_k', 'repetition_penalty'
])

/**
 * Members outside the Responses API. A model's native parameters pass as in a chat. Members of the chat API have no meaning
 * here, and were not validated.
 */
function toOthers (request: ResponseRequest, changes: Change[]): Record<string, unknown> {
  const unknown = Object.entries(request).filter(([name, value]) => value !== null && !Object.hasOwn(ResponseRequest.properties, name))
  const isOfChat = (name: string) => OF_CHATS.has(name)
  for (const [name] of unknown.filter(([name, value]) => isOfChat(name) && !isOff(name, value) && !(name === 'reasoning_effort' && request.reasoning?.effort == null && EFFORTS.includes(value)))) {
    changes.push({ param: name, action: 'dropped', reason: 'the Responses API has no such parameter' })
  }
  return Object.fromEntries(unknown.filter(([name]) => !isOfChat(name)))
}

function clip (text: unknown): string {
  return String(text).slice(0, 100)
}
