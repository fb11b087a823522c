import { invalid } from '../../../errors.ts'
import type { Change } from '../../../generation/change.ts'
import { isObject } from '../../../json/is-object.ts'
import type { AssistantMessage, AssistantPart, FunctionCall, Message, ToolCall, UserPart } from '../../../generation/request.ts'
import { toExactJsonText } from '../../../json/exact-json.ts'
import type { Family } from '../../models/family.ts'
import type { Model } from '../../models/model.ts'
import type { NativeMessage, NativePart } from '../native-message.ts'
import { isThinkingPart, THINKING_MEMBERS, toEarlierThinking } from './earlier-thinking.ts'
import { toDialogue } from './dialogue.ts'
import { toFileText } from './file.ts'
import { toImage, toImageList } from '../../../generation/image-forms.ts'
import { checkImages, toImagePart } from './image.ts'
import { toTextArguments } from '../../../generation/text-tool.ts'
import { newWorkBudget, type WorkBudget } from '../../../json/work-budget.ts'
import { parseJson, parseModelJsonExactly } from '../../../json/lenient-json.ts'
import { withInstruction } from './instructions.ts'
import { toNativeCallIds } from './tool-call-ids.ts'
import { inOrderOfCalls, type ModernMessage, type PlacedMessage } from './tool-results.ts'
import { reportUnread } from '../../../generation/unread-members.ts'

/**
 * Converts messages to the form that a model's family takes. Content is never null upstream: classic models refuse null,
 * and an empty string works for the others.
 *
 * Tool results are sent in the order of their calls. Images among them follow in a user message, because a tool message
 * has text only.
 *
 * @param visionModels returns vision models to suggest to a caller who sends images to a model without vision
 * @returns native messages in the caller's order; later system messages join the first if the family requires it; the given
 * list itself if nothing changes
 * @throws InvalidRequestError naming a part that this model cannot take
 */
export function toNativeMessages (
  messages: readonly Message[],
  model: Model,
  changes: Change[],
  visionModels: () => readonly string[] = () => []
): readonly NativeMessage[] {
  const { family } = model
  checkImages(messages, model, visionModels)
  const native = messages.every((message): message is Message & NativeMessage => isNative(message, family))
    ? messages
    : toEachNative(messages, model, changes)
  if (family.dialogueOnly) return toDialogue(messages, native, changes)
  return family.systemFirst ? withSystemFirst(native, changes) : native
}

function toEachNative (messages: readonly Message[], model: Model, changes: Change[]): NativeMessage[] {
  const { family } = model
  const modern = withModernCalls(messages, changes)
  const context: Context = { family, callIds: toNativeCallIds(modern, family), changes, workBudget: newWorkBudget() }
  const native: NativeMessage[] = []
  /** Images of tool results, sent after all results of a turn, because results must not be separated. */
  let attached: NativePart[] = []
  const attach = () => {
    if (attached.length > 0) native.push({ role: 'user', content: attached })
    attached = []
  }
  for (const placed of inOrderOfCalls(modern, changes)) {
    const { message, index } = placed
    if (message.role === 'tool') {
      const { result, images } = toResult(placed, message, context)
      native.push(result)
      for (const image of images) attached.push(image)
      continue
    }
    attach()
    native.push(isNative(message, family) ? message : toNativeMessage(message, `messages[${index}]`, context))
  }
  attach()
  return native
}

/** Values that all messages of a conversation share. */
interface Context {
  family: Family
  callIds: (id: string) => string
  changes: Change[]
  workBudget: WorkBudget
}

/** Joins later system messages to the one at the beginning. */
function withSystemFirst (messages: readonly NativeMessage[], changes: Change[]): readonly NativeMessage[] {
  const isLate = ({ role }: NativeMessage, index: number) => index > 0 && (role === 'system' || role === 'developer')
  const late = messages.filter(isLate)
  if (late.length === 0) return messages
  changes.push({ param: 'messages', action: 'repaired', reason: 'this model takes system messages at the beginning only' })
  return late.reduce<NativeMessage[]>((rest, { content }) => withInstruction(rest, typeof content === 'string' ? content : ''), messages.filter((message, index) => !isLate(message, index)))
}

