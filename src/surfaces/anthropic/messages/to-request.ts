import { ProxyError } from '../../../errors.ts'
import type { Change } from '../../../generation/change.ts'
import type { GenerationRequest, ResponseFormat } from '../../../generation/request.ts'
import { isOff } from '../../../generation/off-values.ts'
import { isObject } from '../../../json/is-object.ts'
import { THREAD_NOT_FOUND } from '../errors.ts'
import { toConversation } from './conversation.ts'
import { invalidAt } from './invalid-at.ts'
import type { RequestSource } from './names.ts'
import { MessagesRequest, type CountTokensRequest } from './request.ts'
import { toAskedThinking, type ThinkingDisplay } from './thinking.ts'
import { toServedTools, toToolChoice } from './tools.ts'

/** What a Messages request asks a model. */
export interface TranslatedRequest {
  asked: GenerationRequest
  /** What could not be said so. */
  changes: Change[]
  source: RequestSource
  display: ThinkingDisplay
  /** The beginning of the answer, where the caller wrote it; the answer goes on behind it. */
  prefill: string | undefined
}

export interface TranslationOptions {
  /** What keeps the requests of one user together, of `metadata.user_id`; for a header. */
  cacheKey?: string | undefined
  /** The value of the header `anthropic-beta`. */
  betas?: string | undefined
}

const CONTINUE = 'Continue your last message exactly where it ends. Do not repeat it, and write nothing before the continuation.'

/**
 * Translates a Messages request into what a model is asked.
 * @throws InvalidRequestError when something in it cannot be served
 */
export function toGenerationRequest (request: CountTokensRequest, { cacheKey, betas }: TranslationOptions = {}): TranslatedRequest {
  const changes: Change[] = []
  checkThread((request as { thread?: unknown }).thread)
  const { messages, places, prefill } = toConversation(request, changes)
  if (messages.every(({ role }) => role === 'system')) throw invalidAt('messages', 'at least one message is required')
  const tools = toServedTools(request.tools ?? [], changes)
  const { words, display } = toAskedThinking(request, changes)
  if (prefill !== undefined) {
    changes.push({ param: places.at(-1)?.message ?? 'messages', action: 'emulated', reason: 'Workers AI begins a new turn; the model is asked to continue this one' })
    messages.push({ role: 'user', content: CONTINUE })
    places.push({ message: places.at(-1)?.message ?? 'messages' })
  }
  const asked: GenerationRequest = {
    model: request.model,
    messages,
    stream: request.stream === true,
    ...(tools.definitions.length > 0 && { tools: tools.definitions }),
    ...toToolChoice(request, tools, changes),
    ...toResponseFormat(request, changes),
    ...(request.max_tokens != null && { max_completion_tokens: request.max_tokens }),
    temperature: request.temperature,
    top_p: request.top_p,
    top_k: request.top_k,
    stop: request.stop_sequences,
    ...words,
    ...(cacheKey !== undefined && { prompt_cache_key: cacheKey })
  }
  tellUnserved(request, changes)
  if (betas !== undefined && betas !== '') changes.push({ param: 'anthropic-beta', action: 'dropped', reason: 'a beta is served by what its members ask for, if it is at all' })
  const source: RequestSource = {
    places,
    tools: tools.places,
    format: request.output_config?.format == null && request.output_format != null ? 'output_format' : 'output_config.format',
    thinking: request.output_config?.effort == null && request.thinking != null ? 'thinking' : 'output_config.effort'
  }
  return { asked, changes, source, display, prefill }
}

/**
 * A thread is a conversation that Anthropic's servers keep; the newest tool runners of the SDKs ask for one unasked. One that is to
 * begin is left out like other unserved members, for its request holds the whole conversation. One that goes on holds the last turn
 * only, and a model would answer without all that came before.
 */
function checkThread (thread: unknown): void {
  if (!isObject(thread) || thread['type'] !== 'continue') return
  throw new ProxyError('thread.previous_message_id: this proxy keeps no conversations. Send all of its messages, without `thread`.', {
    status: 404,
    type: 'invalid_request_error',
    code: THREAD_NOT_FOUND,
    param: 'thread.previous_message_id'
  })
}

function toResponseFormat (
  { output_config: output, output_format: older }: CountTokensRequest,
  changes: Change[]
): { response_format?: ResponseFormat } {
  const format = output?.format ?? older
  if (format == null) return {}
  if (output?.format != null && older != null) changes.push({ param: 'output_format', action: 'dropped', reason: 'output_config.format was given, too' })
  return { response_format: { type: 'json_schema', json_schema: { name: 'output', schema: format.schema, strict: true } } }
}

/** Members of the Messages API that nothing here could act on, and why. */
const UNSERVED: Record<string, string> = {
  container: 'this proxy runs no containers',
  context_management: 'nothing is left out of a conversation here; the caller shortens it',
  diagnostics: 'Workers AI returns none',
  inference_geo: 'Cloudflare decides where a model runs',
  mcp_servers: 'this proxy calls no MCP servers; the caller does',
  safeguards: 'Workers AI has none that could be chosen',
  service_tier: 'Workers AI has no tiers',
  speed: 'Workers AI has one speed',
  thread: 'this proxy keeps no conversations; each request holds all of its messages'
}

const OUTPUT = new Set(['effort', 'format'])

function tellUnserved (request: CountTokensRequest, changes: Change[]): void {
  let isCacheTold = false
  for (const [param, value] of Object.entries(request)) {
    if (Object.hasOwn(MessagesRequest.properties, param) || isDefault(param, value)) continue
    if (param === 'cache_control') isCacheTold = true
    else changes.push({ param, action: 'dropped', ...(!Object.hasOwn(UNSERVED, param) && { from: value }), reason: UNSERVED[param] ?? 'the Messages API has no such parameter' })
  }
  for (const [name, value] of Object.entries(request.output_config ?? {})) {
    if (!OUTPUT.has(name) && !isOff(name, value)) changes.push({ param: `output_config.${name}`, action: 'dropped', from: value, reason: 'the Messages API has no such parameter' })
  }
  for (const [name, value] of Object.entries(request.metadata ?? {})) {
    if (name !== 'user_id' && !isOff(name, value)) changes.push({ param: `metadata.${name}`, action: 'dropped', reason: 'Workers AI keeps no metadata' })
  }
  if (isCacheTold || hasCacheControl(request)) changes.push({ param: 'cache_control', action: 'dropped', reason: 'Workers AI decides itself what is cached, and caches what prompts have in common' })
}

/** What asks for what happens anyway. */
function isDefault (param: string, value: unknown): boolean {
  if (isOff(param, value) || value === 'standard_only') return true
  return param === 'context_management' && isObject(value) && keepsAll(value['edits'])
}

/** Claude Code asks with every request that no thinking is left out, and none is. */
function keepsAll (edits: unknown): boolean {
  return edits == null || (Array.isArray(edits) && edits.every((edit: unknown) => isObject(edit) && edit['type'] === 'clear_thinking_20251015' && edit['keep'] === 'all'))
}

/** Whether anything has a mark of what to cache. */
function hasCacheControl ({ system, messages, tools }: CountTokensRequest): boolean {
  const isMarked = (one: object) => (one as { cache_control?: unknown }).cache_control != null
  const isAny = (list: unknown) => Array.isArray(list) && list.some(isMarked)
  return isAny(system) || isAny(tools) || messages.some(({ content }) => isAny(content))
}
