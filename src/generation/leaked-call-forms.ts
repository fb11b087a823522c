import { BracketScanner } from './bracket-scanner.ts'
import { WordScanner } from './word-scanner.ts'

/** A tool call that was found in text. */
export interface LeakedCall {
  name: string
  /** JSON text. */
  arguments: string
}

export interface CallGrammar {
  /** JSON Schema of the parameters of each tool that was offered, by name: nothing else can be a call. */
  tools: ReadonlyMap<string, Record<string, unknown>>
  /** Reads JSON as models write it; undefined when it cannot be read. */
  parse: (text: string) => unknown
}

/** What a piece of text that begins like a call is: a call, no call, or not told yet. */
export type Opening = CallBody | 'text' | 'open'

/** What follows the opening of a call. */
export interface CallBody {
  /** Where it begins: what comes before only says that a call follows. */
  start: number
  /** Whether the call stands in a code fence, which is closed behind it. */
  isFenced: boolean
  /** Looks for the body's end, piece by piece: its length, or undefined when more has to be read. */
  scanner: { read: (piece: string) => number | undefined }
  /** The calls of the whole body; undefined when it is none after all. */
  toCalls: (body: string) => LeakedCall[] | undefined
}

/** Words that open a call anywhere in the text. */
export const MARKERS = ['<tool_call>', '<function=', '<|python_tag|>', '```'] as const

/** Words that close a call, and the turn after it, where chat templates leak them. */
export const CLOSERS = ['</tool_call>', '</function>', '<|eom_id|>', '<|eot_id|>', '<|im_end|>', '<|call|>', '<|end|>'] as const

/** Languages of code fences that calls were seen in, longer words first. */
const LANGUAGES = ['tool_call', 'tool_code', 'tool', 'json', 'python', 'xml']

/** Characters of a body that are read at most; no tool takes more. */
const MAX_BODY = 4 * 1024 * 1024

/**
 * Says whether text begins with a tool call in one of the forms models leak them in:
 * `<tool_call>{…}</tool_call>` (hermes, mistral and qwen templates), `<tool_call>name<arg_key>…` (GLM),
 * `<function=name>{…}</function>` and `<|python_tag|>…` (llama), `<function=name><parameter=key>…` (qwen coder), a
 * fenced block, bare JSON with name and arguments or parameters (llama), a list of it, the flat `{"name", …arguments}`
 * of gpt-oss, and `[name(key=value)]` (llama 3.2 and later).
 *
 * @param text begins at one of MARKERS, `{` or `[`; its first few hundred characters tell
 */
export function toOpening (text: string, grammar: CallGrammar): Opening {
  if (!text.startsWith('```')) return unfenced(text, grammar)
  const inside = text.slice('```'.length)
  if (isBeginning(inside, LANGUAGES)) return 'open'
  const language = LANGUAGES.find(word => inside.startsWith(word)) ?? ''
  const opening = behind('```' + language, text, rest => unfenced(rest, grammar))
  return typeof opening === 'string' ? opening : { ...opening, isFenced: true }
}

function unfenced (text: string, grammar: CallGrammar): Opening {
  if (text.startsWith('{') || text.startsWith('[')) return bare(text, grammar)
  if (text.startsWith('<tool_call>')) return behind('<tool_call>', text, rest => tagged(rest, grammar))
  if (text.startsWith('<function=')) return functionTag(text, grammar)
  if (text.startsWith('<|python_tag|>')) {
    return behind('<|python_tag|>', text, rest => /^[{[]/.test(rest) ? bare(rest, grammar) : pythonic('', rest, grammar))
  }
  return isBeginning(text, MARKERS) ? 'open' : 'text'
}

/** The opening that comes behind a word and white space. */
function behind (word: string, text: string, read: (rest: string) => Opening): Opening {
  const rest = text.slice(word.length).trimStart()
  if (rest === '') return 'open'
  const opening = read(rest)
  return typeof opening === 'string' ? opening : { ...opening, start: opening.start + text.length - rest.length }
}

function bare (text: string, grammar: CallGrammar): Opening {
  const inside = text.slice(1).trimStart()
  if (text.startsWith('[') && !inside.startsWith('{')) return inside === '' ? 'open' : pythonic('[', inside, grammar)
  const tokens = text.match(/"[^"]*"?|'[^']*'?|[{}[\]:,]|[^\s{}[\]:,"']+/g) ?? []
  const is = object(tokens.slice(text.startsWith('[') ? 2 : 1), grammar)
  if (is !== 'call') return is
  return toBody(new BracketScanner(MAX_BODY), body => isWhole(body) ? toCalls(grammar.parse(body), grammar) : undefined)
}

/** Gives an object free as soon as its first members cannot be those of a call, or name a tool that was not offered. */
function object ([key, colon, value, next, ...rest]: string[], grammar: CallGrammar): 'call' | 'text' | 'open' {
  switch (word(key, ['name', 'type', 'function', 'arguments', 'parameters', 'id', 'tool_calls'])) {
    case 'open': return 'open'
    case 'text': return 'text'
  }
  if (colon === undefined) return 'open'
  …
}