/** The members of most messages, in the order of a native one. */
const PLAIN = ['role', 'content']
const NAMED = [...PLAIN, 'name']

/** Whether a message needs no conversion, as most of a long history. */
function isNative (message: Message, { developerRole, messageName }: Family): message is Exclude<ModernMessage, { role: 'tool' }> & NativeMessage {
  if (typeof message.content !== 'string' || message.role === 'tool' || (message.role === 'developer' && !developerRole)) return false
  let count = 0
  for (const member in message) if (member !== NAMED[count++]) return false
  return count < NAMED.length || (messageName && typeof message.name === 'string' && message.name !== '')
}

/** The members that are read, by role. */
const MEMBERS = {
  system: new Set([...PLAIN, 'name']),
  developer: new Set([...PLAIN, 'name']),
  user: new Set([...PLAIN, 'name', 'images']),
  assistant: new Set([...PLAIN, 'name', 'refusal', 'tool_calls', 'function_call', ...THINKING_MEMBERS]),
  tool: new Set([...PLAIN, 'name', 'tool_call_id', 'images'])
}

function toNativeMessage (message: Exclude<ModernMessage, { role: 'tool' }>, path: string, context: Context): NativeMessage {
  const { family, changes } = context
  const name = toName(message, path, context)
  reportUnread(message, MEMBERS[message.role], path, changes)
  switch (message.role) {
    case 'system':
    case 'developer':
      return { role: family.developerRole ? message.role : 'system', content: toText(message.content, path, changes), ...name }
    case 'user':
      return { role: 'user', content: toContent(toParts(message, path, changes)), ...name }
    case 'assistant':
      return { ...toAssistant(message, path, context), ...name }
  }
}

function toName ({ name }: ModernMessage, path: string, { family, changes }: Context): { name?: string } {
  if (!name) return {}
  if (family.messageName) return { name }
  dropped(changes, `${path}.name`, name)
  return {}
}

/** A tool result: its text, and separately its images. */
function toResult ({ index, call }: PlacedMessage, message: Extract<ModernMessage, { role: 'tool' }>, context: Context): { result: NativeMessage, images: NativePart[] } {
  const { family, callIds, changes } = context
  const path = `messages[${index}]`
  const name = toName(message, path, context)
  reportUnread(message, MEMBERS.tool, path, changes)
  const parts = toParts(message, path, changes)
  const images = parts.filter(({ type }) => type !== 'text')
  if (images.length > 0) changes.push({ param: `${path}.content`, action: 'emulated', reason: 'a tool message has text only; its images follow in a user message' })
  const text = parts.flatMap(part => part.type === 'text' ? [part.text] : []).join('\n')
  const hasIds = family.toolHistory === 'calls' && family.tools !== 'prompt'
  return {
    result: {
      role: 'tool',
      // Without an id, its place does not show which of several calls it answers if one of them has no answer.
      content: call && !hasIds ? `Result of call ${call.place} of ${call.of}, ${call.name}:\n${text}` : text,
      ...(family.toolHistory === 'calls' && { tool_call_id: callIds(message.tool_call_id) }),
      ...name
    },
    images
  }
}

function toAssistant (message: AssistantMessage, path: string, { family, callIds, changes, workBudget }: Context): NativeMessage {
  const content = withRefusal(toText(message.content, path, changes), message.refusal)
  const thinking = toEarlierThinking(message, path, takesReasoning(family), changes)
  const reasoning = thinking !== undefined && { reasoning: thinking }
  const calls = (message.tool_calls ?? []).map((call, index) => toFunctionCall(call, `${path}.tool_calls[${index}]`, changes))
  if (calls.length === 0) return { role: 'assistant', content, ...reasoning }
  if (family.toolHistory === 'text') {
    const written = calls.map(call => toCallText(call.function.name, call.function.arguments || '{}'))
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
      function: { name: call.function.name, arguments: toArguments(call.function.arguments, `${path}.tool_calls[${index}].function.arguments`, changes, workBudget) }
    }))
  }
}

