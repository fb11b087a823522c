import { InvalidRequestError } from '../errors.ts'
import type { Change } from '../generation/change.ts'
import type { AssistantMessage, AssistantPart, ImagePart, Message, RequestToolCall, UserPart } from '../openai/chat-completion-request.ts'
import type { Family } from '../workers-ai/family.ts'
import type { Model } from '../workers-ai/model.ts'
import { toFileText } from './file.ts'
import { checkImages, toImagePart } from './image.ts'
import { parseJson, parseModelJson } from './model-json.ts'
import { withInstruction } from './instructions.ts'
import { toNativeCallIds } from './tool-call-ids.ts'

/** A message as Workers AI takes it. */
export interface NativeMessage {
  role: 'system' | 'developer' | 'user' | 'assistant' | 'tool'
  content: string | NativePart[]
  name?: string
  tool_calls?: RequestToolCall[]
  tool_call_id?: string
  /** Earlier thinking, under the name vLLM's chat templates read. */
  reasoning?: string
}

type NativePart = { type: 'text', text: string } | ImagePart

/**
 * Turns OpenAI's messages into the form a model's family takes. Content is never null upstream: classic models refuse
 * it, and an empty string serves the others as well.
 *
 * @param visionModels names models that see, to suggest to a caller who sends images to one that does not
 * @returns one native message for each of the caller's, in order; late system messages join the first where they must;
 * the given list itself where nothing has to change
 * @throws InvalidRequestError naming the part, when a part cannot be served by this model
 */
export function toNativeMessages (messages: readonly Message[], model: Model, changes: Change[], visionModels: () => readonly string[] = () => []): readonly NativeMessage[] {
  const { family } = model
  checkImages(messages, model, visionModels)
  const called = withModernCalls(messages)
  const native = called.every(message => isNative(message, family)) ? called as readonly NativeMessage[] : toEachNative(called, model, changes)
  return family.systemFirst ? withSystemFirst(native, changes) : native
}

function toEachNative (messages: readonly ModernMessage[], model: Model, changes: Change[]): NativeMessage[] {
  const callIds = toNativeCallIds(messages, model.family)
  return messages.map((message, index) => isNative(message, model.family) ? message : toNativeMessage(message, `messages[${index}]`, model, callIds, changes))
}

/** Joins system messages from further down to the one at the beginning. */
function withSystemFirst (messages: readonly NativeMessage[], changes: Change[]): readonly NativeMessage[] {
  const isLate = ({ role }: NativeMessage, index: number) => index > 0 && (role === 'system' || role === 'developer')
  const late = messages.filter(isLate)
  if (late.length === 0) return messages
  changes.push({ param: 'messages', action: 'repaired', reason: 'this model takes system messages at the beginning only' })
  return late.reduce<NativeMessage[]>((rest, { content }) => withInstruction(rest, typeof content === 'string' ? content : ''), messages.filter((message, index) => !isLate(message, index)))
}

type ModernMessage = Exclude<Message, { role: 'function' }>

/** The members of most messages there are, in the order a native one has them. */
const PLAIN = ['role', 'content']

/** Whether a message is what every family takes, as most of a long history are. */
function isNative (message: ModernMessage, { developerRole }: Family): message is ModernMessage & NativeMessage {
  if (typeof message.content !== 'string' || message.role === 'tool' || (message.role === 'developer' && !developerRole)) return false
  let count = 0
  for (const name in message) if (name !== PLAIN[count++]) return false
  return true
}

function toNativeMessage (message: ModernMessage, path: string, model: Model, callIds: (id: string) => string, changes: Change[]): NativeMessage {
  const { family } = model
  const named = !!message.name && family.messageName && { name: message.name }
  if (message.name && !named) dropped(changes, `${path}.name`, message.name)
  switch (message.role) {
    case 'system':
    case 'developer':
      return { role: family.developerRole ? message.role : 'system', content: toText(message.content), ...named }
    case 'user':
      return { role: 'user', content: toUserContent(message.content, path, changes), ...named }
    case 'assistant':
      return { ...toAssistant(message, path, model, callIds, changes), ...named }
    case 'tool':
      return {
        role: 'tool',
        content: toText(message.content),
        ...(family.toolHistory === 'calls' && { tool_call_id: callIds(message.tool_call_id) }),
        ...named
      }
  }
}

