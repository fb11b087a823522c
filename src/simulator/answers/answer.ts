import type { Conversation } from './conversation.ts'
import type { Dialect, ThoughtTags } from '../native/dialect.ts'
import { isJson } from '../script/json.ts'
import { toSample, type Purpose } from './json-schema-sample.ts'
import { toLeak } from '../native/leak.ts'
import { findNamedTools } from './named-tools.ts'
import type { FunctionTool } from '../run-body.ts'
import type { Script, Stubbornness } from '../script/script.ts'
import { toTextValues, type TextValues } from './text-values.ts'

/** What the model says, before any limit cuts it. */
export interface Answer {
  reasoning: string
  text: string
  calls: Call[]
}

interface Call {
  name: string
  /** JSON text, or what a script put in its place. */
  arguments: string
}

/** The answer to a conversation: the same for the same words, and other words for another seed. */
export function toAnswer (conversation: Conversation, script: Script, dialect: Dialect): Answer {
  const values = toValues(conversation)
  const calls = toCalls(conversation, script, values).map(call => toSloppyCall(call, script, dialect))
  const isWritten = conversation.callForm === 'text' || script.leavesOutCall === true
  const toWritten = script.leavesOutCall === true ? ({ arguments: args }: Call) => args : toWrittenCall
  const speech = calls.length === 0 ? toSpeech(conversation, script, dialect, values) : isWritten ? calls.map(toWritten).join('\n') : ''
  return withThoughts({
    reasoning: conversation.thinks || script.thinkAs ? script.think ?? `The user wrote “${excerpt(conversation.question)}”, so a short and friendly answer will do.` : '',
    text: cutAtStop(speech, conversation.stop),
    calls: isWritten ? [] : calls
  }, script.thinkAs ?? dialect.reasoning)
}

/** The answer with its thoughts in the text, where that is their place. */
function withThoughts (answer: Answer, place: Dialect['reasoning'] | ThoughtTags): Answer {
  const { reasoning, text } = answer
  if (reasoning === '' || (place !== 'tags' && place !== 'open-tags')) return answer
  return { ...answer, reasoning: '', text: `${place === 'tags' ? '<think>\n' : ''}${reasoning}\n</think>\n\n${text}` }
}

/** A call with the faults a script orders. */
function toSloppyCall ({ name, arguments: args }: Call, { decoratesNames, marksArguments }: Script, dialect: Dialect): Call {
  return {
    name: decoratesNames ? dialect.decorate(name) : name,
    arguments: marksArguments ? args.replace(/(?<=: ?)"((?:[^"\\]|\\.)*)"/g, '"<|\\"|>$1<|\\"|>"') : args
  }
}

function toWrittenCall ({ name, arguments: args }: Call): string {
  return toLeak('tool_call', name, args)
}

/** Whether the model still follows an order that ends when the client asks again. */
function holds (stubbornness: Stubbornness | undefined, { isAskedAgain }: Conversation): boolean {
  return stubbornness === 'always' || (stubbornness === 'once' && !isAskedAgain)
}

function toCalls (conversation: Conversation, { calls, leaks, say, refusal }: Script, values: TextValues): Call[] {
  const { tools, mustCall, parallelCalls, toolResults } = conversation
  if (leaks.length > 0 || holds(refusal, conversation)) return []
  // The client has made as many of the calls as it sends results.
  const scripted = calls.slice(toolResults.length).flatMap(call => {
    const tool = findTool(tools, call.name)
    return tool ? [toCall(tool, 'arguments', values, call.arguments)] : []
  })
  if (scripted.length > 0) return parallelCalls ? scripted : scripted.slice(0, 1)

  if (typeof mustCall === 'object') {
    const forced = findTool(tools, mustCall.name)
    // who forces one certain call wants its arguments for an answer
    if (forced) return [toCall(forced, 'answer', values)]
  }
  const wanted = say === undefined && calls.length === 0 ? toWantedCalls(conversation, values) : []
  const [first] = tools
  const meant = wanted.length === 0 && mustCall && first ? [toCall(first, tools.length === 1 ? 'answer' : 'arguments', values)] : wanted
  return parallelCalls ? meant : meant.slice(0, 1)
}

/**
 * The calls that the question means and that were not made yet. One whose arguments are not in what was said so far waits for the
 * results of the others.
 */
