import { InvalidRequestError, quoted } from '../../../errors.ts'
import type { Change } from '../../../generation/change.ts'
import { ChatCompletionRequest, type ResponseFormat } from '../chat-completions/request.ts'
import { ResponseRequest, type InputItem } from './request.ts'
import { EFFORTS } from '../../../workers-ai/request/asked-thinking.ts'
import { SUMMARY_QUESTION } from './compaction.ts'
import { isCompactionTrigger } from './input-items.ts'
import { isOff } from '../../../workers-ai/request/off-values.ts'
import { toMessages, type PlacedItem } from './input.ts'
import { toChatToolChoice, toServedTools, type ServedTools } from './tools.ts'

/** A Responses request as the chat it asks for. */
export interface ChatOfResponse {
  chat: ChatCompletionRequest
  /** What could not be said in a chat. */
  changes: Change[]
  /** Where each message of the chat stands in the caller's request, e.g. `input[2]`. */
  places: string[]
  /** For each message with calls where they stand. */
  callPlaces: Array<readonly string[] | undefined>
  tools: ServedTools
  /** It asks for a summary that is to stand for the conversation. */
  isCompaction: boolean
}

const LOGPROBS = 'message.output_text.logprobs'

/**
 * Translates a Responses request into the chat that answers it. One that ends with a `compaction_trigger` becomes a chat
 * that is asked for a summary of itself, without tools.
 * @param earlier the items of the responses before it, inputs and outputs, oldest first
 * @throws InvalidRequestError when something in it cannot be served
 */
export function toChatRequest (request: ResponseRequest, earlier: readonly InputItem[]): ChatOfResponse {
  const { model } = request
  if (!model) throw new InvalidRequestError("Missing required parameter: 'model'.", { param: 'model', code: 'missing_required_parameter' })
  const changes: Change[] = []
  const items = toItems(request.input)
  if (isCompactionTrigger(items.at(-1))) return toSummaryRequest(request, items, earlier)
  refuseUnserved(request)
  refuseStrayTrigger(items)
  const tools = toServedTools(request.tools ?? [], changes)
  const toolChoice = toChatToolChoice(request, tools, changes)
  const { messages, places, callPlaces } = toMessages(toPlacedItems(request, earlier), tools, changes)
  if (places.every(place => place === 'instructions')) {
    throw new InvalidRequestError("Invalid 'input': nothing in it can be told to a model.", { param: 'input', code: 'invalid_value' })
  }
  const chat: ChatCompletionRequest = {
    ...toOthers(request, changes),
    model,
    messages,
    stream: request.stream === true,
    ...(tools.definitions.length > 0 && { tools: tools.definitions }),
    ...(toolChoice !== undefined && { tool_choice: toolChoice }),
    ...(tools.definitions.length > 0 && { parallel_tool_calls: request.parallel_tool_calls ?? null }),
    response_format: toResponseFormat(request),
    max_completion_tokens: toLimit(request, changes),
    temperature: request.temperature ?? null,
    top_p: request.top_p ?? null,
    ...toThinking(request, changes),
    verbosity: request.text?.verbosity ?? null,
    ...toLogprobs(request, changes),
    user: request.user ?? null,
    safety_identifier: request.safety_identifier ?? null,
    prompt_cache_key: request.prompt_cache_key ?? null,
    service_tier: request.service_tier ?? null
  }
  tellUnserved(request, changes)
  if (request.reasoning?.summary != null) {
    changes.push({ param: 'reasoning.summary', action: 'emulated', reason: 'Workers AI sums up no thinking; what the model thinks is told as its summary' })
  }
  return { chat, changes, places, callPlaces, tools, isCompaction: false }
}

/** What an answer has, and a summary has not. */
const OF_ANSWERS = ['tools', 'text', 'include', 'top_logprobs'] as const

const NO_ANSWER = 'a compaction is no answer: it is a summary in plain text'

