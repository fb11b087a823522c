import { InvalidRequestError } from '../errors.ts'
import type { Change } from '../generation/change.ts'
import type { AssistantPart, Message, RequestToolCall, TextPart, UserPart } from '../openai/chat-completion-request.ts'
import type { CompactionItem, CustomToolCallItem, FunctionCallItem, InputFilePart, InputImagePart, InputItem, InputMessage, InputPart, ReasoningItem, ToolOutputItem } from '../openai/response-request.ts'
import { toRecalledText, toSummary } from './compaction.ts'
import { toTextArguments, type ServedTools } from './response-tools.ts'

/** An item and where it stands in the caller's request, e.g. `input[2]`. */
export interface PlacedItem {
  item: InputItem
  place: string
}

/** A chat's messages, and where each stands in the caller's request. */
export interface PlacedMessages {
  messages: Message[]
  places: string[]
}

/**
 * The messages a chat has in place of items. Thinking, text and calls that follow each other are one assistant message,
 * because an answer tells them as items of their own. Images a tool gave back follow in a user message, for a chat's
 * tool message has text only. Items that stand for what OpenAI's servers did are left out, with a change.
 * @throws InvalidRequestError naming the part that cannot be served
 */
export function toMessages (items: readonly PlacedItem[], tools: ServedTools, changes: Change[]): PlacedMessages {
  const conversation = new Conversation(tools, changes)
  for (const placed of items) conversation.add(placed)
  return conversation.end()
}

/** What the assistant did before anybody else had their turn. */
interface Turn {
  role: 'assistant'
  content?: AssistantPart[]
  reasoning_content?: string
  tool_calls?: RequestToolCall[]
}

class Conversation {
  #messages: Message[] = []
  #places: string[] = []
  #tools: ServedTools
  #changes: Change[]
  /** The assistant's turn that later items may still belong to. */
  #turn: Turn | undefined
  /** Images and files of the tools' outputs so far: what answers calls must not be torn apart. */
  #attached: UserPart[] = []
  #attachedPlace = ''

  constructor (tools: ServedTools, changes: Change[]) {
    this.#tools = tools
    this.#changes = changes
  }

  add ({ item, place }: PlacedItem): void {
    switch (item.type) {
      case undefined:
      case null:
      case 'message':
        if (!('role' in item)) break
        return this.#tell(item, place)
      case 'function_call':
        return this.#call(item, item.arguments, place)
      case 'custom_tool_call':
        return this.#call(item, toTextArguments(item.input), place)
      case 'function_call_output':
      case 'custom_tool_call_output':
        return this.#output(item, place)
      case 'reasoning':
        return this.#think(item, place)
      case 'compaction':
        return this.#recall(item, place)
    }
    this.#changes.push({ param: place, action: 'dropped', from: item.type, reason: 'an item of this type cannot be told to a model of Workers AI' })
  }

  /** A turn of nothing but thinking is left out: some chat templates refuse one without a word. */
  end (): PlacedMessages {
    this.#attach()
    const isTold = this.#messages.map(message => message.role !== 'assistant' || message.content != null || message.tool_calls != null)
    return { messages: this.#messages.filter((_, index) => isTold[index]), places: this.#places.filter((_, index) => isTold[index]) }
  }

  #tell ({ role, content }: InputMessage, place: string): void {
    const parts: InputPart[] = typeof content === 'string' ? [{ type: 'text', text: content }] : content
    const path = (index: number) => `${place}.content[${index}]`
    switch (role) {
      case 'assistant': return this.#say(parts.map((part, index) => toAssistantPart(part, path(index))), place)
      case 'user': return this.#push({ role, content: parts.map((part, index) => toUserPart(part, path(index))) }, place)
      default: this.#push({ role, content: parts.map((part, index) => toTextPart(part, path(index), role)) }, place)
    }
  }