function toCallText (name: string, args: string): string {
  return `{"name":${JSON.stringify(name)},"arguments":${parseJson(args) === undefined ? JSON.stringify(args) : args}}`
}

/** Adds a refusal to the text; to the model it is ordinary text. */
function withRefusal (content: string, refusal: string | null | undefined): string {
  if (!refusal || refusal === content) return content
  return content === '' ? refusal : `${content}\n${refusal}`
}

const CALL_MEMBERS = new Set(['id', 'type', 'function', 'custom'])

/** A call of a custom tool becomes a call of the function that replaces it. The `index` of a stream is dropped: the list has the order. */
function toFunctionCall (call: ToolCall, path: string, changes: Change[]): FunctionCall {
  const { index: _index, ...members } = call as ToolCall & { index?: unknown }
  reportUnread(members, CALL_MEMBERS, path, changes)
  if (call.type === 'function') return call
  changes.push({ param: path, action: 'emulated', reason: 'Workers AI has no custom tools; this is sent as a call of a function with one text argument' })
  return { id: call.id, type: 'function', function: { name: call.custom.name, arguments: toTextArguments(call.custom.input) } }
}

/** Chat templates upstream parse earlier arguments, and refuse the whole request if they are not a JSON object. */
function toArguments (json: string, param: string, changes: Change[], workBudget: WorkBudget): string {
  if (json.trim() === '') return '{}'
  if (isObject(parseJson(json))) return json
  const mended = parseModelJsonExactly(json, workBudget)
  changes.push({ param, action: 'repaired', reason: 'Workers AI takes a JSON object only' })
  return toExactJsonText(isObject(mended) ? mended : { text: json })
}

/** Templates of models that write their thinking into the answer remove it from earlier turns themselves. */
function takesReasoning ({ thinking }: Family): boolean {
  return thinking.channel === 'reasoning_content' || thinking.channel === 'reasoning'
}

/** Every family takes a string; parts are kept only if they contain more than text. */
function toContent (parts: NativePart[]): string | NativePart[] {
  const texts = parts.flatMap(part => part.type === 'text' ? [part.text] : [])
  return texts.length === parts.length ? texts.join('\n') : parts
}

/** The content of a user message or a tool result, with its images. */
function toParts (message: Extract<ModernMessage, { role: 'user' | 'tool' }>, path: string, changes: Change[]): NativePart[] {
  const { content } = message
  const parts = Array.isArray(content)
    ? content.map((part, index) => toNativePart(part, `${path}.content[${index}]`, changes))
    : content ? [{ type: 'text' as const, text: content }] : []
  const { images: beside } = message as { images?: unknown }
  if (beside == null) return parts
  const images = toImageList(message, path)
  if (!Array.isArray(beside) || images.length < beside.length) throw invalid(`${path}.images`, 'expected a list of images, each as base64 text or a data URI.')
  if (images.length > 0) changes.push({ param: `${path}.images`, action: 'renamed', reason: 'images are parts of the content' })
  return [...parts, ...images.map(image => toImagePart(image, changes))]
}