function toWantedCalls ({ tools, question, system, toolResults, called }: Conversation, values: TextValues): Call[] {
  const named = findNamedTools(tools, question, system)
  if (toolResults.length >= named.length) return []
  const open = named.filter(({ name }) => !called.includes(name))
  const samples = open.map(tool => ({ tool, ...toArguments(tool, 'arguments', values) }))
  const ready = samples.filter(({ isFromText }) => isFromText)
  return (ready.length > 0 ? ready : samples).map(({ tool, value }) => ({ name: tool.name, arguments: JSON.stringify(value) }))
}

function findTool (tools: FunctionTool[], name: string): FunctionTool | undefined {
  return tools.find(tool => tool.name === name)
}

function toCall (tool: FunctionTool, purpose: Purpose, values: TextValues, given?: string): Call {
  return { name: tool.name, arguments: given ?? JSON.stringify(toArguments(tool, purpose, values).value) }
}

function toArguments ({ parameters = {} }: FunctionTool, purpose: Purpose, values: TextValues): ReturnType<typeof toSample> {
  return toSample({ type: 'object', ...parameters }, purpose, values)
}

/** What the question and then the results of tools have for arguments and answers. */
function toValues ({ question, toolResults, tools }: Conversation): TextValues {
  return toTextValues([question, ...toolResults].join('\n'), tools.map(({ name }) => name))
}

function toSpeech (conversation: Conversation, script: Script, dialect: Dialect, values: TextValues): string {
  const { json, tools } = conversation
  if (script.leaks.length > 0) {
    return script.leaks.map(({ name, arguments: given, form = dialect.leak }) =>
      toLeak(form, name, toCall(findTool(tools, name) ?? { name }, 'arguments', values, given).arguments)).join('\n')
  }
  if (holds(script.badJson, conversation)) return toBadJson(json)
  const words = script.say ?? (dialect.judges ? 'safe' : toWords(conversation, script))
  // in JSON mode a model cannot say anything else
  if (json === undefined || isJson(words)) return words
  if (json !== 'any') return JSON.stringify(toSample(json, 'answer', values).value)
  return JSON.stringify(dialect.judges ? { safe: true, categories: [] } : { answer: words })
}

function toBadJson (json: Conversation['json']): string {
  const sample = typeof json === 'object' ? toSample(json, 'arguments').value : undefined
  const required = typeof json === 'object' && Array.isArray(json.required) ? json.required : []
  if (typeof sample !== 'object' || sample === null || required.length === 0) return '[]'
  return JSON.stringify(Object.fromEntries(Object.entries(sample).filter(([name]) => !required.includes(name))))
}

function toWords (conversation: Conversation, { calls: [call], refusal }: Script): string {
  const { toolResults, question, seed, pictures } = conversation
  if (holds(refusal, conversation)) return 'I would rather talk than call anything.'
  if (toolResults.length > 0) return `The tool answered: ${toolResults.join(' ')}`
  if (call) return `There is no tool called ${call.name}.`
  return pictures.length > 0 ? toGuess(pictures) : toFriendlyWords(question, seed)
}

function toGuess (pictures: string[]): string {
  return `I got ${pictures.join(', and ')}. The simulator of Workers AI sees nothing, so it can only guess what is shown: a cat, as in most pictures.`
}

const WORDINGS: ReadonlyArray<(question: string) => string> = [
  question => `Hello! You wrote “${question}”. I am only the simulator of Workers AI, so no model thought about it and nothing was billed. ` +
    'This answer still came the way a real one comes, token by token. Ask me to “repeat 100 tokens”, for example, and I will.',
  question => `Hi there! “${question}” is what reached me. No model is behind this answer, only the simulator of Workers AI, which works offline and is free. ` +
    'It says the same thing every time you ask the same thing. Begin a message with “say” and I say the rest.',
  question => `Good day! I read “${question}”. A model would have something clever to say now; the simulator of Workers AI can only be polite. ` +
    'Everything around these words is as it would be with a model. Try “stall after 5 frames” to see what your program does.'
]

function toFriendlyWords (question: string, seed: number): string {
  const wording = WORDINGS[Math.abs(Math.trunc(seed)) % WORDINGS.length] ?? WORDINGS[0]
  return wording?.(excerpt(question)) ?? ''
}

function excerpt (text: string): string {
  const letters = [...text.trim().replace(/\s+/g, ' ')]
  return letters.length > 60 ? `${letters.slice(0, 60).join('')}…` : letters.join('')
}

function cutAtStop (text: string, stops: string[]): string {
  const ends = stops.filter(Boolean).map(stop => text.indexOf(stop)).filter(index => index >= 0)
  return text.slice(0, Math.min(text.length, ...ends))
}
