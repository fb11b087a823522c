import { BracketScanner } from '../../json/bracket-scanner.ts'
import { isObject } from '../../json/is-object.ts'

/** A tool call that was found in text. */
export interface LeakedCall {
  name: string
  /** JSON text. */
  arguments: string
}

export interface CallGrammar {
  /** JSON Schema of the parameters of each tool that was offered, by name: nothing else can be a call. */
  tools: ReadonlyMap<string, Record<string, unknown>>
  /** Parses JSON as models write it; undefined if it cannot be read. A number that JavaScript would write differently becomes an object. */
  parse: (text: string) => unknown
  /** Serializes the result of `parse`, every number with its digits. */
  write: (value: unknown) => string
}

/** The syntax of a call's values between tags. */
export interface ValueTags {
  /**
   * Matches the text before a value. Its first group is the key; its second may be `true` if the value is a string.
   */
  head: RegExp
  close: string
}

/** GLM's templates. */
export const ARG_TAGS: ValueTags = { head: /^\s*<arg_key>([^<]*)<\/arg_key>\s*<arg_value>/, close: '</arg_value>' }

/** Qwen coder's template. */
export const PARAMETER_TAGS: ValueTags = { head: /^\s*<parameter=([^>]*)>\n?/, close: '</parameter>' }

/** Deepseek's and minimax's elements, whose names have a prefix. */
export function toInvokeTags (mark: string): ValueTags {
  return { head: new RegExp(`^\\s*<${mark}parameter name="([^"]*)"(?: string="(true|false)")?>`), close: `</${mark}parameter>` }
}

/** The calls in JSON; undefined if anything in it is not a call of an offered tool. */
export function jsonCalls (body: string, grammar: CallGrammar): LeakedCall[] | undefined {
  return toCalls(readJson(body, grammar), grammar)
}

/** The call of a tool with a JSON object as arguments. */
export function objectCall (name: string, body: string, grammar: CallGrammar): LeakedCall[] | undefined {
  const args = readJson(body, grammar)
  return isObject(args) ? toCall(name, args, grammar) : undefined
}

/** The call of a tool with an object without quotes around keys, and with quote tokens of a chat template around texts. */
export function quotedCall (name: string, body: string, quote: string, grammar: CallGrammar): LeakedCall[] | undefined {
  const pieces = body.split(quote)
  // Every second piece is a text. With an even number of pieces the last text is not closed.
  if (pieces.length % 2 === 0) return undefined
  return objectCall(name, pieces.map((piece, index) => index % 2 === 0 ? piece : JSON.stringify(piece)).join(''), grammar)
}

/** The call of a tool with arguments between tags; undefined when anything else is between them. */
export function taggedCall (name: string, body: string, { head, close }: ValueTags, grammar: CallGrammar): LeakedCall[] | undefined {
  const properties = grammar.tools.get(name)?.['properties']
  const values: Array<[string, unknown]> = []
  let rest = body.trim()
  while (rest !== '') {
    const [before, written = '', isText] = head.exec(rest) ?? []
    const end = before === undefined ? -1 : rest.indexOf(close, before.length)
    if (before === undefined || end === -1) return undefined
    const key = written.trim()
    const schema = isObject(properties) && Object.hasOwn(properties, key) ? properties[key] : undefined
    const value = rest.slice(before.length, end)
    values.push([key, isText === 'true' ? value : taggedValue(value, isText === 'false' ? undefined : schema, grammar)])
    rest = rest.slice(end + close.length)
  }
  return toCall(name, Object.fromEntries(values), grammar)
}

/** The calls `name(key=value, …)`, also as the method `name.call`, one or a list of them. */
export function pythonCalls (body: string, grammar: CallGrammar): LeakedCall[] | undefined {
  const isList = body.startsWith('[')
  if (!body.endsWith(isList ? ']' : ')')) return undefined
  const calls: LeakedCall[] = []
  let rest = isList ? body.slice(1, -1).trim() : body
  while (rest !== '') {
    const [head = '', name = ''] = /^([\w-]+)(?:\.call)?(?=\()/.exec(rest) ?? []
    const length = grammar.tools.has(name) ? new BracketScanner().read(rest.slice(head.length)) : undefined
    const args = length === undefined ? undefined : keywordArguments(rest.slice(head.length + 1, head.length + length - 1), grammar)
    if (length === undefined || args === undefined) return undefined
    calls.push(...toCall(name, args, grammar))
    rest = rest.slice(head.length + length).replace(/^[\s,]+/, '')
  }
  return calls.length > 0 ? calls : undefined
}

/** The last bracket may be missing if a closing tag follows. A body that breaks off elsewhere is not a call. */
function readJson (body: string, { parse }: CallGrammar): unknown {
  return /[}\]]$/.test(body.trimEnd()) ? parse(body) : undefined
}

