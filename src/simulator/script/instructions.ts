import { isObject } from '../validation/fault.ts'
import { findObjects, isObjectSchema, toValue } from './json.ts'
import type { JsonSchema } from '../answers/json-schema.ts'
import { toText, type FunctionTool, type RunMessage } from '../run-body.ts'

/** Features that a system message describes, because the model has no field for them. */
export interface Instructions {
  /** The described functions, one JSON object per line, to be called between `<tool_call>` tags. */
  tools: FunctionTool[]
  /** The name of the function that must be called, or `required` for any. */
  mustCall: { name: string } | 'required' | undefined
  /** The schema that the answer must match; `any` for any object. */
  json: JsonSchema | 'any' | undefined
}

/** Reads the instructions as a model that follows them would. */
export function readInstructions (messages: readonly RunMessage[]): Instructions {
  const text = toSystemText(messages)
  return {
    tools: text.includes('<tool_call>') ? text.split('\n').map(toValue).filter(isDescription) : [],
    mustCall: toMustCall(text),
    json: toJson(text)
  }
}

/** The text of all system messages. */
export function toSystemText (messages: readonly RunMessage[]): string {
  return messages.filter(({ role }) => role === 'system' || role === 'developer').map(({ content }) => toText(content)).join('\n')
}

function isDescription (value: unknown): value is FunctionTool {
  return isObject(value) && typeof value['name'] === 'string' && isObject(value['parameters'])
}

function toMustCall (text: string): Instructions['mustCall'] {
  const [, name] = /\bYou must call (?:the function ([\w.-]*\w)|one of the functions)/.exec(text) ?? []
  if (name !== undefined) return { name }
  return text.includes('You must call one of the functions') ? 'required' : undefined
}

function toJson (text: string): Instructions['json'] {
  const [asked, line = ''] = /\bone JSON object\b.*(?:\n(\{.*))?/.exec(text) ?? []
  if (asked === undefined) return undefined
  const schema = toValue(line)
  return isObject(schema) ? schema : 'any'
}

/** The largest distance between a schema and the words that ask for an answer by it, in characters. */
const NEAR = 300

/**
 * The schema of the answer that a text asks for. Clients without a field for it write it into a message.
 * The input schema of a described tool does not count.
 */
export function findSchema (text: string): JsonSchema | undefined {
  for (const { value, start, end } of findObjects(text)) {
    const before = text.slice(Math.max(0, start - NEAR), start)
    const around = before + text.slice(end, end + NEAR)
    if (isObjectSchema(value) && /\bjson\b/i.test(around) && /\b(?:answer|respon[ds]|reply|output|conform|match)/i.test(around) && !/\binput schema\b/i.test(before)) return value
  }
  return undefined
}

/** Sentences with which a client asks for a correction: a missing call, JSON that fits, text about a result. */
const FOLLOW_UP = /^(?:You must call (?:the function|one of the functions)|That does not fit: |Now answer with this result\.)/

/** The messages without the client's request for a correction at their end, and without the answer that it corrects. */
export function withoutFollowUp (messages: readonly RunMessage[]): RunMessage[] {
  const last = messages.at(-1)
  if (last?.role !== 'user' || !FOLLOW_UP.test(toText(last.content))) return [...messages]
  return messages.slice(0, messages.at(-2)?.role === 'assistant' ? -2 : -1)
}

/** Converts a result between `<tool_response>` tags to the message of a tool. */
export function withToolRole (message: RunMessage): RunMessage {
  const [, result] = message.role === 'user' ? /^<tool_response>\n([^]*)\n<\/tool_response>$/.exec(toText(message.content)) ?? [] : []
  return result === undefined ? message : { role: 'tool', content: result }
}
