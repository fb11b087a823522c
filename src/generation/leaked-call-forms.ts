import { BracketScanner } from './bracket-scanner.ts'
import { ARG_TAGS, jsonCalls, objectCall, PARAMETER_TAGS, pythonCalls, taggedCall, type CallGrammar, type LeakedCall } from './leaked-call-bodies.ts'
import { WordScanner } from './word-scanner.ts'

/** What a text begins with: a call, whose body is still to be read; no call; or more text is needed to tell. */
export type Opening = CallBody | 'text' | 'open'

/** What follows the words that open a call. */
export interface CallBody {
  /** Where it begins in the text. */
  start: number
  /** Whether the call stands in a code fence, which is closed behind it. */
  isFenced: boolean
  /** Looks for the end of the body, piece by piece: its length, or undefined when more has to be read. */
  scanner: { read: (piece: string) => number | undefined }
  /** The calls of a whole body; undefined when it holds anything else. */
  toCalls: (body: string) => LeakedCall[] | undefined
}

/** Words that open a call anywhere in the text. */
export const MARKERS = ['<tool_call>', '<function=', '<|python_tag|>', '[TOOL_CALLS]', '```'] as const

/** Words that close a call, and the turn after it, where chat templates leak them. */
export const CLOSERS = ['</tool_call>', '</function>', '<|eom_id|>', '<|eot_id|>', '<|im_end|>', '<|call|>', '<|end|>', '</s>'] as const

/** Languages of code fences that calls were seen in, the longer of two that begin alike first. */
const LANGUAGES = ['tool_call', 'tool_code', 'tool', 'json', 'python', 'xml']

/** Members an object may begin with and still be a call. */
const FIRST_KEYS = ['name', 'type', 'function', 'arguments', 'parameters', 'id', 'tool_calls']

/**
 * Says whether text begins with a tool call in one of the forms models leak them in:
 * `<tool_call>{…}</tool_call>` (hermes, mistral and qwen templates), `<tool_call>name<arg_key>…` (GLM),
 * `<function=name>{…}</function>` and `<|python_tag|>…` (llama), `<function=name><parameter=key>…` (qwen coder),
 * `[TOOL_CALLS] [{…}]` and `[TOOL_CALLS]name[ARGS]{…}` (mistral, older and newer), a fenced block, bare JSON with name
 * and arguments or parameters (llama), a list of it, the flat `{"name", …arguments}` of gpt-oss, and `[name(key=value)]`
 * (llama 3.2 and later).
 *
 * @param text begins at one of MARKERS, `{` or `[`
 */
export function toOpening (text: string, grammar: CallGrammar): Opening {
  if (!text.startsWith('```')) return unfenced(text, grammar)
  const inside = text.slice('```'.length)
  if (isBeginning(inside, LANGUAGES)) return 'open'
  const language = LANGUAGES.find(word => inside.startsWith(word)) ?? ''
  const opening = behind('```' + language, text, rest => rest.startsWith('`') ? 'text' : unfenced(rest, grammar))
  return typeof opening === 'string' ? opening : { ...opening, isFenced: true }
}

