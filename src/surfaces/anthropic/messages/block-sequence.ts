import type { GenerationEvent, PieceEvent, ToolCallEvent } from '../../../generation/event.ts'
import { BracketScanner } from '../../../json/bracket-scanner.ts'

/** Hears the blocks of an answer one after the other: each is opened, grows any number of times, and is closed before the next. */
export interface BlockListener {
  opened: (block: { type: 'text' | 'thinking' } | { type: 'tool_use', id: string, name: string }) => void
  /** The next piece of text or thinking. */
  grew: (piece: PieceEvent) => void
  /** The next piece of a call's input, as JSON text; never empty. */
  inputGrew: (json: string) => void
  closed: () => void
}

interface OpenCall {
  index: number
  brackets: BracketScanner
  /** Its input is whole: something else may follow. */
  isWhole: boolean
}

/**
 * Puts the events of a generation into the order that Anthropic's API has: one block at a time. What comes while the input of a
 * call is not whole waits until it is, or until the end.
 */
export class BlockSequence {
  /** There was thinking that nobody is told of. */
  leftOutThinking = false
  #listener: BlockListener
  #tellsThinking: boolean
  #open: PieceEvent['type'] | OpenCall | undefined
  #closedCalls = new Set<number>()
  #waiting: GenerationEvent[] = []

  /** @param tellsThinking else it is left out */
  constructor (listener: BlockListener, tellsThinking: boolean) {
    this.#listener = listener
    this.#tellsThinking = tellsThinking
  }

  push (event: GenerationEvent): void {
    switch (event.type) {
      case 'text':
      case 'reasoning':
        if (event.text === '') return
        if (this.mayGrow(event.type)) this.#listener.grew(event)
        else if (!this.#isLeftOut(event.type)) this.#waiting.push(event)
        return
      case 'tool_call':
        return this.#call(event)
      case 'finish':
        return this.#finish()
    }
  }

  /** Has a block of this kind open, a new one where there is none; false when its pieces have to wait, or are left out. */
  mayGrow (type: PieceEvent['type']): boolean {
    if (this.#open === type) return true
    if (this.#isLeftOut(type) || !this.#mayClose()) return false
    this.#begin({ type: type === 'text' ? 'text' : 'thinking' }, type)
    return true
  }

  #isLeftOut (type: PieceEvent['type']): boolean {
    if (type === 'text' || this.#tellsThinking) return false
    this.leftOutThinking = true
    return true
  }

  #mayClose (): boolean {
    return typeof this.#open !== 'object' || (this.#open.isWhole && this.#waiting.length === 0)
  }

  #begin (block: Parameters<BlockListener['opened']>[0], open: PieceEvent['type'] | OpenCall): void {
    this.#close()
    this.#open = open
    this.#listener.opened(block)
  }

  #close (): void {
    if (this.#open === undefined) return
    if (typeof this.#open === 'object') this.#closedCalls.add(this.#open.index)
    this.#open = undefined
    this.#listener.closed()
  }

  #call (event: ToolCallEvent): void {
    if (this.#closedCalls.has(event.index)) return
    const open = this.#open
    if (typeof open === 'object' && open.index === event.index) {
      this.#grow(open, event.arguments)
      if (this.#waiting.length > 0 && open.isWhole) this.#goOn(false)
    } else if (this.#mayClose()) {
      this.#beginCall(event)
    } else {
      this.#waiting.push(event)
    }
  }

  #beginCall ({ index, id = '', name = '', arguments: json }: ToolCallEvent): void {
    const call: OpenCall = { index, brackets: new BracketScanner(), isWhole: false }
    this.#begin({ type: 'tool_use', id: toToolUseId(id), name }, call)
    this.#grow(call, json)
  }

  #grow (call: OpenCall, json: string): void {
    if (json === '') return
    call.isWhole ||= call.brackets.read(json) !== undefined
    this.#listener.inputGrew(json)
  }

  /** Tells what has waited, up to a call that is not whole yet. */
  #goOn (isEnd: boolean): void {
    while (this.#waiting.length > 0) {
      const [event, ...rest] = this.#waiting as [GenerationEvent, ...GenerationEvent[]]
      if (event.type !== 'tool_call') {
        this.#waiting = []
        this.push(event)
        this.#waiting.push(...rest)
        continue
      }
      const isOfCall = (one: GenerationEvent) => one.type === 'tool_call' && one.index === event.index
      this.#waiting = rest.filter(one => !isOfCall(one))
      this.#beginCall(event)
      for (const one of rest.filter(isOfCall)) this.#grow(this.#open as OpenCall, (one as ToolCallEvent).arguments)
      if (!isEnd && !(this.#open as OpenCall).isWhole) return
      if (isEnd) this.#close()
    }
  }

  #finish (): void {
    this.#close()
    this.#goOn(true)
    this.#close()
  }
}

/** The engine's ids are unique; Anthropic's begin otherwise. */
function toToolUseId (id: string): string {
  return id.replace(/^call_/, 'toolu_')
}
