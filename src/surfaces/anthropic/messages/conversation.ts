import type { Change } from '../../../generation/change.ts'
import type { AssistantMessage, FunctionCall, Message, UserPart } from '../../../generation/request.ts'
import { reportUnread } from '../../../generation/unread-members.ts'
import { toExactJson } from '../../../json/exact-integers.ts'
import { toBlockParts, toJoinedText, type PlacedPart } from './block-parts.ts'
import { invalidAt } from './invalid-at.ts'
import type { CountTokensRequest, ThinkingBlock, ToolResultBlock, ToolUseBlock } from './request.ts'
import { toHiddenThought } from './signature.ts'
import { isCall, isResult, Results, toTurns, type PlacedBlock, type PlacedResult, type Turn } from './turns.ts'

/** Where a message of the language of requests stands in the caller's request. */
export interface MessagePlaces {
  message: string
  /** Of each part of its content, where that is a list. */
  parts?: readonly string[]
  /** Of each of its calls. */
  calls?: readonly string[]
}

/** A conversation in the language of requests. */
export interface Conversation {
  messages: Message[]
  places: MessagePlaces[]
  /** The beginning of the answer, where the caller wrote it as the last turn of the assistant. */
  prefill: string | undefined
}

const TURN = new Set(['role', 'content', 'output_config'])
const TOOL_USE = new Set(['type', 'id', 'name', 'input', 'cache_control', 'caller'])
const TOOL_RESULT = new Set(['type', 'tool_use_id', 'content', 'is_error', 'cache_control'])
const THINKING = new Set(['type', 'thinking', 'signature', 'cache_control'])

/** What Claude Code puts before its instructions; it changes from request to request, and no cache would hold what follows. */
const BILLING_LINE = /^x-anthropic-billing-header:[^\n]*\n*/

const ORPHAN = 'there is no call of this id before it; it is sent as text'

/**
 * The conversation of a Messages request: the system prompt first, system messages in their place, results of tools right after
 * their calls. What cannot be told to a model is left out, with a change.
 * @throws InvalidRequestError naming what cannot be served
 */
export function toConversation ({ system, messages }: Pick<CountTokensRequest, 'system' | 'messages'>, changes: Change[]): Conversation {
  for (const [index, message] of messages.entries()) reportUnread(message, TURN, `messages.${index}`, changes)
  const builder = new Builder(changes)
  builder.addSystem(toSystemText(system, changes), 'system')
  const turns = toTurns(messages)
  const results = new Results(turns)
  for (const [index, turn] of turns.entries()) builder.addTurn(turn, results, index === turns.length - 1)
  return builder.end()
}

function toSystemText (system: CountTokensRequest['system'], changes: Change[]): string {
  if (system == null) return ''
  const blocks: PlacedBlock[] = typeof system === 'string'
    ? [{ block: { type: 'text', text: system }, place: 'system' }]
    : system.map((block, index) => ({ block, place: `system.${index}` }))
  const texts = toTexts(blocks, changes).map(({ text, place }) => {
    const rest = text.replace(BILLING_LINE, '')
    if (rest !== text) changes.push({ param: place, action: 'dropped', reason: 'a billing line that changes with every request; no cache would hold what follows' })
    return rest
  })
  return toJoinedText(texts.filter(text => text !== ''))
}

/** The texts of blocks that are nothing else. */
function toTexts (blocks: readonly PlacedBlock[], changes: Change[]): Array<{ text: string, place: string }> {
  return blocks.flatMap(({ block, place }) => {
    if (block.type !== 'text') throw invalidAt(`${place}.type`, "Input should be 'text'")
    return (toBlockParts(block, place, changes) ?? []).map(() => ({ text: block.text, place }))
  })
}

class Builder {
  #messages: Message[] = []
  #places: MessagePlaces[] = []
  #changes: Change[]
  #prefill: string | undefined

  constructor (changes: Change[]) {
    this.#changes = changes
  }

