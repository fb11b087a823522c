import type { ThoughtTags } from '../native/dialect.ts'
import { toLeadingObject } from './json.ts'
import { LEAK_FORMS, type LeakForm } from '../native/leak.ts'

/** A function call written in a message: `arguments` is the JSON as it stands there, absent when none was given. */
interface ScriptedCall {
  name: string
  arguments?: string
}

/** A call that slips into the text; in the model's own form when none is given. */
interface ScriptedLeak extends ScriptedCall {
  form?: LeakForm
}

/** Whether something is done only until the client asks once more. */
export type Stubbornness = 'once' | 'always'

/** What goes wrong with a stream once `after` whole frames were sent. The first frame counts, though it has no text. */
export interface StreamFault {
  kind: 'stall' | 'break' | 'end' | 'error' | 'bad'
  after: number
}

/** A failure instead of an answer. */
interface ScriptedFailure {
  /** Cloudflare's code, or an HTTP status below 1000 for a page of the edge. */
  code: number
  /** Under HTTP 200, where only `success: false` shows it. */
  in200: boolean
  /** Fails as often as this, then not once, and so on; absent for always. */
  times?: number
}

/** What a message orders the simulator to do; empty for a message without such words. */
export interface Script {
  calls: ScriptedCall[]
  leaks: ScriptedLeak[]
  /** Calls nothing, whatever was chosen. */
  refusal?: Stubbornness
  say?: string
  /** Says JSON that fits no schema. */
  badJson?: Stubbornness
  think?: string
  /** How the thoughts stand in the text, on any model. */
  thinkAs?: ThoughtTags
  failure?: ScriptedFailure
  fault?: StreamFault
  busy?: true
  stall?: true
  slowly?: true
  emptyStream?: true
  jsonToStream?: true
  /** Calls tools by decorated names. */
  decoratesNames?: true
  /** Writes marks of a chat template into arguments. */
  marksArguments?: true
  /** Writes the arguments of a call without the call. */
  leavesOutCall?: true
  /** Takes `input` only. */
  refusesMessages?: true
}

interface Phrase {
  /** As it is written, capitals standing for what varies. */
  words: string
  effect: string
  pattern: RegExp
  /** What the phrase orders, and what of the message is left after it. */
  read: (match: RegExpExecArray, rest: string) => [order: Partial<Script>, rest: string]
}

/**
 * The words the simulator obeys when the last user message (or the prompt, or the first text to embed), its last text part
 * or its last line begins with them, or the header `x-simulator`, which then counts instead. Several may follow each
 * other, joined by a comma, `and` or `then`; capitals do not matter, and `please` may come first.
 */
