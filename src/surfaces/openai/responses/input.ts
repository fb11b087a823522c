import { invalid, InvalidRequestError, quoted } from '../../../errors.ts'
import type { Change } from '../../../generation/change.ts'
import type { AssistantPart, Message, TextPart, ToolCall, UserPart } from '../../../generation/request.ts'
import type { CompactionItem, CustomToolCallItem, FunctionCallItem, GivenInputPart, InputFilePart, InputImagePart, InputItem, InputMessage, InputPart, ReasoningItem, ToolOutputItem } from './request.ts'
import { toRecalledText, toSummary } from './compaction.ts'
import { toInputPart } from './input-parts.ts'
import { toTextArguments } from '../../../generation/text-tool.ts'
import type { ServedTools } from './tools.ts'
import { reportUnread } from '../../../generation/unread-members.ts'

/** An item and its place in the caller's request, e.g. `input[2]`. */
export interface PlacedItem {
  item: InputItem
  place: string
}

/** Messages of a chat, and the place of each in the caller's request; of a tool result that of its `output`. */
export interface PlacedMessages {
  messages: Message[]
  places: string[]
  /** For each message with calls, their places. */
  callPlaces: Array<readonly string[] | undefined>
}

/**
 * Converts items to the messages of a chat. Thinking, text and calls in a row become one assistant message, because an answer
 * returns them as separate items. Items of tools that OpenAI's servers ran are left out, with a change.
 * @throws InvalidRequestError naming a part that cannot be sent
 */
export function toMessages (items: readonly PlacedItem[], tools: ServedTools, changes: Change[]): PlacedMessages {
  const conversation = new Conversation(tools, changes)
  for (const placed of items) conversation.add(placed)
  return conversation.end()
}

const ITEM = ['type', 'id', 'status']
const OUTPUT_MEMBERS = new Set([...ITEM, 'call_id', 'output'])

/** The members that are read, by type of item; of other types none. */
const ITEM_MEMBERS: Record<string, ReadonlySet<string> | undefined> = {
  message: new Set([...ITEM, 'role', 'content']),
  function_call: new Set([...ITEM, 'call_id', 'name', 'namespace', 'arguments']),
  custom_tool_call: new Set([...ITEM, 'call_id', 'name', 'namespace', 'input']),
  function_call_output: OUTPUT_MEMBERS,
  custom_tool_call_output: OUTPUT_MEMBERS,
  reasoning: new Set([...ITEM, 'summary', 'content'])
}

/** The log probabilities of a text describe that text, and are not for the model. */
const TEXT_MEMBERS = new Set(['type', 'text', 'logprobs'])

/** The members that are read, by type of part. */
const PART_MEMBERS: Record<string, ReadonlySet<string> | undefined> = {
  input_text: TEXT_MEMBERS,
  output_text: TEXT_MEMBERS,
  text: TEXT_MEMBERS,
  refusal: new Set(['type', 'refusal']),
  input_image: new Set(['type', 'image_url', 'file_id', 'detail']),
  input_file: new Set(['type', 'file_data', 'file_id', 'file_url', 'filename'])
}

/** Whether the place is in this request; changes of earlier requests were reported then. */
function isGiven (place: string): boolean {
  return place.startsWith('input')
}

/** One assistant turn. */
interface Turn {
  role: 'assistant'
  content?: AssistantPart[]
  reasoning_content?: string
  tool_calls?: ToolCall[]
}

class Conversation {
  #messages: Message[] = []
  #places: string[] = []
  #callPlaces = new Map<Message, string[]>()
  #tools: ServedTools
  #changes: Change[]
  /** The assistant's turn that later items may still belong to. */
  #turn: Turn | undefined

  constructor (tools: ServedTools, changes: Change[]) {
    this.#tools = tools
    this.#changes = changes
  }

