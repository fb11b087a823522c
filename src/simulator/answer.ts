import type { Conversation } from './conversation.ts'
import type { Dialect, ThoughtTags } from './dialect.ts'
import { isJson } from './json.ts'
import { toSample } from './json-schema-sample.ts'
import { toLeak } from './leak.ts'
import type { FunctionTool } from './run-body.ts'
import type { Script, Stubbornness } from './script.ts'

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
  const calls = toCalls(conversation, script)
  const isWritten = conversation.callForm === 'text'
  const speech = calls.length === 0 ? toSpeech(conversation, script, dialect) : isWritten ? calls.map(toWrittenCall).join('\n') : ''
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

function toWrittenCall ({ name, arguments: args }: Call): string {
  return toLeak('tool_call', name, args)
}

/** Whether the model still does what it was told to do until it is asked again. */
function holds (stubbornness: Stubbornness | undefined, { isAskedAgain }: Conversation): boolean {
  return stubbornness === 'always' || (stubbornness === 'once' && !isAskedAgain)
}

function toCalls (conversation: Conversation, { calls, leaks, say, refusal }: Script): Call[] {
  const { tools, mustCall, parallelCalls, question, toolResults } = conversation
  if (leaks.length > 0 || holds(refusal, conversation)) return []
  const scripted = calls.flatMap(call => {
    const tool = findTool(tools, call.name)
    return tool ? [toCall(tool, call.arguments, question)] : []
  })
  if (scripted.length > 0) return parallelCalls ? scripted : scripted.slice(0, 1)

  const isFree = say === undefined && calls.length === 0 && toolResults.length === 0
  const meant = isFree ? tools.find(tool => isMeant(tool, question)) : undefined
  const forced = typeof mustCall === 'object' ? findTool(tools, mustCall.name) : mustCall && (meant ?? tools[0])
  const tool = forced ?? meant
  return tool ? [toCall(tool, undefined, question)] : []
}

function findTool (tools: FunctionTool[], name: string): FunctionTool | undefined {
  return tools.find(tool => tool.name === name)
}

function toCall ({ name, parameters = {} }: FunctionTool, given: string | undefined, question: string): Call {
  return { name, arguments: given ?? JSON.stringify(toSample({ type: 'object', ...parameters }, toNamesIn(question))) }
}

/** A question means a tool when it names it, or the thing its name ends with: "weather" means `get_weather`. */
function isMeant ({ name }: FunctionTool, question: string): boolean {
  const thing = name.split(/[_.-]|(?<=[a-z])(?=[A-Z])/).at(-1) ?? name
  return [name, ...(thing.length > 3 ? [thing] : [])].some(word => new RegExp(`\\b${escape(word)}\\b`, 'i').test(question))
}

function escape (text: string): string {
  return text.replace(/[^\w]/g, '\\$&')
}

/** The capitalised words inside sentences, such as places and people: what a model would take as arguments. */
function toNamesIn (question: string): string[] {
  return question.match(/(?<=[\p{L}\d_,] )\p{Lu}[\p{L}']+(?: \p{Lu}[\p{L}']+)*/gu) ?? []
}

function toSpeech (conversation: Conversation, script: Script, dialect: Dialect): string {
  const { json, question, tools } = conversation
  if (script.leaks.length > 0) {
    return script.leaks.map(({ name, arguments: given, form = dialect.leak }) =>
      toLeak(form, name, toCall(findTool(tools, name) ?? { name }, given, question).arguments)).join('\n')
  }
  if (holds(script.badJson, conversation)) return toBadJson(json)
  const words = script.say ?? (dialect.judges ? 'safe' : toWords(conversation, script))
  // in JSON mode a model cannot say anything else
  if (json === undefined || isJson(words)) return words
  if (json !== 'any') return JSON.stringify(toSample(json, toNamesIn(question)))
  return JSON.stringify(dialect.judges ? { safe: true, categories: [] } : { answer: words })
}

function toBadJson (json: Conversation['json']): string {
  const sample = typeof json === 'object' ? toSample(json) : undefined
  const required = typeof json === 'object' && Array.isArray(json.required) ? json.required : []
  if (typeof sample !== 'object' || sample === null || required.length === 0) return '[]'
  return JSON.stringify(Object.fromEntries(Object.entries(sample).filter(([name]) => !required.includes(name))))
}

function toWords (conversation: Conversation, { calls: [call], refusal }: Script): string {
  const { toolResults, question, seed } = conversation
  if (holds(refusal, conversation)) return 'I would rather talk than call anything.'
  if (toolResults.length > 0) return `The tool answered: ${toolResults.join(' ')}`
  return call ? `There is no tool called ${call.name}.` : toFriendlyWords(question, seed)
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
