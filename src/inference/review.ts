import { ProxyError, quoted } from '../errors.ts'
import { hasDamagedMark } from '../stages/argument-marks.ts'
import type { Change, RepairKind } from '../generation/change.ts'
import type { Batch, Stage, ToolCallEvent } from '../generation/event.ts'
import type { WorkBudget } from '../json/work-budget.ts'
import type { NativeMessage } from '../workers-ai/request/native-message.ts'
import type { RunRequest } from '../workers-ai/request/run-request.ts'
import { toComplaint, toDistance, type OutputFormat } from '../workers-ai/request/structured-output.ts'

/** Why a whole answer is not what was asked for, and what to say to the model to get it. */
export interface Complaint {
  /** What the second answer is to mend; undefined where there was no answer. */
  repair?: RepairKind
  followUp: NativeMessage[]
  /**
   * What becomes of a second answer that is no better: an error, or the answer as it is, with a change.
   * @param events the second answer
   */
  giveUp: (events: Batch) => { error: ProxyError } | { change: Change }
  /** Whether a second answer is further from what was asked for than the first. */
  isWorse?: (events: Batch) => boolean
}

/**
 * Reviews a whole answer: a forced tool choice must have led to a call, whose arguments must be whole, a structured output
 * must fit its format, and an answer must say something. An answer that reached its token limit is returned as it is.
 * @returns undefined when there is nothing to complain about
 */
export function toReview (events: Batch, request: RunRequest): Complaint | undefined {
  const end = events.at(-1)
  if (end?.type !== 'finish' || end.reason === 'length' || end.reason === 'content_filter') return undefined
  if (events.some(event => event.type === 'tool_call')) return callsOf(events).some(call => hasDamagedMark(call.arguments)) ? damaged() : undefined
  const text = textOf(events)
  if (request.forcedCall !== undefined) return noCall(text, request.forcedCall)
  if (request.format) return misfit(text, request.format, request)
  // A stop sequence that went up may have ended the answer before its first word.
  const isCut = end.stop !== undefined || request.fields['stop'] !== undefined
  return text.trim() === '' && !isCut ? silent(request) : undefined
}

/**
 * Reviews a streamed answer, of which some was told as it was written, for what can still be had then: words where there
 * are none, and whole arguments. Its format is checked elsewhere.
 */
export function toStreamReview (events: Batch, { format: _, ...request }: RunRequest): Complaint | undefined {
  return toReview(events, request)
}

/** What to do about an answer that says nothing, or holds nothing at all. */
export function silent ({ followsToolResult }: Pick<RunRequest, 'followsToolResult'>): Complaint {
  return {
    followUp: followsToolResult ? [{ role: 'user', content: 'Now answer with this result.' }] : [],
    giveUp: () => ({ change: { param: 'messages', action: 'repaired', reason: `the model gave an empty answer${followsToolResult ? ' to a tool result' : ''}, and was asked once more` } })
  }
}

/** The calls of an answer, each whole. */
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
 * A second answer without what was told of its calls already, as the beginning of a first; undefined when the second does
 * not go on as the first began.
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

/** What follows the beginning of a JSON text, whatever white space is between its parts. */
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
 * Checks a streamed structured output at its end, when nothing can be asked again: a strict one that does not fit
 * ends as a failure, another one with a change.
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
    // Silence is asked about once more, and judged then.
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
      // The one status that every client leaves alone: another try would be billed, and end as this one did.
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

/** What the model said, when it said anything: some templates refuse a turn without a word. */
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