function unfenced (text: string, grammar: CallGrammar): Opening {
  if (text.startsWith('[TOOL_CALLS]')) return behind('[TOOL_CALLS]', text, rest => /^[{[]/.test(rest) ? bare(rest, grammar) : named(rest, grammar))
  if ('[TOOL_CALLS]'.startsWith(text)) return 'open'
  if (/^[{[]/.test(text)) return bare(text, grammar)
  if (text.startsWith('<tool_call>')) return behind('<tool_call>', text, rest => tagged(rest, grammar))
  if (text.startsWith('<function=')) return functionTag(text, grammar)
  if (text.startsWith('<|python_tag|>')) return behind('<|python_tag|>', text, rest => /^[{[]/.test(rest) ? bare(rest, grammar) : pythonic(rest, grammar))
  return isBeginning(text, MARKERS) ? 'open' : 'text'
}

/** The opening that comes behind a word and white space. */
function behind (word: string, text: string, read: (rest: string) => Opening): Opening {
  const rest = text.slice(word.length).trimStart()
  if (rest === '') return 'open'
  const opening = read(rest)
  return typeof opening === 'string' ? opening : { ...opening, start: opening.start + text.length - rest.length }
}

/** JSON, or Python's calls in a list. */
function bare (text: string, grammar: CallGrammar): Opening {
  const inside = text.startsWith('[') ? text.slice(1).trimStart() : text
  if (inside === '') return 'open'
  if (!inside.startsWith('{')) return pythonic(inside, grammar)
  const tokens = inside.match(/"[^"]*"?|'[^']*'?|[{}[\]:,]|[^\s{}[\]:,"']+/g) ?? []
  const is = object(tokens.slice(1), grammar)
  return is === 'call' ? toBody(new BracketScanner(), body => jsonCalls(body, grammar)) : is
}

/**
 * Gives an object free as soon as its first members cannot be those of a call, or name a tool that was not offered.
 * @param tokens what follows its brace; the last one may be cut
 */
function object (tokens: string[], grammar: CallGrammar): 'call' | 'text' | 'open' {
  const [key, colon, value] = tokens
  const isKey = oneOf(FIRST_KEYS, key)
  if (isKey !== 'call') return isKey
  if (colon !== undefined && colon !== ':') return 'text'
  if (value === undefined) return 'open'
  const rest = tokens.slice(3)
  switch (key?.slice(1, -1)) {
    case 'name': return oneOf(grammar.tools.keys(), value)
    case 'function': return value === '{' ? object(rest, grammar) : oneOf(grammar.tools.keys(), value)
    case 'tool_calls': return value === '[' ? objectBehind('{', rest, grammar) : 'text'
    case 'id': return isString(value) ? objectBehind(',', rest, grammar) : 'text'
    case 'type': {
      const isType = oneOf(['function'], value)
      return isType === 'call' ? objectBehind(',', rest, grammar) : isType
    }
    default: return value === '{' || isString(value) ? 'call' : 'text'
  }
}

function objectBehind (mark: string, [first, ...rest]: string[], grammar: CallGrammar): 'call' | 'text' | 'open' {
  if (first === undefined) return 'open'
  return first === mark ? object(rest, grammar) : 'text'
}

/** Whether a token is one of the words as a string, cannot become one, or may still. */
function oneOf (words: Iterable<string>, token: string | undefined): 'call' | 'text' | 'open' {
  if (token === undefined) return 'open'
  if (!isString(token)) return 'text'
  if (token.length === 1 || token.at(-1) !== token[0]) return isBeginning(token.slice(1), words) ? 'open' : 'text'
  return [...words].includes(token.slice(1, -1)) ? 'call' : 'text'
}

/** What stands between `<tool_call>` tags: JSON, a `<function=…>`, or a name with `<arg_key>` and `<arg_value>` pairs. */
function tagged (text: string, grammar: CallGrammar): Opening {
  if (/^[{[]/.test(text)) return bare(text, grammar)
  if (text.startsWith('<function=')) return functionTag(text, grammar)
  if (isBeginning(text, ['<function=', ...grammar.tools.keys()])) return 'open'
  const name = /^[\w-]*/.exec(text)?.[0] ?? ''
  if (!grammar.tools.has(name)) return 'text'
  return behind(name, text, rest => rest.startsWith('<')
    ? toBody(new WordScanner('</tool_call>'), body => taggedCall(name, body, ARG_TAGS, grammar))
    : 'text')
}

/** A name with a JSON object; newer templates of mistral write an id and a word between. */
function named (text: string, grammar: CallGrammar): Opening {
  if (isBeginning(text, grammar.tools.keys())) return 'open'
  const name = /^[\w-]*/.exec(text)?.[0] ?? ''
  return grammar.tools.has(name) ? behind(name, text, rest => argumentsOf(name, rest, grammar)) : 'text'
}

function argumentsOf (name: string, text: string, grammar: CallGrammar): Opening {
  if (text.startsWith('{')) return toBody(new BracketScanner(), body => objectCall(name, body, grammar))
  const [word] = /^\[CALL_ID\]\w*|^\[ARGS\]/.exec(text) ?? []
  if (word !== undefined) return behind(word, text, rest => argumentsOf(name, rest, grammar))
  return isBeginning(text, ['[CALL_ID]', '[ARGS]']) ? 'open' : 'text'
}

function functionTag (text: string, grammar: CallGrammar): Opening {
  const [head, name = '', close] = /^<function=([\w-]*)(>?)/.exec(text) ?? ['']
  if (close === '') return head === text && isBeginning(name, grammar.tools.keys()) ? 'open' : 'text'
  if (!grammar.tools.has(name)) return 'text'
  return behind(head, text, rest => {
    if (rest.startsWith('{')) return toBody(new BracketScanner(), body => objectCall(name, body, grammar))
    return rest.startsWith('<') ? toBody(new WordScanner('</function>'), body => taggedCall(name, body, PARAMETER_TAGS, grammar)) : 'text'
  })
}

function pythonic (text: string, grammar: CallGrammar): Opening {
  const [head, name = '', method = '.call', bracket] = /^([\w-]*)(\.\w*)?(\(?)/.exec(text) ?? ['']
  if (bracket === '') return head === text && isBeginning(text, [...grammar.tools.keys()].map(tool => `${tool}.call`)) ? 'open' : 'text'
  return grammar.tools.has(name) && method === '.call' ? toBody(new BracketScanner(), body => pythonCalls(body, grammar)) : 'text'
}

function toBody (scanner: CallBody['scanner'], toCalls: CallBody['toCalls']): CallBody {
  return { start: 0, isFenced: false, scanner, toCalls }
}

function isBeginning (text: string, words: Iterable<string>): boolean {
  return [...words].some(word => word.startsWith(text))
}

function isString (token: string): boolean {
  return token.startsWith('"') || token.startsWith("'")
}
