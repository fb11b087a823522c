import { BracketScanner } from '../../json/bracket-scanner.ts'
import { ARG_TAGS, jsonCalls, objectCall, PARAMETER_TAGS, pythonCalls, quotedCall, taggedCall, toInvokeTags, type CallGrammar, type LeakedCall } from './bodies.ts'
import { QuoteScanner } from '../../json/quote-scanner.ts'
import { WordScanner } from './word-scanner.ts'

/** The beginning of a text: a call, whose body is still to be read; no call; or more text is needed to decide. */
export type Opening = CallBody | 'text' | 'open'

/** The text after the words that open a call. */
export interface CallBody {
  /** Its position in the text. */
  start: number
  /** Whether the call is inside a code fence, which is closed after it. */
  isFenced: boolean
  /** Searches the end of the body, piece by piece. Returns its length, or undefined if more has to be read. */
  scanner: { read: (piece: string) => number | undefined }
  /** The calls of a complete body; undefined if it contains anything else. */
  toCalls: (body: string) => LeakedCall[] | undefined
}

/** How one line of models writes a call, by its chat template. */
export interface CallForm {
  /** Words that open a call anywhere in the text. None of all forms begins like another. */
  opens: readonly string[]
  /** Words that may follow a call, and are removed with it. */
  closes: readonly string[]
  /** Reads what follows an opening word and white space. */
  read: (rest: string, grammar: CallGrammar) => Opening
}

/**
 * Every form with its own opening words. Sources: the models' chat templates, and texts observed in place of calls.
 * A new form is a row here and a fixture.
 */
export const FORMS: readonly CallForm[] = [
  // `<tool_call>{…}</tool_call>` of hermes, mistral and qwen, `<tool_call>name<arg_key>…` of GLM
  { opens: ['<tool_call>'], closes: ['</tool_call>'], read: tagged },
  // `<function=name>{…}</function>` of llama, `<function=name><parameter=key>…` of qwen coder and nemotron
  { opens: ['<function='], closes: ['</function>'], read: functionTag },
  // `<|python_tag|>…` of llama 3, `<|python_start|>[…]` of llama 4
  { opens: ['<|python_tag|>', '<|python_start|>'], closes: ['<|eom_id|>', '<|eot_id|>', '<|python_end|>'], read: listed },
  // `<|tool_call|>[{…}]` of granite 3 and phi 4, `<TOOLCALL>[{…}]` of nemotron, `<tool_calls>[{…}]` of jamba,
  // `<|tool_call_start|>[name(…)]` of LFM 2
  {
    opens: ['<|tool_call|>', '<TOOLCALL>', '<tool_calls>', '<|tool_call_start|>'],
    closes: ['<|/tool_call|>', '</TOOLCALL>', '</tool_calls>', '<|tool_call_end|>'],
    read: listed
  },
  // `[TOOL_CALLS] [{…}]` and `[TOOL_CALLS]name[ARGS]{…}` of mistral, older and newer
  { opens: ['[TOOL_CALLS]'], closes: ['</s>'], read: mistral },
  // `<|tool_calls_section_begin|><|tool_call_begin|>functions.name:0<|tool_call_argument_begin|>{…}` of kimi
  {
    opens: ['<|tool_calls_section_begin|>', '<|tool_call_section_begin|>', '<|tool_call_begin|>'],
    closes: ['<|tool_call_end|>', '<|tool_calls_section_end|>', '<|tool_call_section_end|>'],
    read: (rest, grammar) => past(['<|tool_call_begin|>', 'functions.'], rest, text => named(text, grammar, KIMI_BETWEEN))
  },
  // `<|tool_call>call:name{key:<|"|>text<|"|>}<tool_call|>` of gemma 4, the same with `<escape>` of functiongemma
  {
    opens: ['<|tool_call>'],
    closes: ['<tool_call|>', '<|tool_response>', '<turn|>'],
    read: (rest, grammar) => colonCall(rest, '<|"|>', grammar)
  },
  {
    opens: ['<start_function_call>'],
    closes: ['<end_function_call>', '<start_function_response>'],
    read: (rest, grammar) => colonCall(rest, '<escape>', grammar)
  },
  // `<|start|>assistant<|channel|>commentary to=functions.name <|constrain|>json<|message|>{…}<|call|>`: harmony, of gpt-oss
  {
    opens: ['<|start|>', '<|channel|>'],
    closes: ['<|call|>', '<|end|>', '<|return|>'],
    read: (rest, grammar) =>
      past(['assistant', '<|channel|>', 'commentary', 'analysis', 'to=', 'functions.'], rest, text =>
        named(text, grammar, HARMONY_BETWEEN)
      )
  },
  // `<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>name<｜tool▁sep｜>{…}` of deepseek 3.1, with `function` and a fence of 3 and r1
  {
    opens: ['<｜tool▁calls▁begin｜>', '<｜tool▁call▁begin｜>'],
    closes: ['<｜tool▁call▁end｜>', '<｜tool▁calls▁end｜>', '<｜end▁of▁sentence｜>'],
    read: (rest, grammar) =>
      past(['<｜tool▁call▁begin｜>', 'function<｜tool▁sep｜>'], rest, text => named(text, grammar, DEEPSEEK_BETWEEN))
  },
  // `<｜DSML｜invoke name="…"><｜DSML｜parameter name="…" string="true">…` of deepseek 3.2 and 4
  toInvokeForm('｜DSML｜', ['｜DSML｜tool_calls', '｜DSML｜function_calls']),
  toInvokeForm('｜｜DSML｜｜', ['｜｜DSML｜｜tool_calls', '｜｜DSML｜｜function_calls']),
  // the same without a prefix, of minimax and of models trained on Claude's output
  toInvokeForm('', ['minimax:tool_call', 'function_calls'])
]

