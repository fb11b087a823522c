import { BracketScanner } from '../json/bracket-scanner.ts'
import type { Change } from '../generation/change.ts'
import type { Batch, Stage } from '../generation/event.ts'
import { isObject } from '../json/is-object.ts'
import { toExactJsonText } from '../json/exact-json.ts'
import type { WorkBudget } from '../json/work-budget.ts'
import { countViolations } from '../json/json-schema.ts'
import { parseJson, toExactValue, toModelJson } from '../json/lenient-json.ts'

type Schema = Record<string, unknown>

/** The beginning of an answer that may be one object and nothing else, maybe in a fence, maybe incomplete. */
const OBJECT = /^\s*(?:\{|$|`{1,2}$|```(?:j|js|jso)?$|```(?:json)?\s*(?:\{|$))/

/** The largest distance of the last object's start from the end of the thinking, in characters, and the number of braces tried. */
const MAX_LENGTH = 20_000
const MAX_BRACES = 100

export interface ForcedArgumentsOptions {
  /** The tool that has to be called. */
  name: string
  /** Its parameters. */
  schema: Schema
  /** Makes an id that is unique in the conversation. */
  newCallId: () => string
  changes: Change[]
  /** The budget for checks and repairs. */
  workBudget: WorkBudget
}

type CheckOptions = Pick<ForcedArgumentsOptions, 'schema' | 'workBudget'>

/**
 * Converts arguments that a model writes without their call, if one named tool is forced: an object that is the whole answer,
 * or the end of the thinking of an empty answer. gpt-oss was observed to do both. Only an object that fits the tool's
 * parameters counts. Text is held back as long as it may be such an object.
 */
export class ForcedArguments implements Stage {
  #options: ForcedArgumentsOptions
  #held = ''
  #thoughts = ''
  /** The answer is something else. */
  #isOther = false

  constructor (options: ForcedArgumentsOptions) {
    this.#options = options
  }

  push (batch: Batch): Batch {
    const out: Batch = []
    for (const event of batch) {
      switch (event.type) {
        case 'text':
          if (this.#isOther) {
            out.push(event)
            break
          }
          this.#held += event.text
          if (!OBJECT.test(this.#held.slice(0, MAX_LENGTH))) this.#giveUp(out)
          break
        case 'reasoning':
          if (!this.#isOther) this.#thoughts = (this.#thoughts + event.text).slice(-MAX_LENGTH)
          out.push(event)
          break
        case 'tool_call':
        case 'failure':
          this.#giveUp(out)
          out.push(event)
          break
        case 'finish':
          if (event.reason !== 'length' && event.reason !== 'content_filter') this.#call(out)
          this.#giveUp(out)
          out.push(event)
          break
        default:
          out.push(event)
      }
    }
    return out
  }

  #giveUp (out: Batch): void {
    if (this.#held !== '') out.push({ type: 'text', text: this.#held })
    this.#held = ''
    this.#isOther = true
  }

  #call (out: Batch): void {
    if (this.#isOther) return
    const { name, newCallId, changes } = this.#options
    const args = this.#held.trim() === '' ? lastObject(this.#thoughts, this.#options) : toArguments(withoutTail(this.#held.replace(/^\s*```(?:json)?/, '')), this.#options)
    if (args === undefined) return
    this.#held = ''
    changes.push({ param: 'tool_choice', action: 'repaired', repair: 'forced_call', reason: 'the model wrote the arguments of the forced call without the call' })
    out.push({ type: 'tool_call', index: 0, id: newCallId(), name, arguments: args })
  }
}

/** The object at the end of the thinking, if it is the arguments. */
function lastObject (thoughts: string, options: CheckOptions): string | undefined {
  const text = withoutTail(thoughts)
  if (!text.endsWith('}')) return undefined
  let at = text.length
  for (let tries = 0; tries < MAX_BRACES && at > 0; tries++) {
    at = text.lastIndexOf('{', at - 1)
    if (at === -1) return undefined
    const object = text.slice(at)
    if (new BracketScanner().read(object) === object.length) return toArguments(object, options)
  }
  return undefined
}

/** The text without white space, a fence and template tokens at its end. */
function withoutTail (text: string): string {
  let rest = text.trimEnd()
  for (let mark = markAtEnd(rest); mark !== undefined; mark = markAtEnd(rest)) rest = rest.slice(0, -mark.length).trimEnd()
  return rest
}

function markAtEnd (text: string): string | undefined {
  return /```$|<\|\w{1,40}\|>$/.exec(text.slice(-48))?.[0]
}

/** Arguments of the tool as JSON text; undefined if the text is not arguments. */
function toArguments (written: string, { schema, workBudget }: CheckOptions): string | undefined {
  const text = written.trim()
  const json = toModelJson(text, workBudget)
  const value = json === undefined ? undefined : parseJson(json)
  if (json === undefined || !isObject(value) || !text.endsWith('}') || !isAbout(value, schema) || !fits(value, schema, workBudget)) return undefined
  return json === text ? text : toExactJsonText(toExactValue(json))
}

/** Whether an object has any of the parameters: a lax schema allows every object. */
function isAbout (value: Schema, { properties }: Schema): boolean {
  const keys = Object.keys(value)
  return isObject(properties) ? keys.length === 0 || keys.some(key => Object.hasOwn(properties, key)) : keys.length === 0
}

function fits (value: Schema, schema: Schema, workBudget: WorkBudget): boolean {
  try {
    return countViolations(schema, value, workBudget) === 0
  } catch {
    // An invalid schema, or one that takes too long to check, decides nothing.
    return false
  }
}
