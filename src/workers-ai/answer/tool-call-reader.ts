import type { Batch } from '../../generation/event.ts'
import { UpstreamError } from '../../errors.ts'
import { toJsonText, toNumber } from '../../json/exact-json.ts'

/** A tool call, or a piece of one, in any shape of Workers AI's models. */
interface NativeToolCall {
  index?: unknown
  id?: unknown
  name?: unknown
  arguments?: unknown
  parameters?: unknown
  function?: { name?: unknown, arguments?: unknown, parameters?: unknown } | null
}

interface Call {
  index: number
  nativeId: string | undefined
  name: string | undefined
  /** Argument text that is held: it arrived before the name, or may be encoded twice. */
  held: string
  isHeld: boolean
  told: boolean
  hasArguments: boolean
}

/** The most calls of one answer: far more than any model makes, and few enough for memory. */
const MAX_CALLS = 1_000

/**
 * Reads native tool calls into tool_call events: a new id for each call, one name, and its arguments as JSON text.
 *
 * Calls arrive flat `{name, arguments}` or wrapped `{id, type, index, function}`; whole, several in one frame, or in
 * fragments, sometimes arguments before the name; with `null` finalisers, without an index, with ids that repeat
 * between turns; arguments as an object, as text, as text encoded twice, or missing. All observed on live models.
 */
export class ToolCallReader {
  #newId: () => string
  #calls: Call[] = []
  /** The latest call that claimed an index: two calls may claim the same one. */
  #byIndex: Map<number, Call> | undefined

  /** @param newId makes an id that is unique in the conversation, e.g. `call_…`. */
  constructor (newId: () => string) {
    this.#newId = newId
  }

  get sawCalls (): boolean {
    return this.#calls.length > 0
  }

  /**
   * Reads the `tool_calls` of one frame and appends their events to `batch`. A value that is not a list is ignored.
   * @param write serializes arguments that arrived as a value
   */
  read (calls: unknown, batch: Batch, write: (value: unknown) => string = toJsonText): void {
    if (!Array.isArray(calls)) return
    for (const call of calls) {
      if (typeof call === 'object' && call !== null) this.#readOne(call, batch, write)
    }
  }

  /**
   * Ends the calls: passes on held text, and adds `{}` to a call without arguments, because clients parse them.
   * @throws UpstreamError `malformed` if a call never got a name.
   */
  end (batch: Batch): void {
    for (const call of this.#calls) {
      if (call.name === undefined) {
        throw new UpstreamError('The model called a tool without naming it', { kind: 'malformed' })
      }
      if (call.isHeld) this.#tell(call, decodeTwice(call.held), batch)
      if (!call.hasArguments) this.#tell(call, '{}', batch)
    }
  }

  #readOne (native: NativeToolCall, batch: Batch, write: (value: unknown) => string): void {
    const name = text(native.function?.name) ?? text(native.name)
    const args = argumentsOf(native)
    if (name === undefined && (args === undefined || args === null || args === '')) return
    const id = text(native.id)
    const call = this.#callFor(toNumber(native.index), id, name)
    call.nativeId ??= id
    const namedNow = call.name === undefined && name !== undefined
    call.name ??= name
    if (typeof args === 'string') {
      call.held += args
    } else if (args !== undefined && args !== null && !call.hasArguments && call.held === '') {
      call.held = write(args)
    }
    // JSON text of an object begins with a brace. A quote means that the object was encoded as a string again.
    if (!call.hasArguments) call.isHeld = /^\s*("|$)/.test(call.held) && call.held !== ''
    if (call.name === undefined || call.isHeld) return namedNow ? this.#tell(call, '', batch) : undefined
    if (!namedNow && call.held === '') return
    const piece = call.held
    call.held = ''
    this.#tell(call, piece, batch)
  }

  #callFor (index: number | undefined, id: string | undefined, name: string | undefined): Call {
    const known = index === undefined ? this.#calls.at(-1) : this.#byIndex?.get(index)
    const startsAnother = known?.name !== undefined && name !== undefined &&
      (index === undefined || name !== known.name || (id !== undefined && id !== known.nativeId))
    if (known !== undefined && !startsAnother) return known
    if (this.#calls.length >= MAX_CALLS) throw new UpstreamError(`The model made more than ${MAX_CALLS} tool calls`, { kind: 'malformed' })
    const call: Call = { index: this.#calls.length, nativeId: undefined, name: undefined, held: '', isHeld: false, told: false, hasArguments: false }
    this.#calls.push(call)
    if (index !== undefined) (this.#byIndex ??= new Map()).set(index, call)
    return call
  }

  #tell (call: Call, args: string, batch: Batch): void {
    if (args !== '') call.hasArguments = true
    if (call.told) {
      if (args !== '') batch.push({ type: 'tool_call', index: call.index, arguments: args })
      return
    }
    call.told = true
    batch.push({ type: 'tool_call', index: call.index, id: this.#newId(), name: call.name as string, arguments: args })
  }
}

/** Whether any of these calls has arguments that are not a string. */
export function holdsArguments (calls: unknown): boolean {
  return Array.isArray(calls) && calls.some(call => typeof call === 'object' && call !== null && typeof (argumentsOf(call as NativeToolCall) ?? '') !== 'string')
}

function argumentsOf ({ function: wrapped, arguments: args, parameters }: NativeToolCall): unknown {
  return wrapped?.arguments ?? args ?? wrapped?.parameters ?? parameters
}

function text (value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Granite and deepseek-r1 were observed to encode their arguments twice: JSON inside a JSON string. */
function decodeTwice (json: string): string {
  if (json.trim() === '') return '{}'
  try {
    const inner: unknown = JSON.parse(json)
    if (typeof inner === 'string') {
      JSON.parse(inner)
      return inner
    }
  } catch {
    // Not encoded twice: the client gets what the model wrote.
  }
  return json
}