/** Words that open a call anywhere in the text. */
export const MARKERS: readonly string[] = [...FORMS.flatMap(({ opens }) => opens), '```']

/** Words that close a call, and the turn after it, where chat templates leak them. */
export const CLOSERS: readonly string[] = [...FORMS.flatMap(({ closes }) => closes), '<|im_end|>', '<|observation|>']

/** Languages of code fences with observed calls; of two with a common beginning the longer comes first. */
const LANGUAGES = ['tool_call', 'tool_code', 'tool', 'json', 'python', 'xml']

/** First members of an object that may be a call. */
const FIRST_KEYS = ['name', 'type', 'function', 'arguments', 'parameters', 'id', 'tool_calls']

/**
 * Whether a text begins with a leaked tool call in one of these forms: those of FORMS, a fenced block, bare
 * JSON with name and arguments or parameters (llama), a list of it, the flat `{"name", …arguments}` of gpt-oss, and
 * `[name(key=value)]` (llama 3.2 and later).
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
  for (const { opens, read } of FORMS) {
    const word = opens.find(one => text.startsWith(one))
    if (word !== undefined) return behind(word, text, rest => read(rest, grammar))
  }
  if (isBeginning(text, MARKERS)) return 'open'
  return /^[{[]/.test(text) ? bare(text, grammar) : 'text'
}

/** The opening that follows a word and white space. */
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
 * Rejects an object as soon as its first members cannot be those of a call, or name a tool that was not offered.
 * @param tokens the tokens after its brace; the last one may be incomplete
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