function toAssistant (message: AssistantMessage, path: string, model: Model, callIds: (id: string) => string, changes: Change[]): NativeMessage {
  const { family } = model
  const content = toText(message.content) || (message.refusal ?? '')
  const thinking = message.reasoning_content || message.reasoning
  const reasoning = !!thinking && takesReasoning(family) && { reasoning: thinking }
  if (thinking && !reasoning) dropped(changes, `${path}.reasoning_content`, '(text)')
  const calls = message.tool_calls ?? []
  if (calls.length === 0) return { role: 'assistant', content, ...reasoning }
  if (family.toolHistory === 'text') {
    const written = calls.map(call => JSON.stringify({ name: call.function.name, arguments: parseJson(call.function.arguments || '{}') ?? call.function.arguments }))
    changes.push({ param: `${path}.tool_calls`, action: 'emulated', reason: 'this model takes earlier calls as JSON text' })
    return { role: 'assistant', content: [content, ...written].filter(text => text !== '').join('\n') }
  }
  return {
    role: 'assistant',
    content,
    ...reasoning,
    tool_calls: calls.map((call, index) => ({
      id: callIds(call.id),
      type: 'function',
      function: { name: call.function.name, arguments: toArguments(call.function.arguments, `${path}.tool_calls[${index}].function.arguments`, changes) }
    }))
  }
}

/** Chat templates upstream read earlier arguments, and the whole request is refused when they are no JSON object. */
function toArguments (json: string, param: string, changes: Change[]): string {
  if (json.trim() === '') return '{}'
  if (isObject(parseJson(json))) return json
  const mended = parseModelJson(json)
  changes.push({ param, action: 'repaired', reason: 'Workers AI takes a JSON object only' })
  return JSON.stringify(isObject(mended) ? mended : { text: json })
}

/** Templates of models that write their thinking into the answer take it out of earlier turns themselves. */
function takesReasoning ({ thinking }: Family): boolean {
  return thinking.told === 'reasoning_content' || thinking.told === 'reasoning'
}

function toUserContent (content: string | UserPart[] | null | undefined, path: string, changes: Change[]): string | NativePart[] {
  if (!Array.isArray(content)) return content ?? ''
  const parts = content.map((part, index) => toNativePart(part, `${path}.content[${index}]`, changes))
  const isText = parts.every(part => part.type === 'text')
  // One string serves every family; parts are kept only where they carry more than text.
  return isText ? parts.map(part => part.text).join('\n') : parts
}

function toNativePart (part: UserPart, path: string, changes: Change[]): NativePart {
  switch (part.type) {
    case 'text': return { type: 'text', text: part.text }
    case 'image_url': return toImagePart(part, path)
    case 'file': return toFileText(part, path, changes)
    case 'input_audio':
      throw new InvalidRequestError(`Invalid '${path}': parts of type 'input_audio' cannot be sent to Workers AI chat models. Send what is said as a part of type 'text'.`, { param: path, code: 'unsupported_value' })
  }
}

/** Joins a message's text parts by line breaks; a refusal is text like any other to the model. */
function toText (content: string | AssistantPart[] | null | undefined): string {
  if (!Array.isArray(content)) return content ?? ''
  return content.map(part => part.type === 'text' ? part.text : part.refusal).join('\n')
}

/** The deprecated `function_call` and role `function`, told as the tool calls they became. */
function withModernCalls (messages: readonly Message[]): readonly ModernMessage[] {
  if (!messages.some(message => message.role === 'function' || hasLegacyCall(message))) return messages as readonly ModernMessage[]
  let lastId = 'call_0'
  return messages.map((message, index) => {
    if (message.role === 'function') {
      return { role: 'tool', content: message.content ?? '', tool_call_id: lastId, name: message.name }
    }
    if (!hasLegacyCall(message)) return message
    lastId = `call_${index}`
    const { function_call: call, ...rest } = message
    return { ...rest, tool_calls: [{ id: lastId, type: 'function', function: call }] }
  })
}

function hasLegacyCall (message: Message): message is AssistantMessage & { function_call: NonNullable<AssistantMessage['function_call']> } {
  return message.role === 'assistant' && message.function_call != null && !message.tool_calls?.length
}

function dropped (changes: Change[], param: string, from: unknown): void {
  changes.push({ param, action: 'dropped', from, reason: 'this model does not take it' })
}

function isObject (value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
