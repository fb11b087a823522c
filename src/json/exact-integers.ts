import { isLosslessNumber, LosslessNumber, parse, stringify } from 'lossless-json'
import { isObject } from './is-object.ts'

/** Digits of the whole numbers in an object or list that JavaScript rounds, by member. Copies by `...` keep it. */
const DIGITS = Symbol('digits')

interface WithDigits { [DIGITS]?: Record<string, string> }

/** Members of a body whose integers are forwarded. */
const SENT_ON = new Set(['seed', 'tools', 'functions', 'response_format', 'text', 'guided_json', 'chat_template_kwargs'])

/**
 * Keeps the digits of integers beyond 2^53 in the forwarded members of a body: its seed, its schemas and the inputs of earlier
 * tool calls. The numbers themselves stay as `JSON.parse` made them; `toExactJson` and `digitsOf` return the exact digits.
 * @param toText returns the JSON of the body; called only if there is such a number
 */
export function keepDigits (body: unknown, toText: () => string): void {
  if (!isObject(body)) return
  let members: string[] | undefined
  for (const name in body) {
    const isExact = name === 'messages' ? !holdsRoundedInput(body[name]) : !SENT_ON.has(name) || !holdsRounded(body[name])
    if (!isExact) (members ??= []).push(name)
  }
  if (members === undefined) return
  const exact = parse(toText(), undefined, { parseNumber: toExact, onDuplicateKey: ({ newValue }) => newValue }) as Record<string, unknown>
  mark(body, Object.fromEntries(members.map(name => [name, exact[name]])))
}

/** The exact integer of a member; undefined if JavaScript's number is the same, or is not an integer. */
export function digitsOf (value: object, member: string): bigint | undefined {
  const digits = (value as WithDigits)[DIGITS]?.[member]
  return digits === undefined ? undefined : BigInt(digits)
}

/** Copies the known digits of an object's members to another object with the same members. */
export function copyDigits (from: object, to: object): void {
  const digits = (from as WithDigits)[DIGITS]
  if (digits !== undefined) Object.assign(to, { [DIGITS]: digits })
}

/** JSON text of a value, with its integers as they were sent. */
export function toExactJson (value: unknown): string {
  return holdsDigits(value) ? stringify(withDigits(value)) as string : JSON.stringify(value)
}

function holdsRounded (value: unknown): boolean {
  if (typeof value === 'number') return isRounded(value)
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsRounded)
}

/** Whether an input of a `tool_use` block, as the Messages API has them, holds a number that JavaScript rounds. */
function holdsRoundedInput (messages: unknown): boolean {
  if (!Array.isArray(messages)) return false
  for (const message of messages) {
    const content: unknown = isObject(message) ? message['content'] : undefined
    if (!Array.isArray(content)) continue
    if (content.some(block => isObject(block) && block['type'] === 'tool_use' && holdsRounded(block['input']))) return true
  }
  return false
}

function isRounded (value: number): boolean {
  return Number.isInteger(value) && !Number.isSafeInteger(value)
}

function toExact (digits: string): unknown {
  const number = Number(digits)
  return isRounded(number) && /^-?\d+$/.test(digits) ? new LosslessNumber(digits) : number
}

/** Both are the same value, parsed in two ways. */
function mark (value: object, exact: object): void {
  for (const [name, member] of Object.entries(exact) as Array<[string, unknown]>) {
    if (isLosslessNumber(member)) Object.assign(value, { [DIGITS]: { ...(value as WithDigits)[DIGITS], [name]: member.toString() } })
    else if (typeof member === 'object' && member !== null) mark((value as Record<string, object>)[name] as object, member)
  }
}

function holdsDigits (value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return DIGITS in value || Object.values(value).some(holdsDigits)
}

function withDigits (value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const digits = (value as WithDigits)[DIGITS] ?? {}
  const toMember = (name: string, member: unknown) => typeof member === 'number' && Object.hasOwn(digits, name) ? new LosslessNumber(digits[name] as string) : withDigits(member)
  if (Array.isArray(value)) return value.map((item, index) => toMember(String(index), item))
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, toMember(name, member)]))
}