  add ({ item, place }: PlacedItem): void {
    const members = ITEM_MEMBERS[item.type ?? 'message']
    if (members && isGiven(place)) reportUnread(item, members, place, this.#changes)
    switch (item.type) {
      case undefined:
      case null:
      case 'message':
        if (!('role' in item)) break
        return this.#addMessage(item, place)
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
    this.#changes.push({ param: place, action: 'dropped', from: item.type, reason: 'models of Workers AI take no item of this type' })
  }

  /** Leaves out turns that contain only thinking: some chat templates refuse a turn without text. */
  end (): PlacedMessages {
    const isKept = this.#messages.map(message => message.role !== 'assistant' || message.content != null || message.tool_calls != null)
    for (const [index, place] of this.#places.entries()) {
      if (!isKept[index] && isGiven(place)) this.#changes.push({ param: place, action: 'dropped', from: 'reasoning', reason: 'some models refuse a turn that contains only thinking' })
    }
    const messages = this.#messages.filter((_, index) => isKept[index])
    return {
      messages,
      places: this.#places.filter((_, index) => isKept[index]),
      callPlaces: messages.map(message => this.#callPlaces.get(message))
    }
  }

  #addMessage ({ role, content }: InputMessage, place: string): void {
    const given: GivenInputPart[] = typeof content === 'string' ? [{ type: 'text', text: content }] : content
    const toParts = <P>(toPart: (part: InputPart, path: string, type: string) => P) => this.#toParts(given, `${place}.content`, toPart)
    switch (role) {
      case 'assistant': return this.#say(toParts(toAssistantPart), place)
      case 'user': return this.#push({ role, content: toParts(toUserPart) }, place)
      default: this.#push({ role, content: toParts((part, path, type) => toTextPart(part, path, type, role)) }, place)
    }
  }

  /** Text between calls and their results belongs to the turn of the calls; any other text is a separate turn. */
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
      throw new InvalidRequestError(`Invalid '${param}': it is not a compaction of this proxy, or it was changed. Send it unchanged, or leave the item out.`, { param, code: 'invalid_encrypted_content' })
    }
    this.#changes.push({ param: place, action: 'emulated', reason: 'the summary in it follows in a user message' })
    this.#push({ role: 'user', content: [{ type: 'text', text: toRecalledText(summary) }] }, place)
  }

  #call ({ call_id: id, name, namespace }: FunctionCallItem | CustomToolCallItem, args: string, place: string): void {
    const turn = this.#ownTurn(place)
    turn.tool_calls ??= []
    const places = this.#callPlaces.get(turn)
    if (places) places.push(place)
    else this.#callPlaces.set(turn, [place])
    turn.tool_calls.push({ id, type: 'function', function: { name: this.#tools.toChatName(name, namespace), arguments: args } })
  }

  #output ({ call_id: id, output }: ToolOutputItem, place: string): void {
    this.#push({ role: 'tool', tool_call_id: id, content: typeof output === 'string' ? output : this.#toParts(output, `${place}.output`, toUserPart) }, `${place}.output`)
  }

  /** Converts parts to the form of the Responses API, and then to that of a chat. */
  #toParts<P> (given: GivenInputPart[], path: string, toPart: (part: InputPart, path: string, type: string) => P): P[] {
    return given.map((one, index) => {
      const place = `${path}[${index}]`
      const part = toInputPart(one)
      if (part === undefined) throw invalid(place, `parts of type '${quoted(one.type)}' cannot be sent to Workers AI chat models.`)
      const members = PART_MEMBERS[one.type]
      if (members && isGiven(place)) reportUnread(one, members, place, this.#changes)
      if (part !== one) this.#changes.push({ param: place, action: 'renamed', from: one.type, to: part.type, reason: 'the Responses API has another form for this' })
      return toPart(part, place, one.type)
    })
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
    this.#turn = undefined
    this.#messages.push(message)
    this.#places.push(place)
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

/** @param type of the part as it was sent */
function toTextPart (part: InputPart, path: string, type: string, role: string): TextPart {
  if (part.type === 'input_image' || part.type === 'input_file') {
    throw invalid(path, `parts of type '${type}' are not allowed in a message of role '${role}'.`)
  }
  return { type: 'text', text: part.type === 'refusal' ? part.refusal : part.text }
}

function toAssistantPart (part: InputPart, path: string, type: string): AssistantPart {
  return part.type === 'refusal' ? { type: 'refusal', refusal: part.refusal } : toTextPart(part, path, type, 'assistant')
}

function toImagePart ({ image_url: url, file_id: id, detail }: InputImagePart, path: string): UserPart {
  if (url != null) return { type: 'image_url', image_url: { url, detail } }
  if (id != null) throw invalid(`${path}.file_id`, "this proxy stores no files. Send the image as 'image_url'.")
  throw new InvalidRequestError(`Missing required parameter: '${path}.image_url'.`, { param: `${path}.image_url`, code: 'missing_required_parameter' })
}

function toFilePart ({ file_data: data, file_id: id, file_url: url, filename }: Omit<InputFilePart, 'type'>, path: string): UserPart {
  if (data == null && url != null) throw invalid(`${path}.file_url`, "this proxy fetches no files. Send a text file as 'file_data'.")
  return { type: 'file', file: { file_data: data, file_id: id, filename } }
}
