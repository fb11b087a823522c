import type { ErrorBody } from '../../src/surfaces/openai/error-body.ts'
import type { OutputItem, ResponseObject } from '../../src/surfaces/openai/responses/wire.ts'
import { faultsOf } from '../openai-schemas.ts'

/** One event as clients parse it; which members it has depends on its type. */
export interface ResponseEvent {
  type: string
  sequence_number: number
  response?: ResponseObject
  output_index?: number
  item_id?: string
  item?: OutputItem
  part?: unknown
  delta?: string
  text?: string
  arguments?: string
  input?: string
  name?: string
  error?: ErrorBody['error']
}

/** A Responses stream as it came over the wire, read strictly. */
export interface ResponseStream {
  events: ResponseEvent[]
  comments: string[]
  /** The response of the last event. */
  response: ResponseObject | undefined
  error: ErrorBody['error'] | undefined
  /** What breaks the rules of OpenAI's Responses streams; empty when all is well. */
  complaints: string[]
}

/** Posts a Responses request. */
export function respond ({ url }: { url: string }, body: object, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/v1/responses`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) })
}

const LAST = ['response.completed', 'response.incomplete', 'response.failed']

export function readResponseStream (text: string): ResponseStream {
  const stream: ResponseStream = { events: [], comments: [], response: undefined, error: undefined, complaints: [] }
  if (!text.endsWith('\n\n')) stream.complaints.push('the last event is cut off')
  for (const event of text.split('\n\n').slice(0, -1)) readEvent(event, stream)
  stream.response = stream.events.at(-1)?.response
  stream.error = stream.events.find(({ type }) => type === 'error')?.error
  stream.complaints.push(...complaintsAbout(stream))
  return stream
}

/** The output a client puts together of the deltas alone, by the place of each item. */
function joined (events: readonly ResponseEvent[]): string[] {
  const texts: string[] = []
  for (const { type, output_index: index = 0, delta } of events) {
    if (type === 'response.output_item.added') texts[index] = ''
    if (delta !== undefined) texts[index] += delta
  }
  return texts
}

/** What the deltas of an item must come to. */
function textOf (item: OutputItem): string {
  switch (item.type) {
    case 'message': return item.content.map(part => part.text).join('')
    case 'reasoning': return [...item.summary, ...item.content ?? []].map(part => part.text).join('')
    case 'function_call': return item.arguments
    case 'custom_tool_call': return item.input
    case 'compaction': return ''
  }
}

/** The types of the events, a run of deltas as one, without `response.`. */
export function toOrder (events: readonly ResponseEvent[]): string[] {
  return events.map(({ type }) => type.replace('response.', '')).filter((type, index, types) => !(type.endsWith('.delta') && types[index - 1] === type))
}

function readEvent (event: string, stream: ResponseStream): void {
  if (event.startsWith(': ')) {
    stream.comments.push(event.slice(2))
    return
  }
  const [, name, json] = /^event: ([a-z_.]+)\ndata: (\{[^\n]*\})$/.exec(event) ?? []
  if (json === undefined) {
    stream.complaints.push(`no event of a Responses stream: ${event}`)
    return
  }
  const data = JSON.parse(json) as ResponseEvent
  if (data.type !== name) stream.complaints.push(`the event ${name} calls itself ${data.type}`)
  stream.complaints.push(...faultsOf('ResponseStreamEvent', data))
  stream.events.push(data)
}

function complaintsAbout ({ events, response, error }: ResponseStream): string[] {
  const complaints: string[] = []
  const demand = (holds: boolean, complaint: string) => { if (!holds) complaints.push(complaint) }
  const types = events.map(({ type }) => type)
  demand(events.every((event, index) => event.sequence_number === index), 'the numbers do not go up from 0 by 1')
  demand(types[0] === 'response.created' && types[1] === 'response.in_progress', 'it does not begin as it should')
  demand(events[0]?.response?.status === 'in_progress' && events[0].response.usage === null && events[0].response.output.length === 0, 'something is there before it began')
  demand(types.filter(type => LAST.includes(type)).length === 1 && LAST.includes(types.at(-1) ?? ''), 'it does not end once')
  demand((types.at(-1) === 'response.failed') === (types.at(-2) === 'error'), 'a failure is not told twice')
  demand(types.at(-1) === `response.${response?.status}`, 'the end is of another status')
  demand(error === undefined || response?.error?.message === error.message, 'both failures do not say the same')
  demand(new Set(events.flatMap(event => event.response?.id ?? [])).size === 1, 'the id changes')
  complaints.push(...(response?.output ?? []).flatMap((item, index) => complaintsAboutItem(item, events.filter(event => event.output_index === index), response?.status === 'failed')))
  demand(JSON.stringify(joined(events)) === JSON.stringify(response?.output.map(textOf)), 'the deltas are another text than the output')
  return complaints
}

function complaintsAboutItem (item: OutputItem, events: ResponseEvent[], isBroken: boolean): string[] {
  const complaints: string[] = []
  const demand = (holds: boolean, complaint: string) => { if (!holds) complaints.push(`${item.type}: ${complaint}`) }
  const only = (type: string) => events.filter(event => event.type === type)
  demand(events.every(event => (event.item_id ?? event.item?.id) === item.id), 'the id changes')
  demand(events[0]?.type === 'response.output_item.added' && only('response.output_item.added').length === 1, 'it is not added once, and first')
  const [done] = only('response.output_item.done')
  demand(isBroken || (events.at(-1) === done && JSON.stringify(done?.item) === JSON.stringify(item)), 'it is not done at last, or is another one in the end')
  for (const { type, text, arguments: args, input } of events.filter(({ type }) => /_(text|arguments|input)\.done$/.test(type))) {
    demand((text ?? args ?? input) === textOf(item), `${type} tells another text`)
  }
  return complaints
}
