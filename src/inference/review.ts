import { ProxyError, quoted } from '../errors.ts'
import { hasDamagedMark } from '../stages/argument-marks.ts'
import type { Change, RepairKind } from '../generation/change.ts'
import type { Batch, Stage, ToolCallEvent } from '../generation/event.ts'
import type { WorkBudget } from '../json/work-budget.ts'
import type { NativeMessage } from '../workers-ai/request/native-message.ts'
import type { RunRequest } from '../workers-ai/request/run-request.ts'
import { toComplaint, toDistance, type OutputFormat } from '../workers-ai/request/structured-output.ts'

/** Why a whole answer does not meet the request, and the follow-up for a second attempt. */
export interface Complaint {
  /** What the second answer should repair; undefined if there was no answer. */
  repair?: RepairKind
  followUp: NativeMessage[]
  /**
   * The result of a second answer that is no better: an error, or the answer unchanged, with a change.
   * @param events the second answer
   */
  giveUp: (events: Batch) => { error: ProxyError } | { change: Change }
  /** Whether a second answer is further from the request than the first. */
  isWorse?: (events: Batch) => boolean
}

/**
 * Reviews a whole answer. A forced tool choice must have led to a call with complete arguments, a structured output must fit
 * its format, and an answer must not be empty. An answer that reached its token limit is returned unchanged.
 * @returns undefined if the answer meets the request
 */
export function toReview (events: Batch, request: RunRequest): Complaint | undefined {
  const end = events.at(-1)
  if (end?.type !== 'finish' || end.reason === 'length' || end.reason === 'content_filter') return undefined
  if (events.some(event => event.type === 'tool_call')) return callsOf(events).some(call => hasDamagedMark(call.arguments)) ? damaged() : undefined
  const text = textOf(events)
  if (request.forcedCall !== undefined) return noCall(text, request.forcedCall)
  if (request.format) return misfit(text, request.format, request)
  // A stop sequence that was sent may have ended the answer before its first text.
  const isCut = end.stop !== undefined || request.fields['stop'] !== undefined
  return text.trim() === '' && !isCut ? silent(request) : undefined
}

/**
 * Reviews a streamed answer for what a second call can still add: text if there is none, and complete arguments. Its format is
 * checked elsewhere.
 */
export function toStreamReview (events: Batch, { format: _, ...request }: RunRequest): Complaint | undefined {
  return toReview(events, request)
}

/** The follow-up for an answer without text, or without any event. */
export function silent ({ followsToolResult }: Pick<RunRequest, 'followsToolResult'>): Complaint {
  return {
    followUp: followsToolResult ? [{ role: 'user', content: 'Now answer with this result.' }] : [],
    giveUp: () => ({ change: { param: 'messages', action: 'repaired', reason: `the model gave an empty answer${followsToolResult ? ' to a tool result' : ''}, and was asked once more` } })
  }
}

/** The complete calls of an answer. */
function callsOf (events: Batch): ToolCallEvent[] {
  const calls = new Map<number, ToolCallEvent>()
  for (const event of events) {
    if (event.type !== 'tool_call') continue
    const begun = calls.get(event.index)
    calls.set(event.index, begun ? { ...begun, arguments: begun.arguments + event.arguments } : event)
  }
  return [...calls.values()]
}

/**
 * A second answer without the parts of its calls that the first answer has already sent; undefined if the second does not
 * begin like the first.
 */
export function toContinuation (told: Batch, answer: Batch): Batch | undefined {
  const calls = callsOf(answer)
  const rests = new Map<number, string>()
  for (const begun of callsOf(told)) {
    const call = calls.find(({ index }) => index === begun.index)
    const rest = call !== undefined && call.name === begun.name ? restOf(call.arguments, begun.arguments) : undefined
    if (rest === undefined) return undefined
    rests.set(begun.index, rest)
  }
  return [
    ...answer.filter(event => event.type === 'text' || event.type === 'reasoning'),
    ...calls.map((call): ToolCallEvent => rests.has(call.index) ? { type: 'tool_call', index: call.index, arguments: rests.get(call.index) ?? '' } : call),
    ...answer.filter(event => event.type === 'usage' || event.type === 'finish')
  ]
}

/** The rest of a JSON text after a given beginning; white space between tokens may differ. */
function restOf (json: string, beginning: string): string | undefined {
  const whole = withoutWhiteSpace(json)
  const start = withoutWhiteSpace(beginning)
  return whole.startsWith(start) ? whole.slice(start.length) : undefined
}

