/** A tool call that was found in text. */
export interface LeakedCall {
  name: string
  /** JSON text. */
  arguments: string
}

/** What a piece of text that begins like a call turned out to be. */
export type Verdict =
  /** More text is needed to tell. */
  | { is: 'open' }
  /** The first `length` characters are these calls. */
  | { is: 'calls', calls: LeakedCall[], length: number }
  /** No call begins here. */
  | { is: 'text' }

export interface CallGrammar {
  /** Names of the tools that were offered: nothing else can be a call. */
  tools: ReadonlySet<string>
  /** Reads JSON as models write it; undefined when it cannot be read. */
  parse: (text: string) => unknown
}

const OPEN: Verdict = { is: 'open' }
const TEXT: Verdict = { is: 'text' }

/** Words that open a call anywhere in the text. */
export const MARKERS = ['<tool_call>', '<function=', '<|python_tag|>', '```'] as const

/** First members an object may begin with and still be a call. */
const FIRST_KEYS = ['name', 'type', 'function', 'arguments', 'parameters', 'id', 'tool_calls']

/** Ways the end of a turn is written by chat templates that leaked it. */
const TURN_END = /^\s*<\|(eom_id|eot_id|im_end|call|end)\|>/

/**
 * Says whether text begins with a tool call in one of the forms models leak them in:
 * `<tool_call>{…}</tool_call>` (hermes, mistral and qwen templates), `<function=name>{…}</function>` and
 * `<|python_tag|>…` (llama), a fenced block, bare JSON with name and arguments or parameters (llama), a list of it, the
 * flat `{"name", …arguments}` of gpt-oss, and `[name(key=value)]` (llama 3.2 and later).
 *
 * @param text begins at one of MARKERS, `{` or `[`
 * @param isLast nothing will follow, so that a form without its closing word counts when it is otherwise whole
 */
export function toVerdict (text: string, grammar: CallGrammar, isLast: boolean): Verdict {
  const verdict = recognise(text, grammar, isLast)
  if (verdict.is === 'open' && isLast) return TEXT
  if (verdict.is !== 'calls') return verdict
  const end = TURN_END.exec(text.slice(verdict.length))
  return end ? { ...verdict, length: verdict.length + end[0].length } : verdict
}

function recognise (text: string, grammar: CallGrammar, isLast: boolean): Verdict {
  if (text.startsWith('<tool_call>')) return between(text, '<tool_call>', '</tool_call>', grammar, isLast)
  if (text.startsWith('<function=')) return functionTag(text, grammar, isLast)
  if (text.startsWith('<|python_tag|>')) return bareFrom(text, '<|python_tag|>'.length, grammar)
  if (text.startsWith('```')) return fenced(text, grammar, isLast)
  return bare(text, grammar)
}

function bareFrom (text: string, start: number, grammar: CallGrammar): Verdict {
  const space = text.slice(start).search(/\S/)
  if (space === -1) return OPEN
  const verdict = bare(text.slice(start + space), grammar)
  return verdict.is === 'calls' ? { ...verdict, length: verdict.length + start + space } : verdict
}

function bare (text: string, grammar: CallGrammar): Verdict {
  if (text.startsWith('{')) return json(text, grammar)
  if (text.startsWith('[')) {
    const inside = text.slice(1).trimStart()
    if (inside === '') return OPEN
    return inside.startsWith('{') ? json(text, grammar) : pythonic(text, grammar, true)
  }
  return pythonic(text, grammar, false)
}

