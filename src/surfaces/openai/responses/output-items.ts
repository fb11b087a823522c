import type { FinishReason, GenerationEvent, TokenLogprob, ToolCallEvent, Usage } from '../../../generation/event.ts'
import type { ItemStatus, OutputCustomToolCall, OutputFunctionCall, OutputItem, OutputMessage, OutputReasoning, ResponseLogprob } from './wire.ts'
import { newWorkBudget } from '../../../json/work-budget.ts'
import { parseJson, parseModelJson } from '../../../json/lenient-json.ts'
import { inputOf } from '../../../generation/text-tool.ts'
import type { Output, OutputItemsOptions, OutputListener } from './output.ts'

interface OpenCall {
  item: OutputFunctionCall | OutputCustomToolCall
  place: number
  arguments: string
  isDone: boolean
}

/**
 * Folds the events of one generation into the items of a response.
 *
 * Thinking and text are done when something else begins. A call is done when its arguments are complete, because upstream may
 * hold back the arguments of one call until another has begun.
 */
export class OutputItems implements Output {
  readonly items: OutputItem[] = []
  usage: Usage = { promptTokens: 0, completionTokens: 0 }
  finishReason: FinishReason = 'stop'
  #options: OutputItemsOptions
  #listener: OutputListener | undefined
  /** The thinking or text that may still grow. */
  #open: OutputMessage | OutputReasoning | undefined
  #calls = new Map<number, OpenCall>()
  #workBudget = newWorkBudget()

  constructor (options: OutputItemsOptions, listener?: OutputListener) {
    this.#options = options
    this.#listener = listener
  }

  push (event: GenerationEvent): void {
    switch (event.type) {
      case 'text':
        if (event.text !== '') this.#say(event.text, (event.logprobs ?? []).map(toResponseLogprob))
        break
      case 'reasoning':
        if (event.text !== '') this.#think(event.text)
        break
      case 'tool_call':
        this.#call(event)
        break
      case 'usage':
        this.usage = event.usage
        break
      case 'finish':
        this.finishReason = event.reason ?? 'stop'
        this.#finish()
    }
  }

  #say (text: string, logprobs: ResponseLogprob[]): void {
    const item = this.#open?.type === 'message' ? this.#open : this.#openMessage()
    const [part] = item.content
    if (part === undefined) return
    part.text += text
    part.logprobs.push(...logprobs)
    this.#listener?.grew(item, this.items.length - 1, text, logprobs)
  }

  #think (text: string): void {
    const item = this.#open?.type === 'reasoning' ? this.#open : this.#openReasoning()
    const part = item.summary[0] ?? item.content?.[0]
    if (part === undefined) return
    part.text += text
    this.#listener?.grew(item, this.items.length - 1, text, [])
  }

  #call ({ index, id = '', name = '', arguments: text }: ToolCallEvent): void {
    const call = this.#calls.get(index) ?? this.#openCall(index, id, name)
    if (call.isDone) return
    call.arguments += text
    if (call.item.type === 'function_call') this.#grow(call, text)
  }

  #grow (call: OpenCall, piece: string): void {
    if (piece === '') return
    if (call.item.type === 'function_call') call.item.arguments += piece
    else call.item.input += piece
    this.#listener?.grew(call.item, call.place, piece, [])
  }

  #openMessage (): OutputMessage {
    const item: OutputMessage = {
      id: this.#options.newItemId('msg_'),
      type: 'message',
      status: 'in_progress',
      role: 'assistant',
      content: [{ type: 'output_text', text: '', annotations: [], logprobs: [] }]
    }
    this.#add(item)
    this.#open = item
    return item
  }

  #openReasoning (): OutputReasoning {
    const begin = { id: this.#options.newItemId('rs_'), type: 'reasoning' } as const
    const item: OutputReasoning = this.#options.asSummary
      ? { ...begin, summary: [{ type: 'summary_text', text: '' }] }
      : { ...begin, summary: [], content: [{ type: 'reasoning_text', text: '' }] }
    this.#add(item)
    this.#open = item
    return item
  }

  #openCall (index: number, id: string, chatName: string): OpenCall {
    const { type, ...called } = this.#options.tools.toCalled(chatName)
    const item: OpenCall['item'] = type === 'custom'
      ? { id: this.#options.newItemId('ctc_'), type: 'custom_tool_call', status: 'in_progress', call_id: id, ...called, input: '' }
      : { id: this.#options.newItemId('fc_'), type: 'function_call', status: 'in_progress', call_id: id, ...called, arguments: '' }
    this.#add(item)
    const call = { item, place: this.items.length - 1, arguments: '', isDone: false }
    this.#calls.set(index, call)
    return call
  }

  #add (item: OutputItem): void {
    this.#closeText('completed')
    for (const call of this.#calls.values()) {
      if (!call.isDone && parseJson(call.arguments) !== undefined) this.#closeCall(call, 'completed')
    }
    this.items.push(item)
    this.#listener?.added(item, this.items.length - 1)
  }

  /** Clients expect a message or a call in every complete answer. */
  #finish (): void {
    const isCut = this.finishReason === 'length' || this.finishReason === 'content_filter'
    if (!isCut && this.items.every(({ type }) => type === 'reasoning')) this.#openMessage()
    const status = isCut ? 'incomplete' : 'completed'
    this.#closeText(status)
    for (const call of this.#calls.values()) {
      if (!call.isDone) this.#closeCall(call, status)
    }
  }

  #closeText (status: ItemStatus): void {
    const item = this.#open
    if (item === undefined) return
    this.#open = undefined
    if (item.type === 'message') item.status = status
    this.#listener?.done(item, this.items.indexOf(item))
  }

  #closeCall (call: OpenCall, status: ItemStatus): void {
    if (call.item.type === 'custom_tool_call') this.#grow(call, inputOf(parseModelJson(call.arguments, this.#workBudget)) ?? call.arguments)
    // Clients parse the arguments of a complete call.
    else if (call.arguments === '' && status === 'completed') this.#grow(call, '{}')
    call.isDone = true
    call.item.status = status
    this.#listener?.done(call.item, call.place)
  }
}

function toResponseLogprob ({ token, logprob, bytes, top_logprobs: top }: TokenLogprob): ResponseLogprob {
  return { token, logprob, bytes: bytes ?? [], top_logprobs: top.map(one => ({ ...one, bytes: one.bytes ?? [] })) }
}