  end (): Conversation {
    return { messages: this.#messages, places: this.#places, prefill: this.#prefill }
  }

  addSystem (text: string, place: string): void {
    if (text !== '') this.#push({ role: 'system', content: text }, { message: place })
  }

  addTurn (turn: Turn, results: Results, isLast: boolean): void {
    switch (turn.role) {
      case 'system': return this.addSystem(toJoinedText(toTexts(turn.blocks, this.#changes).map(({ text }) => text)), turn.place)
      case 'user': return this.#addUser(turn, results)
      case 'assistant': return this.#addAssistant(turn, results, isLast)
    }
  }

  #push (message: Message, places: MessagePlaces): void {
    this.#messages.push(message)
    this.#places.push(places)
  }

  #drop (param: string, from: string, reason: string): void {
    this.#changes.push({ param, action: 'dropped', from, reason })
  }

  #addUser ({ blocks, place }: Turn, results: Results): void {
    const parts = blocks.flatMap((placed): PlacedPart[] => {
      const { block, place } = placed
      if (isResult(placed)) return results.isTaken(placed) ? [] : this.#toOrphan(placed)
      const parts = toBlockParts(block, place, this.#changes)
      if (parts !== undefined) return parts
      if (block.type === 'tool_use') throw invalidAt(place, '`tool_use` blocks can only be in `assistant` messages')
      this.#drop(place, block.type, 'a block of this type cannot be told to a model of Workers AI')
      return []
    })
    if (parts.length > 0) this.#push({ role: 'user', ...toContent(parts) }, toPlaces(place, parts))
    else if (!blocks.some(isResult)) this.#drop(place, 'user', 'there is nothing in it to tell')
  }

  #toOrphan ({ block, place }: PlacedBlock<ToolResultBlock>): PlacedPart[] {
    this.#changes.push({ param: place, action: 'repaired', reason: ORPHAN })
    return [{ part: { type: 'text', text: 'Result of a tool:' }, place }, ...this.#toResultParts(block, place)]
  }

  #addAssistant ({ blocks, place }: Turn, results: Results, isLast: boolean): void {
    const texts: string[] = []
    const thoughts: string[] = []
    const calls: Array<PlacedBlock<ToolUseBlock>> = []
    for (const placed of blocks) {
      const { block, place } = placed
      if (isCall(placed)) calls.push(placed)
      else if (isResult(placed)) throw invalidAt(place, '`tool_result` blocks can only be in `user` messages')
      else if (block.type === 'thinking') thoughts.push(...this.#toThought(block as ThinkingBlock, place))
      else texts.push(...this.#toSaid(placed))
    }
    const content = toJoinedText(texts)
    if (content === '' && calls.length === 0) {
      // Empty text is what clients make of an answer without a word.
      if (thoughts.length > 0) this.#drop(place, 'thinking', 'some models refuse a turn that contains only thinking')
      else this.#drop(place, 'assistant', 'there is nothing in it to tell')
      return
    }
    const message: AssistantMessage = {
      role: 'assistant',
      content,
      ...(thoughts.length > 0 && { reasoning_content: toJoinedText(thoughts) }),
      ...(calls.length > 0 && { tool_calls: calls.map(({ block }) => toFunctionCall(block)) })
    }
    for (const { block, place } of calls) reportUnread(block, TOOL_USE, place, this.#changes)
    this.#push(message, { message: place, ...(calls.length > 0 && { calls: calls.map(call => call.place) }) })
    if (isLast && calls.length === 0) this.#prefill = content
    for (const call of calls) this.#addResult(call, results.of(call), isLast)
  }

  #toSaid ({ block, place }: PlacedBlock): string[] {
    if (block.type === 'redacted_thinking') {
      this.#drop(place, block.type, 'only the model that produced this thinking can read it')
      return []
    }
    if (block.type === 'image') throw invalidAt(place, '`image` blocks can only be in `user` messages')
    const parts = toBlockParts(block, place, this.#changes)
    if (parts === undefined) {
      this.#drop(place, block.type, 'a block of this type cannot be told to a model of Workers AI')
      return []
    }
    return parts.map(({ part, place }) => {
      if (part.type !== 'text') throw invalidAt(place, 'only text can be in `assistant` messages')
      return part.text
    })
  }

  #toThought (block: ThinkingBlock, place: string): string[] {
    reportUnread(block, THINKING, place, this.#changes)
    const thought = block.thinking === '' ? toHiddenThought(block.signature) : block.thinking
    if (thought !== undefined) return [thought]
    if (block.signature) this.#drop(place, block.type, 'only the model that produced this thinking can read it')
    return []
  }

  /** Every call is answered right after it: chat templates refuse, or confuse, what is not. */
  #addResult (call: PlacedBlock<ToolUseBlock>, result: PlacedResult | undefined, isLast: boolean): void {
    if (result === undefined) {
      if (isLast) return
      this.#changes.push({ param: call.place, action: 'repaired', reason: 'there is no result of this call; the model is told so' })
      this.#push({ role: 'tool', tool_call_id: call.block.id, content: 'No result was given.' }, { message: call.place })
      return
    }
    const { block, place, isMoved } = result
    if (isMoved) this.#changes.push({ param: place, action: 'repaired', reason: 'the result of a tool is sent right after its call' })
    const parts = this.#toResultParts(block, place)
    this.#push({ role: 'tool', tool_call_id: block.tool_use_id, ...toContent(parts) }, toPlaces(place, parts))
  }

  #toResultParts (block: ToolResultBlock, place: string): PlacedPart[] {
    reportUnread(block, TOOL_RESULT, place, this.#changes)
    const { content, is_error: isError } = block
    const parts = typeof content === 'string'
      ? toBlockParts({ type: 'text', text: content } as const, `${place}.content`, this.#changes) ?? []
      : (content ?? []).flatMap((inner, index) => toBlockParts(inner, `${place}.content.${index}`, this.#changes) ?? [])
    if (isError !== true) return parts
    this.#changes.push({ param: `${place}.is_error`, action: 'emulated', reason: 'Workers AI has no such field; the model is told in words' })
    const [first, ...others] = parts
    if (first?.part.type === 'text') return [{ part: { type: 'text', text: `Error: ${first.part.text}` }, place: first.place }, ...others]
    return [{ part: { type: 'text', text: 'Error: the tool failed.' }, place }, ...parts]
  }
}

function toFunctionCall ({ id, name, input }: ToolUseBlock): FunctionCall {
  return { id, type: 'function', function: { name, arguments: input === null ? '{}' : toExactJson(input) } }
}

/** Text is one string for every model; parts stay where they are more than text. */
function toContent (parts: readonly PlacedPart[]): { content: string | UserPart[] } {
  const texts = toTextsOf(parts)
  return { content: texts === undefined ? parts.map(({ part }) => part) : toJoinedText(texts) }
}

function toPlaces (message: string, parts: readonly PlacedPart[]): MessagePlaces {
  return { message, ...(toTextsOf(parts) === undefined && { parts: parts.map(({ place }) => place) }) }
}

function toTextsOf (parts: readonly PlacedPart[]): string[] | undefined {
  const texts = parts.flatMap(({ part }) => part.type === 'text' ? [part.text] : [])
  return texts.length === parts.length ? texts : undefined
}