function json (text: string, grammar: CallGrammar): Verdict {
  if (!mayBecomeCall(text.replace(/^\[\s*/, ''), grammar)) return TEXT
  const length = bracketsEnd(text)
  if (length === -1) return OPEN
  const calls = toCalls(grammar.parse(text.slice(0, length)), grammar)
  return calls ? { is: 'calls', calls, length } : TEXT
}

/** Gives text free as soon as its first member cannot be that of a call, or names a tool that was not offered. */
function mayBecomeCall (text: string, { tools }: CallGrammar): boolean {
  const key = /^\{\s*(?:"([^"\\]*)("?)(?:\s*:\s*(?:"([^"\\]*)("?))?)?)?/.exec(text)
  const [, name, closed, value, valueClosed] = key ?? []
  if (name === undefined) return /^\{\s*$/.test(text)
  if (!closed) return FIRST_KEYS.some(known => known.startsWith(name))
  if (!FIRST_KEYS.includes(name)) return false
  if (value === undefined) return true
  const words = name === 'name' ? [...tools] : name === 'type' ? ['function'] : name === 'function' ? [...tools] : undefined
  if (words === undefined) return true
  return valueClosed ? words.includes(value) : words.some(word => word.startsWith(value))
}

function between (text: string, open: string, close: string, grammar: CallGrammar, isLast: boolean): Verdict {
  const at = text.indexOf(close)
  if (at === -1 && !isLast) {
    const inside = text.slice(open.length).trimStart()
    return inside === '' || /^[{[<'\w]/.test(inside) ? OPEN : TEXT
  }
  const inside = at === -1 ? text.slice(open.length) : text.slice(open.length, at)
  const length = at === -1 ? text.length : at + close.length
  const nested = inside.trimStart().startsWith('<function=') ? functionTag(inside.trimStart(), grammar, true) : undefined
  const calls = nested?.is === 'calls' ? nested.calls : toCalls(grammar.parse(inside.trim()), grammar) ?? keyedArguments(inside, grammar)
  return calls ? { is: 'calls', calls, length } : TEXT
}

/** `name`, then `<arg_key>` and `<arg_value>` pairs: the template of the GLM models. */
function keyedArguments (inside: string, { tools, parse }: CallGrammar): LeakedCall[] | undefined {
  const name = /^\s*([\w-]+)/.exec(inside)?.[1]
  if (name === undefined || !tools.has(name)) return undefined
  const pairs = [...inside.matchAll(/<arg_key>([^<]*)<\/arg_key>\s*<arg_value>([\s\S]*?)<\/arg_value>/g)]
  return [{ name, arguments: JSON.stringify(Object.fromEntries(pairs.map(([, key = '', value = '']) => [key.trim(), scalar(value, parse)]))) }]
}

function functionTag (text: string, { tools, parse }: CallGrammar, isLast: boolean): Verdict {
  const head = /^<function=([\w-]*)(>?)/.exec(text)
  const name = head?.[1] ?? ''
  if (!head?.[2]) return head?.[0].length === text.length && [...tools].some(tool => tool.startsWith(name)) ? OPEN : TEXT
  if (!tools.has(name)) return TEXT
  const close = text.indexOf('</function>')
  if (close === -1 && !isLast) return OPEN
  const inside = text.slice(head[0].length, close === -1 ? undefined : close).trim()
  const parameters = [...inside.matchAll(/<parameter=([\w-]+)>\n?([\s\S]*?)\n?<\/parameter>/g)]
  const args = inside === '' || parameters.length > 0
    ? Object.fromEntries(parameters.map(([, key = '', value = '']) => [key, scalar(value, parse)]))
    : parse(inside)
  if (!isObject(args)) return TEXT
  return { is: 'calls', calls: [{ name, arguments: JSON.stringify(args) }], length: close === -1 ? text.length : close + '</function>'.length }
}

function fenced (text: string, grammar: CallGrammar, isLast: boolean): Verdict {
  const head = /^```(?:json|tool_call|tool_code|tool|python|xml)?[ \t]*\r?\n\s*/.exec(text)
  if (!head) return /^```[a-z_]*[ \t]*\r?$/.test(text) ? OPEN : TEXT
  const inner = text.slice(head[0].length)
  if (inner === '') return OPEN
  const marker = MARKERS.find(word => word !== '```' && (inner.startsWith(word) || word.startsWith(inner)))
  if (!marker && !/^[{[]/.test(inner)) return TEXT
  if (marker && inner.length < marker.length) return OPEN
  const verdict = recognise(inner, grammar, isLast)
  if (verdict.is !== 'calls') return verdict
  const rest = inner.slice(verdict.length)
  const close = /^\s*```/.exec(rest)
  if (!close && !isLast) return /^\s*`{0,2}$/.test(rest) ? OPEN : TEXT
  return { ...verdict, length: head[0].length + verdict.length + (close?.[0].length ?? 0) }
}

/** `[name(key=value, …), …]`, or one such call without the list. */
function pythonic (text: string, grammar: CallGrammar, isList: boolean): Verdict {
  const { tools } = grammar
  const calls: LeakedCall[] = []
  let at = isList ? 1 : 0
  while (true) {
    const head = /^[\s,]*([\w.-]*)(\()?/.exec(text.slice(at))
    const name = (head?.[1] ?? '').replace(/\.call$/, '')
    if (!head?.[2]) {
      const isWhole = (head?.[0].length ?? 0) + at === text.length
      return isWhole && [...tools].some(tool => `${tool}.call`.startsWith(head?.[1] ?? '')) ? OPEN : TEXT
    }
    if (!tools.has(name)) return TEXT
    const open = at + head[0].length - 1
    const length = bracketsEnd(text.slice(open))
    if (length === -1) return OPEN
    const args = keywordArguments(text.slice(open + 1, open + length - 1), grammar)
    if (!args) return TEXT
    calls.push({ name, arguments: JSON.stringify(args) })
    at = open + length
    if (!isList) return { is: 'calls', calls, length: at }
    const next = /^\s*([,\]])?/.exec(text.slice(at))
    if (next?.[1] === ']') return { is: 'calls', calls, length: at + next[0].length }
    if (!next?.[1]) return at + (next?.[0].length ?? 0) === text.length ? OPEN : TEXT
  }
}

function keywordArguments (text: string, { parse }: CallGrammar): Record<string, unknown> | undefined {
  const args: Record<string, unknown> = {}
  let rest = text.trim()
  while (rest !== '') {
    const key = /^([A-Za-z_]\w*)\s*=\s*/.exec(rest)
    if (!key?.[1]) return undefined
    const end = commaAt(rest, key[0].length)
    args[key[1]] = pythonValue(rest.slice(key[0].length, end).trim(), parse)
    rest = rest.slice(end + 1).trim()
  }
  return args
}

function pythonValue (text: string, parse: CallGrammar['parse']): unknown {
  switch (text) {
    case 'True': return true
    case 'False': return false
    case 'None': return null
    default: return scalar(text, parse)
  }
}

/** A value that is JSON is read as such; anything else is text. */
function scalar (text: string, parse: CallGrammar['parse']): unknown {
  if (!/^\s*(["'{[]|-?\d+(\.\d+)?\s*$|(true|false|null)\s*$)/.test(text)) return text
  return parse(text.trim()) ?? text
}

/** The calls a JSON value stands for; undefined when anything in it is no call of an offered tool. */
function toCalls (value: unknown, grammar: CallGrammar): LeakedCall[] | undefined {
  if (Array.isArray(value)) {
    const calls = value.map(one => toCalls(one, grammar))
    return calls.length > 0 && calls.every(one => one !== undefined) ? calls.flat() : undefined
  }
  if (!isObject(value)) return undefined
  if (Array.isArray(value['tool_calls'])) return toCalls(value['tool_calls'], grammar)
  if (isObject(value['function'])) return toCalls(value['function'], grammar)
  const name = value['name'] ?? value['function']
  if (typeof name !== 'string' || !grammar.tools.has(name)) return undefined
  const { name: _name, function: _function, type: _type, id: _id, arguments: args, parameters, ...flat } = value
  const given = args ?? parameters
  if (typeof given === 'string') return [{ name, arguments: given }]
  return [{ name, arguments: JSON.stringify(isObject(given) ? given : flat) }]
}

/** Length of the brackets text begins with, quotes respected; -1 when they are not closed yet. */
function bracketsEnd (text: string): number {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (char === '"') {
      at = quoteEnd(text, at)
      if (at === -1) return -1
    } else if (char === '{' || char === '[' || char === '(') {
      depth++
    } else if (char === '}' || char === ']' || char === ')') {
      depth--
      if (depth === 0) return at + 1
    }
  }
  return -1
}

function quoteEnd (text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '"') return at
  }
  return -1
}

/** Where the value that begins at `start` ends: the next comma outside quotes and brackets. */
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

function isObject (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
