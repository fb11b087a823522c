import type { Batch } from '../../../generation/event.ts'
import type { ErrorBody } from '../error-body.ts'
import type { OutputItem, ResponseLogprob, ResponseObject } from './wire.ts'
import { toEvent } from '../../../http/replies/server-sent-events.ts'
import { toExactJson } from '../../../json/exact-integers.ts'
import type { Output, OutputItemsOptions, OutputListener } from './output.ts'
import { toOutput } from './to-output.ts'
import { toFailedResponse } from './fold.ts'

/**
 * Encodes one generation as the events of a Responses stream, ready for the wire, numbered from 0.
 *
 * A piece of text costs one JSON string; only the ends of items and of the response are serialized as whole objects.
 */
export class ResponseEvents implements OutputListener {
  readonly output: Output
  #begun: ResponseObject
  #number = 0
  #text = ''

  constructor (begun: ResponseObject, options: OutputItemsOptions) {
    this.#begun = begun
    this.output = toOutput(options, this)
  }

  /** The two events before any output. */
  begin (): string {
    const response = `"response":${toExactJson(this.#begun)}`
    this.#add('response.created', response)
    this.#add('response.in_progress', response)
    return this.#taken()
  }

  /** The events of one batch as one text, maybe empty. */
  encode (batch: Batch): string {
    for (const event of batch) this.output.push(event)
    return this.#taken()
  }

  /** @param response the whole response, complete or truncated */
  end (response: ResponseObject): string {
    this.#add(`response.${response.status}`, `"response":${toExactJson(response)}`)
    return this.#taken()
  }

  /** The two events that OpenAI's server sends for a broken answer: some clients read the first, some the second. */
  fail (error: ErrorBody['error']): string {
    this.#add('error', `"error":${JSON.stringify(error)}`)
    return this.end(toFailedResponse(this.#begun, this.output, error))
  }

  added (item: OutputItem, index: number): void {
    const place = toPlace(item, index)
    this.#add('response.output_item.added', `"output_index":${index},"item":${JSON.stringify(withoutParts(item))}`)
    switch (item.type) {
      case 'message':
        this.#add('response.content_part.added', `${place},"content_index":0,"part":${JSON.stringify(item.content[0])}`)
        break
      case 'reasoning':
        if (item.content) this.#add('response.content_part.added', `${place},"content_index":0,"part":${JSON.stringify(item.content[0])}`)
        else this.#add('response.reasoning_summary_part.added', `${place},"summary_index":0,"part":${JSON.stringify(item.summary[0])}`)
    }
  }

  grew (item: OutputItem, index: number, delta: string, logprobs: readonly ResponseLogprob[]): void {
    const place = toPlace(item, index)
    const piece = `"delta":${JSON.stringify(delta)}`
    switch (item.type) {
      case 'message':
        return this.#add('response.output_text.delta', `${place},"content_index":0,${piece},"logprobs":${logprobs.length > 0 ? JSON.stringify(logprobs) : '[]'}`)
      case 'reasoning':
        if (item.content) return this.#add('response.reasoning_text.delta', `${place},"content_index":0,${piece}`)
        return this.#add('response.reasoning_summary_text.delta', `${place},"summary_index":0,${piece}`)
      case 'function_call':
        return this.#add('response.function_call_arguments.delta', `${place},${piece}`)
      case 'custom_tool_call':
        return this.#add('response.custom_tool_call_input.delta', `${place},${piece}`)
    }
  }

  done (item: OutputItem, index: number): void {
    const place = toPlace(item, index)
    switch (item.type) {
      case 'message': {
        const [part] = item.content
        this.#add('response.output_text.done', `${place},"content_index":0,"text":${JSON.stringify(part?.text)},"logprobs":${JSON.stringify(part?.logprobs)}`)
        this.#add('response.content_part.done', `${place},"content_index":0,"part":${JSON.stringify(part)}`)
        break
      }
      case 'reasoning': {
        const [kind, field, part] = item.content ? ['reasoning_text', 'content_index', item.content[0]] : ['reasoning_summary_text', 'summary_index', item.summary[0]]
        this.#add(`response.${kind}.done`, `${place},"${field}":0,"text":${JSON.stringify(part?.text)}`)
        this.#add(item.content ? 'response.content_part.done' : 'response.reasoning_summary_part.done', `${place},"${field}":0,"part":${JSON.stringify(part)}`)
        break
      }
      case 'function_call':
        this.#add('response.function_call_arguments.done', `${place},"name":${JSON.stringify(item.name)},"arguments":${JSON.stringify(item.arguments)}`)
        break
      case 'custom_tool_call':
        this.#add('response.custom_tool_call_input.done', `${place},"input":${JSON.stringify(item.input)}`)
    }
    this.#add('response.output_item.done', `"output_index":${index},"item":${JSON.stringify(item)}`)
  }

  /** @param members the JSON text of the event's own members */
  #add (type: string, members: string): void {
    this.#text += toEvent(`{"type":"${type}","sequence_number":${this.#number++},${members}}`, type)
  }

  #taken (): string {
    const text = this.#text
    this.#text = ''
    return text
  }
}

function toPlace ({ id }: OutputItem, index: number): string {
  return `"item_id":"${id}","output_index":${index}`
}

/** An item at its start: its parts have separate events. */
function withoutParts (item: OutputItem): OutputItem {
  switch (item.type) {
    case 'message': return { ...item, content: [] }
    case 'reasoning': return { id: item.id, type: item.type, summary: [] }
    default: return item
  }
}