function toNativePart (part: UserPart, path: string, changes: Change[]): NativePart {
  reportUnread(part, PART_MEMBERS[part.type], path, changes)
  switch (part.type) {
    case 'text':
    case 'input_text':
    case 'output_text':
      tellRenamed(part.type, 'text', path, changes)
      return { type: 'text', text: part.text }
    case 'image_url':
    case 'input_image':
    case 'image': {
      tellRenamed(part.type, 'image_url', path, changes)
      const image = toImage(part, path)
      if (part.type !== 'image' && typeof part.image_url === 'object' && part.image_url !== null) reportUnread(part.image_url, URL_MEMBERS, `${path}.image_url`, changes)
      if (image === undefined) throw invalid(path, "this part names no image that can be sent. Send the image as a part of type 'image_url'; this proxy stores no files.")
      return toImagePart(image, changes)
    }
    case 'file': return toFileText(part.file, path, changes, `${path}.file`)
    case 'input_file': {
      tellRenamed(part.type, 'file', path, changes)
      return toFileText(part, path, changes)
    }
    case 'input_audio':
      throw invalid(path, "parts of type 'input_audio' cannot be sent to Workers AI chat models. Send a transcript as a part of type 'text'.")
  }
}

const TEXT_MEMBERS = new Set(['type', 'text'])
const URL_MEMBERS = new Set(['url', 'detail'])

/** The members that are read, by type of part. */
const PART_MEMBERS = {
  text: TEXT_MEMBERS,
  input_text: TEXT_MEMBERS,
  output_text: TEXT_MEMBERS,
  image_url: new Set(['type', 'image_url']),
  input_image: new Set(['type', 'image_url', 'file_id', 'detail']),
  image: new Set(['type', 'source', 'source_type', 'data', 'base64', 'url', 'image', 'mime_type', 'mimeType', 'media_type']),
  file: new Set(['type', 'file']),
  input_file: new Set(['type', 'file_data', 'file_id', 'file_url', 'filename']),
  input_audio: new Set(['type', 'input_audio']),
  refusal: new Set(['type', 'refusal'])
}

/** Joins a message's text parts by line breaks, without thinking parts. */
function toText (content: string | AssistantPart[] | null | undefined, path: string, changes: Change[]): string {
  if (!Array.isArray(content)) return content ?? ''
  return content.flatMap((part, index) => {
    if (isThinkingPart(part)) return []
    const place = `${path}.content[${index}]`
    reportUnread(part, PART_MEMBERS[part.type], place, changes)
    if (part.type === 'refusal') return [part.refusal]
    tellRenamed(part.type, 'text', place, changes)
    return [part.text]
  }).join('\n')
}

/** Converts the deprecated `function_call` and role `function` to tool calls and results. */
function withModernCalls (messages: readonly Message[], changes: Change[]): readonly ModernMessage[] {
  if (!messages.some(message => message.role === 'function' || hasLegacyCall(message))) return messages as readonly ModernMessage[]
  let lastId = 'call_0'
  return messages.map((message, index) => {
    if (message.role === 'function') {
      const { role: _role, ...rest } = message
      return { ...rest, role: 'tool', content: message.content ?? '', tool_call_id: lastId }
    }
    if (!hasLegacyCall(message)) return message
    const { function_call: call, ...rest } = message
    if (message.tool_calls?.length) {
      const isSame = message.tool_calls.some(({ type, ...one }) => 'function' in one && one.function.name === call.name && one.function.arguments === call.arguments)
      if (!isSame) changes.push({ param: `messages[${index}].function_call`, action: 'dropped', reason: 'tool_calls was given too and wins' })
      return rest
    }
    lastId = `call_${index}`
    return { ...rest, tool_calls: [{ id: lastId, type: 'function', function: call }] }
  })
}

function hasLegacyCall (message: Message): message is AssistantMessage & { function_call: NonNullable<AssistantMessage['function_call']> } {
  return message.role === 'assistant' && message.function_call != null
}

function tellRenamed (from: string, to: string, param: string, changes: Change[]): void {
  if (from !== to) changes.push({ param, action: 'renamed', from, to, reason: `a part of this kind is of the type '${to}' in a chat` })
}

function dropped (changes: Change[], param: string, from: unknown): void {
  changes.push({ param, action: 'dropped', from, reason: 'this model does not take it' })
}