/** @param items of the input, the trigger at their end */
function toSummaryRequest (request: ResponseRequest, items: readonly InputItem[], earlier: readonly InputItem[]): ChatOfResponse {
  const plain = { ...request, tools: null, tool_choice: null, text: null, include: null, top_logprobs: null, context_management: null, reasoning: { ...request.reasoning, summary: null }, input: items.slice(0, -1) }
  refuseStrayTrigger(plain.input)
  const summarised = toChatRequest(plain, earlier)
  const { chat, changes, places } = summarised
  const place = `input[${items.length - 1}]`
  for (const param of OF_ANSWERS) {
    if (!isOff(param, request[param])) changes.push({ param, action: 'dropped', reason: NO_ANSWER })
  }
  if (request.reasoning?.summary != null) changes.push({ param: 'reasoning.summary', action: 'dropped', reason: NO_ANSWER })
  changes.push({ param: place, action: 'emulated', reason: 'the model sums the conversation up; encrypted_content holds that, encoded and not encrypted' })
  return {
    ...summarised,
    chat: { ...chat, messages: [...chat.messages, { role: 'user', content: [{ type: 'text', text: SUMMARY_QUESTION }] }] },
    places: [...places, place],
    isCompaction: true
  }
}

/** The items of an input; a text is one user message. */
export function toItems (input: ResponseRequest['input']): InputItem[] {
  if (Array.isArray(input)) return input
  return input == null || input === '' ? [] : [{ type: 'message', role: 'user', content: input }]
}

/** What needs a server that goes on when its client has left, or one that keeps conversations and prompts of its own. */
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

/** Members of the Responses API that nothing here could act on, and why. */
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

/** The limit of the answer, also by a chat's names. */
function toLimit (request: ResponseRequest, changes: Change[]): number | null {
  let limit = request.max_output_tokens ?? null
  for (const name of ['max_completion_tokens', 'max_tokens'] as const) {
    const value = request[name]
    if (value == null || value === limit) continue
    if (limit === null) changes.push({ param: name, action: 'renamed', from: name, to: 'max_output_tokens', reason: 'the Responses API calls it so' })
    else changes.push({ param: name, action: 'dropped', from: value, reason: 'the limit was given by another name, too' })
    limit ??= value
  }
  return limit
}

function toResponseFormat ({ text }: ResponseRequest): ResponseFormat | null {
  const format = text?.format
  if (format?.type !== 'json_schema') return format ?? null
  const { name, schema, strict, description } = format
  return { type: 'json_schema', json_schema: { name, schema, strict: strict ?? null, ...(description != null && { description }) } }
}

/** OpenRouter's members of `reasoning` are told to the chat as it knows them; so is a chat's own name for the effort. */
function toThinking (request: ResponseRequest, changes: Change[]): Pick<ChatCompletionRequest, 'reasoning_effort'> & { reasoning?: object } {
  const { effort, summary: _, ...others } = request.reasoning ?? {}
  const { reasoning_effort: ofChat } = request as { reasoning_effort?: unknown }
  const isOfChat = effort == null && EFFORTS.includes(ofChat)
  if (isOfChat) changes.push({ param: 'reasoning_effort', action: 'renamed', to: 'reasoning.effort', reason: 'the Responses API calls it so' })
  return {
    reasoning_effort: isOfChat ? String(ofChat) : effort ?? null,
    ...(Object.keys(others).length > 0 && { reasoning: others })
  }
}

function toLogprobs ({ include, top_logprobs: top }: ResponseRequest, changes: Change[]): Pick<ChatCompletionRequest, 'logprobs' | 'top_logprobs'> {
  for (const one of include ?? []) {
    if (one !== LOGPROBS) changes.push({ param: 'include', action: 'dropped', from: one, reason: 'there is nothing of this kind to include' })
  }
  return include?.includes(LOGPROBS) || top ? { logprobs: true, top_logprobs: top ?? 0 } : {}
}

/**
 * Members that are no part of the Responses API: a model's native parameters pass as they do in a chat. Those that a
 * chat names mean nothing here, and were not checked.
 */
function toOthers (request: ResponseRequest, changes: Change[]): Record<string, unknown> {
  const unknown = Object.entries(request).filter(([name, value]) => value !== null && !Object.hasOwn(ResponseRequest.properties, name))
  const isOfChat = (name: string) => Object.hasOwn(ChatCompletionRequest.properties, name)
  for (const [name] of unknown.filter(([name, value]) => isOfChat(name) && !isOff(name, value) && !(name === 'reasoning_effort' && request.reasoning?.effort == null && EFFORTS.includes(value)))) {
    changes.push({ param: name, action: 'dropped', reason: 'the Responses API has no such parameter' })
  }
  return Object.fromEntries(unknown.filter(([name]) => !isOfChat(name)))
}

function clip (text: unknown): string {
  return String(text).slice(0, 100)
}