function toCalls (value: unknown, grammar: CallGrammar): LeakedCall[] | undefined {
  if (Array.isArray(value)) {
    const calls = value.map(one => isObject(one) ? toCalls(one, grammar) : undefined)
    return calls.length > 0 && calls.every(one => one !== undefined) ? calls.flat() : undefined
  }
  if (!isObject(value)) return undefined
  if (Array.isArray(value['tool_calls'])) return toCalls(value['tool_calls'], grammar)
  if (isObject(value['function'])) return toCalls(value['function'], grammar)
  const { name = value['function'], function: _function, type: _type, id: _id, arguments: args, parameters, ...flat } = value
  const schema = typeof name === 'string' ? grammar.tools.get(name) : undefined
  if (typeof name !== 'string' || schema === undefined) return undefined
  const given = args ?? parameters
  if (typeof given === 'string') return [{ name, arguments: given.trim() === '' ? '{}' : given }]
  if (isObject(given)) return isDefinition(given) ? undefined : toCall(name, given, grammar)
  return isFlatCall(flat, schema) ? toCall(name, flat, grammar) : undefined
}

function toCall (name: string, args: Record<string, unknown>, { write }: CallGrammar): LeakedCall[] {
  return [{ name, arguments: write(args) }]
}

/** A model that lists its tools writes their schemas where a call has its arguments. */
function isDefinition ({ type, properties }: Record<string, unknown>): boolean {
  return type === 'object' && isObject(properties)
}

/** Whether members beside the name can be arguments: other data has names, too. */
function isFlatCall (members: Record<string, unknown>, { properties }: Record<string, unknown>): boolean {
  const keys = Object.keys(members)
  return keys.length === 0 || !isObject(properties) || keys.some(key => Object.hasOwn(properties, key))
}

/** Text between tags has no quotes, so only the schema distinguishes the text `5` from the number. */
function taggedValue (written: string, schema: unknown, { parse }: CallGrammar): unknown {
  const text = written.replace(/\n$/, '')
  const types = isObject(schema) ? [schema['type']].flat() : []
  if (types.includes('string')) return text
  const value = parse(text.trim())
  if (typeof value !== 'object' || value === null) return String(value) === text.trim() ? value : text
  // 1.10 and an id of twenty digits are numbers where the schema says so, and may be texts anywhere else.
  return /^[[{]/.test(text.trim()) || types.includes('number') || types.includes('integer') ? value : text
}

function keywordArguments (text: string, grammar: CallGrammar): Record<string, unknown> | undefined {
  const values: Array<[string, unknown]> = []
  let rest = text.trim()
  while (rest !== '') {
    const [head, key] = /^([A-Za-z_]\w*)\s*=\s*/.exec(rest) ?? []
    if (head === undefined || key === undefined) return undefined
    const end = commaAt(rest, head.length)
    values.push([key, pythonValue(rest.slice(head.length, end).trim(), grammar)])
    rest = rest.slice(end + 1).trim()
  }
  return Object.fromEntries(values)
}

/** A literal; anything else is text, because models forget quotes. */
function pythonValue (text: string, { parse }: CallGrammar): unknown {
  switch (text) {
    case 'True': return true
    case 'False': return false
    case 'None': return null
  }
  const value = parse(text)
  return value === undefined ? text : value
}

/** The end of the value at `start`: the next comma outside quotes and brackets. */
function commaAt (text: string, start: number): number {
  let depth = 0
  let quote = ''
  for (let at = start; at < text.length; at++) {
    const char = text[at] as string
    if (quote !== '') {
      if (char === '\\') at++
      else if (char === quote) quote = ''
    } else if (char === '"' || char === "'") {
      quote = char
    } else if ('{[('.includes(char)) {
      depth++
    } else if ('}])'.includes(char)) {
      depth--
    } else if (char === ',' && depth === 0) {
      return at
    }
  }
  return text.length
}
