import type { FunctionTool } from '../run-body.ts'
import { escapePattern, toWordsOf } from './text-values.ts'

/** What stands before a tool that somebody does not want to be used. */
const NEVER = /\b(?:not|never|without|don['’]?t)\s+(?:(?:use|using|call|calling|invoke|invoking|run)\s+)?(?:(?:the|any|a)\s+)?["'`]?$/i

/** An order to use tools that names none of them. */
const USE_THE_TOOL = /\b(?:use|call|invoke)\b[^.?!\n]{0,40}\b(?:tools?|functions?)\b/i

/** An order of a system message that holds for every answer: `You must ALWAYS call the add function.` */
const ALWAYS = /\balways (?:call|use|invoke) (?:the )?["'`]?([\w.-]*\w)["'`]?(?: (?:tool|function))?["'`]?(?=\s*(?:[.!\n]|$))/gi

/**
 * The tools that have to be called, in the order the question names them: by their names, or by the thing a name ends
 * with ("weather" is `get_weather`); the only tool there is when the question says to use it; and those the system
 * message always wants. Full names win over things.
 */
export function findNamedTools (tools: readonly FunctionTool[], question: string, system: string): FunctionTool[] {
  const byName = inOrder(tools, ({ name }) => indexOfWord(question, name))
  const named = byName.length > 0 ? byName : inOrder(tools, ({ name }) => indexOfThing(question, name))
  if (named.length === 0 && tools.length === 1 && indexOf(question, USE_THE_TOOL) !== undefined) return [...tools]
  const always = findAlways(tools, system)
  return [...named, ...always.filter(tool => !named.includes(tool))]
}

function findAlways (tools: readonly FunctionTool[], system: string): FunctionTool[] {
  const names = [...system.matchAll(ALWAYS)].map(([, name]) => name?.toLowerCase())
  const called = tools.filter(({ name }) => names.includes(name.toLowerCase()))
  // A single tool with a forced call is the one that is meant.
  return called.length === 0 && names.length > 0 && tools.length === 1 ? [...tools] : called
}

function inOrder (tools: readonly FunctionTool[], find: (tool: FunctionTool) => number | undefined): FunctionTool[] {
  const found = tools.flatMap(tool => {
    const index = find(tool)
    return index === undefined ? [] : [{ tool, index }]
  })
  return found.sort((one, other) => one.index - other.index).map(({ tool }) => tool)
}

function indexOfWord (text: string, word: string): number | undefined {
  return indexOf(text, new RegExp(`(?<![\\p{L}\\p{N}_])${escapePattern(word)}(?![\\p{L}\\p{N}_])`, 'iu'))
}

function indexOfThing (text: string, name: string): number | undefined {
  const thing = toWordsOf(name).at(-1) ?? ''
  return thing.length > 3 ? indexOfWord(text, thing) : undefined
}

/** Undefined also where the words before it forbid it. */
function indexOf (text: string, pattern: RegExp): number | undefined {
  const { index } = pattern.exec(text) ?? {}
  return index === undefined || NEVER.test(text.slice(Math.max(0, index - 60), index)) ? undefined : index
}
