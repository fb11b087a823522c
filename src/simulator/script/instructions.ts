import { isObject } from '../validation/fault.ts'
import { findObjects, isObjectSchema, toValue } from './json.ts'
import type { JsonSchema } from '../answers/json-schema.ts'
import { toText, type FunctionTool, type RunMessage } from '../run-body.ts'

/** What a system message asks for in words, because the model has no field for it. */
export interface Instructions {
  /** The functions that are described, one JSON object a line, to be called between `<tool_call>` tags. */
  tools: FunctionTool[]
  /** The name of the function that must be called, or `required` for any. */
  mustCall: { name: string } | 'required' | undefined
  /** The schema that the answer must match, `any` for whatever is an object. */
  json: JsonSchema | 'any' | undefined
}

/** Reads the words as any model that follows instructions would. */
export function readInstructions (messages: readonly RunMessage[]): Instructions {
  const text = toSystemText(messages)
  return {
    tools: text.includes('<tool_call>') ? text.split('\n').map(toValue).filter(isDescription) : [],
    mustCall: toMustCall(text),
    json: toJson(text)
  }
}

/** What all system messages say. */
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

/** How far from a schema the words stand that ask for an answer by it, in characters. */
const NEAR = 300

/**
 * The schema of the answer that a text asks for in any words: clients without a field for it write it into a message.
 * The input of a tool that is described there is none.
 */
export function findSchema (text: string): JsonSchema | undefined {
  for (const { value, start, end } of findObjects(text)) {
    const before = text.slice(Math.max(0, start - NEAR), start)
    const around = before + text.slice(end, end + NEAR)
    if (isObjectSchema(value) && /\bjson\b/i.test(around) && /\b(?:answer|respon[ds]|reply|output|conform|match)/i.test(around) && !/\binput schema\b/i.test(before)) return value
  }
  return undefined
}

/** What a client says to get another answer: the call that was missing, JSON that fits, words about a result. */
const FOLLOW_UP = /^(?:You must call (?:the function|one of the functions)|That does not fit: |Now answer with this result\.)/

/** The messages without the client's complaint about an answer at their end, and without that answer. */
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