/** JSON, or Python's calls in a list or alone. */
function listed (text: string, grammar: CallGrammar): Opening {
  return /^[{[]/.test(text) ? bare(text, grammar) : pythonic(text, grammar)
}

/** The content of `<tool_call>` tags: JSON, a `<function=…>`, or a name with `<arg_key>` and `<arg_value>` pairs. */
function tagged (text: string, grammar: CallGrammar): Opening {
  if (/^[{[]/.test(text)) return bare(text, grammar)
  return past(['<function='], text, rest => rest === text
    ? behindName(text, grammar, (name, body) => body.startsWith('<')
      ? toBody(new WordScanner('</tool_call>'), body => taggedCall(name, body, ARG_TAGS, grammar))
      : 'text')
    : functionTag(rest, grammar))
}

/** A list of objects, or a name with one; newer templates write an id and a word between. */
function mistral (text: string, grammar: CallGrammar): Opening {
  return /^[{[]/.test(text) ? bare(text, grammar) : named(text, grammar, MISTRAL_BETWEEN)
}

/** Texts of a template between a name and its arguments, and their beginnings. */
interface Between {
  words: RegExp
  beginnings: readonly string[]
}

const MISTRAL_BETWEEN: Between = { words: /^\[CALL_ID\]\w*|^\[ARGS\]/, beginnings: ['[CALL_ID]', '[ARGS]'] }
const KIMI_BETWEEN: Between = { words: /^:\d+|^<\|tool_call_argument_begin\|>/, beginnings: [':', '<|tool_call_argument_begin|>'] }
const DEEPSEEK_BETWEEN: Between = { words: /^<｜tool▁sep｜>|^```|^json/, beginnings: ['<｜tool▁sep｜>', '```', 'json'] }
const HARMONY_BETWEEN: Between = {
  words: /^<\|channel\|>(?:commentary|analysis)|^<\|constrain\|>|^<\|message\|>|^json|^code/,
  beginnings: ['<|channel|>commentary', '<|channel|>analysis', '<|constrain|>', '<|message|>', 'json', 'code']
}

/** A name with a JSON object. */
function named (text: string, grammar: CallGrammar, between: Between): Opening {
  return behindName(text, grammar, (name, rest) => argumentsOf(name, rest, grammar, between))
}

function argumentsOf (name: string, text: string, grammar: CallGrammar, between: Between): Opening {
  if (text.startsWith('{')) return toBody(new BracketScanner(), body => objectCall(name, body, grammar))
  const [word] = between.words.exec(text) ?? []
  if (word === undefined) return isBeginning(text, between.beginnings) ? 'open' : 'text'
  const opening = behind(word, text, rest => argumentsOf(name, rest, grammar, between))
  return typeof opening !== 'string' && word.startsWith('```') ? { ...opening, isFenced: true } : opening
}

/** The text after `<function=`: a name, and either a JSON object or parameters between tags. */
function functionTag (text: string, grammar: CallGrammar): Opening {
  const [head, name = '', close] = /^([\w.-]*)(>?)/.exec(text) ?? ['']
  if (close === '') return head === text && isBeginning(name, grammar.tools.keys()) ? 'open' : 'text'
  if (!grammar.tools.has(name)) return 'text'
  return behind(head, text, rest => {
    if (rest.startsWith('{')) return toBody(new BracketScanner(), body => objectCall(name, body, grammar))
    return rest.startsWith('<') ? toBody(new WordScanner('</function>'), body => taggedCall(name, body, PARAMETER_TAGS, grammar)) : 'text'
  })
}

/** `call:name{…}` with bare keys, and texts between quotes of the template. */
function colonCall (text: string, quote: string, grammar: CallGrammar): Opening {
  return past(['call:'], text, rest => behindName(rest, grammar, (name, body) => body.startsWith('{')
    ? toBody(new QuoteScanner(quote), given => quotedCall(name, given, quote, grammar))
    : 'text'))
}

/**
 * Calls as elements: `<invoke name="…">` with parameters, or with a JSON object.
 * @param mark prefix of the elements' names
 * @param wrappers elements around all calls
 */
function toInvokeForm (mark: string, wrappers: readonly string[]): CallForm {
  const open = `<${mark}invoke name="`
  const close = `</${mark}invoke>`
  const tags = toInvokeTags(mark)
  return {
    opens: [open, ...wrappers.map(name => `<${name}>`)],
    closes: [close, ...wrappers.map(name => `</${name}>`)],
    read: (rest, grammar) => past([open], rest, text => behindName(text, grammar, (name, more) => past(['">'], more, body => {
      if (body === more) return 'text'
      if (body.startsWith('{')) return toBody(new BracketScanner(), json => objectCall(name, json, grammar))
      return body.startsWith('<') ? toBody(new WordScanner(close), given => taggedCall(name, given, tags, grammar)) : 'text'
    })))
  }
}

/** The text after the name of an offered tool. */
function behindName (text: string, grammar: CallGrammar, read: (name: string, rest: string) => Opening): Opening {
  if (isBeginning(text, grammar.tools.keys())) return 'open'
  const name = /^[\w.-]*/.exec(text)?.[0] ?? ''
  return grammar.tools.has(name) ? behind(name, text, rest => read(name, rest)) : 'text'
}

/** The text after any of the words, repeated or not. */
function past (words: readonly string[], text: string, read: (rest: string) => Opening): Opening {
  const word = words.find(one => text.startsWith(one))
  if (word !== undefined) return behind(word, text, rest => past(words, rest, read))
  return isBeginning(text, words) ? 'open' : read(text)
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
