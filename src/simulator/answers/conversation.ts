import type { Model } from '../../workers-ai/models/model.ts'
import type { Dialect } from '../native/dialect.ts'
import { findSchema, readInstructions, toSystemText, withoutFollowUp, withToolRole } from '../script/instructions.ts'
import type { JsonSchema } from './json-schema.ts'
import { describePicture } from './picture.ts'
import { toFunction, toParts, toText, toTexts, type ContentPart, type FunctionTool, type RunBody, type RunMessage } from '../run-body.ts'

/** What a run asks for, whichever form it came in. */
export interface Conversation {
  /** Which form the body had: the answer of some models follows it. */
  form: 'prompt' | 'messages' | 'input'
  /** The prompt, or the text of the last user message that is no complaint about an answer. */
  question: string
  /** The last text part of that message: agents put theirs before it. */
  lastPart: string
  /** What the system messages say. */
  system: string
  /** The images of that message, in a few words each. */
  pictures: string[]
  /** Whether the client asks once more, because it was not content with an answer. */
  isAskedAgain: boolean
  /** What the tools have said to this question, when the last message is one of theirs. */
  toolResults: string[]
  /** The names of the functions that were called for this question. */
  called: string[]
  /** Everything the model reads, for counting. */
  text: string
  /** The functions it may call; empty where the model or the caller forbids calls. */
  tools: FunctionTool[]
  /** `text`: the tools are described in words, and calls are written as text. */
  callForm: 'native' | 'text'
  /** The name of the function it must call, or `required` for any. */
  mustCall: { name: string } | 'required' | undefined
  parallelCalls: boolean
  /** The schema an answer must match, given in a field or in words; `any` for whatever is an object. */
  json: JsonSchema | 'any' | undefined
  /** Whether the schema is enforced, and not only asked for in words. */
  isJsonMode: boolean
  /** The most tokens the answer may have. */
  limit: number | undefined
  stop: string[]
  seed: number
  thinks: boolean
  /** Number of alternatives per token; undefined if none are requested, or the model returns none. */
  topLogprobs: number | undefined
}

/** Reads a valid body as this model would. */
export function toConversation (body: RunBody, model: Model, dialect: Dialect): Conversation {
  const messages = toMessages(body)
  const asked = withoutFollowUp(messages.map(withToolRole))
  const user = asked.findLastIndex(({ role }) => role === 'user')
  const content = asked[user]?.content
  const turn = asked.slice(user + 1)
  const instructions = readInstructions(messages)
  const native = model.tools && body.tool_choice !== 'none' ? (body.tools ?? []).map(toFunction).filter(({ name }) => name !== undefined) : []
  const isDescribed = !body.tools?.length
  const tools = isDescribed ? instructions.tools : native
  const json = toJsonMode(body, model)
  const system = toSystemText(messages)
  const question = toText(content)
  return {
    form: toForm(body),
    question,
    lastPart: toTexts(content).at(-1) ?? '',
    system,
    pictures: toParts(content).flatMap(toPicture),
    isAskedAgain: asked.length < messages.length,
    toolResults: turn.at(-1)?.role === 'tool' ? turn.filter(({ role }) => role === 'tool').map(({ content }) => toText(content)) : [],
    called: turn.flatMap(toCalledNames),
    text: messages.map(({ content }) => toText(content)).join('\n') + (native.length > 0 ? JSON.stringify(native) : ''),
    tools,
    callForm: isDescribed ? 'text' : 'native',
    mustCall: tools.length > 0 ? toMustCall(body.tool_choice) ?? instructions.mustCall : undefined,
    parallelCalls: body.parallel_tool_calls !== false,
    json: typeof json === 'object' ? json : instructions.json ?? (tools.length > 0 ? undefined : findSchema(`${system}\n${question}`)) ?? json,
    isJsonMode: json !== undefined,
    limit: body.max_completion_tokens ?? body.max_tokens ?? dialect.defaultLimit,
    stop: model.family.nativeStop ? [body.stop ?? []].flat() : [],
    seed: body.seed ?? 0,
    thinks: isThinking(body, dialect, json !== undefined),
    topLogprobs: body.logprobs === true && model.family.extras.includes('logprobs') ? body.top_logprobs ?? 0 : undefined
  }
}

function toForm ({ prompt, input }: RunBody): Conversation['form'] {
  if (prompt !== undefined) return 'prompt'
  return input !== undefined ? 'input' : 'messages'
}

function toMustCall (choice: RunBody['tool_choice']): Conversation['mustCall'] {
  if (typeof choice === 'object') return choice?.function
  return choice === 'required' ? choice : undefined
}

function toMessages ({ prompt, input, messages = [] }: RunBody): RunMessage[] {
  const only = prompt ?? input
  return typeof only === 'string' ? [{ role: 'user', content: only }] : only ?? messages
}

/** The names in the calls of an assistant's message, which some models are given as text. */
function toCalledNames ({ role, content, tool_calls: calls }: RunMessage): string[] {
  if (role !== 'assistant') return []
  const names = calls?.map(call => call?.function?.name) ?? [...toText(content).matchAll(/"name": ?"([^"]+)"/g)].map(([, name]) => name)
  return names.filter(name => name !== undefined)
}

function toPicture ({ image_url: image }: ContentPart): string[] {
  return image?.url === undefined ? [] : [describePicture(image.url)]
}

function toJsonMode ({ response_format: format, guided_json: guided }: RunBody, { family }: Model): Conversation['json'] {
  if (guided && family.jsonSchema === 'guided') return guided
  if (format?.type === 'json_object' && family.jsonObject) return 'any'
  if (format?.type !== 'json_schema') return undefined
  const given = format.json_schema
  return family.jsonSchema === 'envelope' && 'name' in given ? given.schema ?? 'any' : given as JsonSchema
}

function isThinking (
  { prompt, raw, chat_template_kwargs: template, reasoning_effort: effort }: RunBody,
  dialect: Dialect,
  isJson: boolean
): boolean {
  const isInText = dialect.reasoning === 'tags' || dialect.reasoning === 'open-tags'
  const hasPlace = isInText ? !isJson : dialect.reasoning !== 'none' && prompt === undefined
  // It is the template that asks for thoughts.
  if (!hasPlace || raw === true) return false
  const switched = template?.[dialect.thinkingSwitch]
  if (switched !== undefined) return switched
  if (effort === null || effort === 'none') return false
  return dialect.thinksUnasked || (effort !== undefined && effort !== 'minimal')
}