  /** Text between calls and what answers them belongs to the calls' turn; otherwise each text is a turn of its own. */
  #say (parts: AssistantPart[], place: string): void {
    const turn = this.#turn?.content === undefined || this.#turn.tool_calls ? this.#ownTurn(place) : this.#newTurn(place)
    turn.content ??= []
    for (const part of parts) turn.content.push(part)
  }

  #think ({ content, summary }: ReasoningItem, place: string): void {
    const text = [content, summary].map(parts => (parts ?? []).map(part => part.text).join('\n')).find(text => text !== '')
    if (text === undefined) return
    const turn = this.#turn?.content === undefined && !this.#turn?.tool_calls ? this.#ownTurn(place) : this.#newTurn(place)
    turn.reasoning_content = turn.reasoning_content === undefined ? text : `${turn.reasoning_content}\n${text}`
  }

  #recall ({ encrypted_content: content }: CompactionItem, place: string): void {
    const summary = toSummary(content)
    if (summary === undefined) {
      const param = `${place}.encrypted_content`
      throw new InvalidRequestError(`Invalid '${param}': it is no compaction of this proxy, or was changed. Send it as it came, or leave the item out.`, { param, code: 'invalid_encrypted_content' })
    }
    this.#changes.push({ param: place, action: 'emulated', reason: 'the summary in it follows in a user message' })
    this.#push({ role: 'user', content: [{ type: 'text', text: toRecalledText(summary) }] }, place)
  }

  #call ({ call_id: id, name, namespace }: FunctionCallItem | CustomToolCallItem, args: string, place: string): void {
    const turn = this.#ownTurn(place)
    turn.tool_calls ??= []
    turn.tool_calls.push({ id, type: 'function', function: { name: this.#tools.toChatName(name, namespace), arguments: args } })
  }

  #output ({ call_id: id, output }: ToolOutputItem, place: string): void {
    const parts = typeof output === 'string' ? [] : output.map((part, index) => toUserPart(part, `${place}.output[${index}]`))
    const texts = parts.filter(part => part.type === 'text')
    const others = parts.filter(part => part.type !== 'text')
    if (others.length > 0) {
      this.#changes.push({ param: `${place}.output`, action: 'emulated', reason: 'a tool message has text only; its images and files follow in a user message' })
      if (this.#attached.length === 0) this.#attachedPlace = place
      for (const other of others) this.#attached.push(other)
    }
    this.#turn = undefined
    this.#messages.push({ role: 'tool', tool_call_id: id, content: typeof output === 'string' ? output : texts })
    this.#places.push(place)
  }

  #ownTurn (place: string): Turn {
    return this.#turn ?? this.#newTurn(place)
  }

  #newTurn (place: string): Turn {
    const turn: Turn = { role: 'assistant' }
    this.#push(turn, place)
    this.#turn = turn
    return turn
  }

  #push (message: Message, place: string): void {
    this.#attach()
    this.#turn = undefined
    this.#messages.push(message)
    this.#places.push(place)
  }

  #attach (): void {
    if (this.#attached.length === 0) return
    this.#messages.push({ role: 'user', content: this.#attached })
    this.#places.push(this.#attachedPlace)
    this.#attached = []
  }
}

function toUserPart (part: InputPart, path: string): UserPart {
  switch (part.type) {
    case 'input_image': return toImagePart(part, path)
    case 'input_file': return toFilePart(part, path)
    case 'refusal': return { type: 'text', text: part.refusal }
    default: return { type: 'text', text: part.text }
  }
}

function toTextPart (part: InputPart, path: string, role: string): TextPart {
  if (part.type === 'input_image' || part.type === 'input_file') {
    throw refused(path, `parts of type '${part.type}' cannot stand in a message of role '${role}'.`)
  }
  return { type: 'text', text: part.type === 'refusal' ? part.refusal : part.text }
}

function toAssistantPart (part: InputPart, path: string): AssistantPart {
  return part.type === 'refusal' ? { type: 'refusal', refusal: part.refusal } : toTextPart(part, path, 'assistant')
}

function toImagePart ({ image_url: url, file_id: id, detail }: InputImagePart, path: string): UserPart {
  if (url != null) return { type: 'image_url', image_url: { url, detail: detail ?? null } }
  if (id != null) throw refused(`${path}.file_id`, "this proxy stores no files. Send the image as 'image_url'.")
  throw new InvalidRequestError(`Missing required parameter: '${path}.image_url'.`, { param: `${path}.image_url`, code: 'missing_required_parameter' })
}

function toFilePart ({ file_data: data, file_id: id, file_url: url, filename }: InputFilePart, path: string): UserPart {
  if (data == null && url != null) throw refused(`${path}.file_url`, "this proxy fetches no files. Send a text file as 'file_data'.")
  return { type: 'file', file: { file_data: data ?? null, file_id: id ?? null, filename: filename ?? null } }
}

function refused (param: string, why: string): InvalidRequestError {
  return new InvalidRequestError(`Invalid '${param}': ${why}`, { param, code: 'unsupported_value' })
}