export const SCRIPTS: readonly Phrase[] = [
  {
    words: 'repeat N tokens, say N words',
    effect: 'answers exactly N tokens, or fewer where the limit is lower',
    pattern: /^(?:repeat|say) (\d{1,6}) (?:tokens?|words?)\b/i,
    read: ([, count], rest) => [{ say: toWords(Number(count)) }, rest]
  },
  {
    words: 'say X',
    effect: 'answers X, which is all the rest of the message; in JSON mode only if X is JSON',
    pattern: /^say\s([\s\S]+)$/i,
    read: ([, text = ''], rest) => [{ say: text }, rest]
  },
  {
    words: 'think X then say Y, think X as tags then say Y',
    effect:
      'thinks X, where the model tells its thoughts, if it has any, and answers Y; `as tags` or `as open-tags` in the text of any model',
    pattern: /^think\s([\s\S]+?)(?:\sas (tags|open-tags))?\sthen say\s([\s\S]+)$/i,
    read: ([, think = '', form, say = ''], rest) => [
      { think, say, ...(form !== undefined && { thinkAs: form.toLowerCase() as ThoughtTags }) },
      rest
    ]
  },
  {
    words: 'answer bad json',
    effect: 'answers an object without its required members, or a list where any object would do',
    pattern: /^answer bad json\b(?! then good json\b)/i,
    read: (_, rest) => [{ badJson: 'always' }, rest]
  },
  {
    words: 'answer bad json then good json',
    effect: 'the same, until the client complains of it',
    pattern: /^answer bad json then good json\b/i,
    read: (_, rest) => [{ badJson: 'once' }, rest]
  },
  {
    words: 'call tool NAME with JSON',
    effect: 'calls the tool, if it is offered; without `with JSON` the arguments follow its schema; again after `and` for parallel calls',
    pattern: /^call tool ([\w.-]*\w)( with (?={))?/i,
    read: ([, name = '', given], rest) => {
      const [call, left] = toCall(name, given, rest)
      return [{ calls: [call] }, left]
    }
  },
  {
    words: 'leak tool NAME with JSON, leak tool NAME with JSON as FORM',
    effect: `answers the call as text, in the form the model is known to let slip, or in one of these: ${LEAK_FORMS.join(', ')}`,
    pattern: /^leak tool ([\w.-]*\w)( with (?={))?/i,
    read: ([, name = '', given], rest) => {
      const [call, left] = toCall(name, given, rest)
      const [words, form] = FORM.exec(left) ?? ['']
      return [{ leaks: [{ ...call, ...(form !== undefined && { form: form.toLowerCase() as LeakForm }) }] }, left.slice(words.length)]
    }
  },
  {
    words: 'refuse to call',
    effect: 'calls no tool, although one may be forced, until the client asks once more',
    pattern: /^refuse to call\b/i,
    read: (_, rest) => [{ refusal: 'once' }, rest]
  },
  {
    words: 'never call',
    effect: 'calls no tool, whatever the client says',
    pattern: /^never call\b/i,
    read: (_, rest) => [{ refusal: 'always' }, rest]
  },
  {
    words: 'decorate names',
    effect:
      'calls tools by their names with a namespace, a number or a mark of the chat template around them: functions.NAME:0, NAME<|channel|>commentary',
    pattern: /^decorate names\b/i,
    read: (_, rest) => [{ decoratesNames: true }, rest]
  },
  {
    words: 'mark arguments',
    effect: 'puts marks of a chat template, <|"|>, around the texts in the arguments of calls',
    pattern: /^mark arguments\b/i,
    read: (_, rest) => [{ marksArguments: true }, rest]
  },
  {
    words: 'leave out the call',
    effect: 'answers the arguments of a call as text, without the call',
    pattern: /^leave out the call\b/i,
    read: (_, rest) => [{ leavesOutCall: true }, rest]
  },
  {
    words: 'refuse messages',
    effect: 'refuses `messages` with 8001, as some accounts see on gpt-oss; `input` and `prompt` are taken',
    pattern: /^refuse messages\b/i,
    read: (_, rest) => [{ refusesMessages: true }, rest]
  },
  {
    words: 'fail with code N, fail with code N as 200, fail K times with code N then say X',
    effect:
      "answers Cloudflare's error N, with its usual status or under HTTP 200, or the edge's page for an HTTP status N; with a count, the first K requests with this very message fail, the next is served, and so on",
    pattern: /^fail (?:(\d{1,3}) times? )?with (?:code )?([3-5]\d\d|\d{4,5})( as 200)?\b/i,
    read: ([, times, code, in200], rest) => [
      { failure: { code: Number(code), in200: in200 !== undefined, ...(times && { times: Number(times) }) } },
      rest
    ]
  },
  toFaultPhrase('stall', 'stall', 'the stream falls silent and stays open'),
  toFaultPhrase('break', 'break', 'the connection breaks inside the stream'),
  toFaultPhrase('end', 'end', 'the stream ends cleanly, without [DONE]'),
  toFaultPhrase('error', 'error frame', 'an error object (3040) is the last frame, without [DONE]'),
  toFaultPhrase('bad', 'bad frame', 'half a JSON object takes the place of the next frame, and the stream goes on to its end'),
  {
    words: 'be busy',
    effect: 'refuses a run with `options.rejectIfBusy` as `fail with code 3040` does, and lets any other wait for a second',
    pattern: /^be busy\b/i,
    read: (_, rest) => [{ busy: true }, rest]
  },
  {
    words: 'stall',
    effect: 'nothing is answered, not even headers, until the client leaves',
    pattern: /^stall(?=\s*$|\s*[,.;]|\s+(?:and|then)\b)/i,
    read: (_, rest) => [{ stall: true }, rest]
  },
  {
    words: 'empty stream',
    effect: 'bills the answer and streams no word of it; a plain answer is whole',
    pattern: /^empty stream\b/i,
    read: (_, rest) => [{ emptyStream: true }, rest]
  },
  {
    words: 'answer json to stream',
    effect: 'answers JSON although a stream was asked for',
    pattern: /^answer json to stream\b/i,
    read: (_, rest) => [{ jsonToStream: true }, rest]
  },
  {
    words: 'slowly',
    effect: '20 tokens a second',
    pattern: /^slowly\b/i,
    read: (_, rest) => [{ slowly: true }, rest]
  }
]

function toFaultPhrase (kind: StreamFault['kind'], verb: string, effect: string): Phrase {
  return {
    words: `${verb} after K frames`,
    effect,
    pattern: new RegExp(`^${verb} after (\\d{1,6}) frames?\\b`, 'i'),
    read: ([, after], rest) => [{ fault: { kind, after: Number(after) } }, rest]
  }
}

const FORM = new RegExp(`^ as (${LEAK_FORMS.join('|')})\\b`, 'i')

const JOINT = /^[\s,.;]*(?:(?:and|then|please)\b\s*)*/i

/**
 * The part of a message in which the simulator's words are looked for: the message, else its last text part, else its last
 * line, whichever begins with such words, for agents write around what a person types. Tags around it do not count.
 * @returns the message where none does
 */
export function findOrder (message: string, lastPart = message): string {
  const candidates = [message, withoutTags(message), withoutTags(lastPart), lastLineOf(lastPart)]
  return candidates.find(text => readPhrase(text.replace(JOINT, '')) !== undefined) ?? message
}

const OPENING_TAGS = /^\s*(?:<[\w-]{1,60}>\s*)+/
const CLOSING_TAG = /<\/[\w-]{1,60}>$/

function withoutTags (text: string): string {
  let rest = text.replace(OPENING_TAGS, '').trimEnd()
  while (CLOSING_TAG.test(rest.slice(-80))) rest = rest.slice(0, rest.lastIndexOf('<')).trimEnd()
  return rest
}

function lastLineOf (text: string): string {
  const rest = withoutTags(text)
  return withoutTags(rest.slice(rest.lastIndexOf('\n') + 1))
}

/** Reads the words a message begins with, one phrase after the other, until something else comes. */
export function toScript (message: string): Script {
  let script: Script = { calls: [], leaks: [] }
  let rest = message
  for (;;) {
    rest = rest.replace(JOINT, '')
    const read = readPhrase(rest)
    if (!read) return script
    const [order, left] = read
    script = { ...script, ...order, calls: [...script.calls, ...order.calls ?? []], leaks: [...script.leaks, ...order.leaks ?? []] }
    rest = left
  }
}

/** What is left of a text after the words at its beginning that the simulator knows. */
export function unreadWords (message: string): string {
  let rest = message
  for (;;) {
    rest = rest.replace(JOINT, '')
    const read = readPhrase(rest)
    if (!read) return rest
    rest = read[1]
  }
}

function readPhrase (text: string): [Partial<Script>, string] | undefined {
  for (const { pattern, read } of SCRIPTS) {
    const match = pattern.exec(text)
    if (match) return read(match, text.slice(match[0].length))
  }
  return undefined
}

function toCall (name: string, given: string | undefined, rest: string): [ScriptedCall, string] {
  if (given === undefined) return [{ name }, rest]
  const json = toLeadingObject(rest)
  return [{ name, arguments: json }, rest.slice(json.length)]
}

const WORDS = ['alpha', 'bravo', 'cedar', 'delta', 'ember', 'frost', 'grove', 'haven', 'ivory', 'jewel']

/** As many words as asked for, each of them one token; in a circle, so that a lost one shows. */
function toWords (count: number): string {
  return Array.from({ length: count }, (_, index) => WORDS[index % WORDS.length]).join(' ')
}