function withoutWhiteSpace (json: string): string {
  return json.replace(/("(?:[^"\\]|\\.)*"?)|\s+/gs, (_, text: string | undefined) => text ?? '')
}

/** The text of an answer. */
export function textOf (events: Batch): string {
  return events.map(event => event.type === 'text' ? event.text : '').join('')
}

/** Characters of a streamed answer that are held for its check. */
const MAX_CHECKED = 4 * 1_048_576

/**
 * Checks a streamed structured output at its end, when a second attempt is no longer possible: a strict one that does not fit
 * ends with a failure, another one with a change.
 */
export class FormatCheck implements Stage {
  #format: OutputFormat
  #changes: Change[]
  #workBudget: WorkBudget
  #text: string[] = []
  #length = 0
  #hasCalls = false

  constructor (format: OutputFormat, changes: Change[], workBudget: WorkBudget) {
    this.#format = format
    this.#changes = changes
    this.#workBudget = workBudget
  }

  push (batch: Batch): Batch {
    for (const event of batch) {
      if (event.type === 'text') this.#hold(event.text)
      if (event.type === 'tool_call') this.#hasCalls = true
    }
    const end = batch.at(-1)
    if (end?.type !== 'finish' || end.reason !== 'stop' || this.#hasCalls) return batch
    if (this.#length > MAX_CHECKED) {
      this.#changes.push({ param: 'response_format', action: 'dropped', reason: `the answer is not checked: it is longer than ${MAX_CHECKED} characters` })
      return batch
    }
    const text = this.#text.join('')
    // An empty answer gets a second attempt, and is checked then.
    const complaint = text.trim() === '' ? undefined : toComplaint(this.#format, text, this.#workBudget, this.#changes)
    if (complaint === undefined) return batch
    const verdict = mismatch(this.#format, complaint)
    if ('error' in verdict) return [...batch.slice(0, -1), { type: 'failure', error: verdict.error }]
    this.#changes.push(verdict.change)
    return batch
  }

  #hold (text: string): void {
    this.#length += text.length
    if (this.#length > MAX_CHECKED) this.#text = []
    else this.#text.push(text)
  }
}

function misfit (text: string, format: OutputFormat, { workBudget, changes }: Pick<RunRequest, 'workBudget' | 'changes'>): Complaint | undefined {
  const complaint = toComplaint(format, text, workBudget, changes)
  if (complaint === undefined) return undefined
  const distance = toDistance(format, text, workBudget)
  return {
    repair: 'json_schema',
    followUp: [
      ...said(text),
      { role: 'user', content: `That does not fit: ${complaint}. Answer again with the corrected JSON and nothing else.` }
    ],
    giveUp: events => mismatch(format, toComplaint(format, textOf(events), workBudget, changes) ?? complaint),
    isWorse: events => !events.some(({ type }) => type === 'tool_call') && toDistance(format, textOf(events), workBudget) > distance
  }
}

function mismatch ({ name, isStrict }: OutputFormat, complaint: string): { error: ProxyError } | { change: Change } {
  if (!isStrict) return { change: { param: 'response_format', action: 'dropped', reason: 'the answer does not fit it, although the model was asked for it' } }
  return {
    error: new ProxyError(place => `The model's answer does not match the schema of ${place} '${quoted(name)}': ${quoted(complaint)}. Simplify the schema, or use a model that enforces it.`, {
      // The one status that no client retries: another attempt would be billed, and end the same way.
      status: 400,
      type: 'invalid_request_error',
      code: 'json_schema_mismatch',
      param: 'response_format',
      headers: { 'x-should-retry': 'false' }
    })
  }
}

function noCall (text: string, wanted: string): Complaint {
  return {
    repair: 'forced_call',
    followUp: [
      ...said(text),
      { role: 'user', content: wanted }
    ],
    giveUp: () => ({ change: { param: 'tool_choice', action: 'dropped', reason: 'the model called no tool, although it was asked twice' } })
  }
}

/** The model's text as a message, if it is not empty: some templates refuse a turn without text. */
function said (text: string): NativeMessage[] {
  return text.trim() === '' ? [] : [{ role: 'assistant', content: text }]
}

function damaged (): Complaint {
  return {
    repair: 'arguments',
    followUp: [],
    giveUp: () => ({ change: { param: 'tool_calls', action: 'repaired', reason: 'the arguments still contain half a token of the chat template, although the model was asked twice' } })
  }
}
