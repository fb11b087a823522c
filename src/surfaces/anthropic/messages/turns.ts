import type { Block, Message, ToolResultBlock, ToolUseBlock } from './request.ts'

/** A block and where it stands in the caller's request, e.g. `messages.2.content.1`. */
export interface PlacedBlock<B extends { type: string } = Block> {
  block: B
  place: string
}

/** What one role says before another has its turn. */
export interface Turn {
  role: Message['role']
  blocks: PlacedBlock[]
  /** Where it begins. */
  place: string
}

/** A result of a tool, and whether it stood elsewhere than right after its call. */
export interface PlacedResult extends PlacedBlock<ToolResultBlock> {
  isMoved: boolean
}

/** The turns of a conversation: messages of one role in a row are one, as Anthropic's API takes them; a text is one block. */
export function toTurns (messages: readonly Message[]): Turn[] {
  const turns: Turn[] = []
  for (const [index, { role, content }] of messages.entries()) {
    const place = `messages.${index}`
    const blocks: PlacedBlock[] = typeof content === 'string'
      ? [{ block: { type: 'text', text: content }, place: `${place}.content` }]
      : content.map((block, at) => ({ block, place: `${place}.content.${at}` }))
    const last = turns.at(-1)
    if (last?.role !== role) turns.push({ role, blocks, place })
    else for (const block of blocks) last.blocks.push(block)
  }
  return turns
}

/**
 * Finds the results of calls, wherever clients have put them: behind text, behind a system message, turns later. Each belongs
 * to the last call of its id before it, and is given once.
 */
export class Results {
  #byCall = new Map<PlacedBlock, PlacedResult>()
  #taken = new Set<PlacedBlock>()

  constructor (turns: readonly Turn[]) {
    const open = new Map<string, { call: PlacedBlock, turn: number }>()
    for (const [turn, { role, blocks }] of turns.entries()) {
      let isFirst = true
      for (const placed of blocks) {
        if (isCall(placed) && role === 'assistant') open.set(placed.block.id, { call: placed, turn })
        if (!isResult(placed)) {
          isFirst = false
          continue
        }
        const called = open.get(placed.block.tool_use_id)
        if (called === undefined || role !== 'user') continue
        open.delete(placed.block.tool_use_id)
        this.#byCall.set(called.call, { ...placed, isMoved: !isFirst || turn !== called.turn + 1 })
        this.#taken.add(placed)
      }
    }
  }

  of (call: PlacedBlock): PlacedResult | undefined {
    return this.#byCall.get(call)
  }

  /** Whether it stands beside its call already. */
  isTaken (placed: PlacedBlock): boolean {
    return this.#taken.has(placed)
  }
}

export function isCall (placed: PlacedBlock): placed is PlacedBlock<ToolUseBlock> {
  return placed.block.type === 'tool_use'
}

export function isResult (placed: PlacedBlock): placed is PlacedBlock<ToolResultBlock> {
  return placed.block.type === 'tool_result'
}
