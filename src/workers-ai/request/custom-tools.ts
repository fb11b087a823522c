import type { Change } from '../../generation/change.ts'
import type { Batch, Stage, ToolCallEvent } from '../../generation/event.ts'
import type { ChatCompletionRequest, CustomTool, FunctionTool, ToolChoice } from '../../surfaces/openai/chat-completions/request.ts'
import type { Effort } from '../../json/work-budget.ts'
import { parseModelJson } from '../../json/lenient-json.ts'

/** The only argument of a function that stands for a custom tool. */
const INPUT = 'input'

/** A chat request whose tools are functions. */
export type FunctionsRequest = Omit<ChatCompletionRequest, 'tools'> & { tools?: FunctionTool[] | null }

const NONE: ReadonlySet<string> = new Set()

/**
 * Makes functions of the custom tools of a chat, also where they are chosen: Workers AI has none.
 * @returns the request, and the names of the functions that stand for custom tools
 */
export function toFunctionsRequest (request: ChatCompletionRequest, changes: Change[]): { request: FunctionsRequest, customTools: ReadonlySet<string> } {
  const { tools, tool_choice: choice } = request
  const custom = (tools ?? []).filter(tool => tool.type === 'custom').map(tool => tool.custom.name)
  if (custom.length === 0) return { request: request as FunctionsRequest, customTools: NONE }
  const functions = (tools ?? []).map((tool, index) => tool.type === 'custom' ? ofCustom(tool, `tools[${index}]`, changes) : tool)
  return { request: { ...request, tools: functions, ...(choice != null && { tool_choice: toFunctionChoice(choice) }) }, customTools: new Set(custom) }
}

/** A tool whose input is free text. */
export interface TextTool {
  name: string
  description?: string | null | undefined
  /** What its input must match, in the words of a grammar. */
  grammar?: { syntax?: string | null | undefined, definition: string } | undefined
}

/** A function with one argument of text. A grammar is told in its description, and nobody holds the model to it. */
export function toTextFunction ({ name, description, grammar }: TextTool, path: string, changes: Change[]): FunctionTool {
  changes.push({ param: path, action: 'emulated', reason: 'Workers AI has no custom tools; this one is a function with one argument of text' })
  if (grammar !== undefined) changes.push({ param: `${path}.format`, action: 'emulated', reason: 'the grammar is told to the model in words, and not enforced' })
  const told = grammar === undefined ? [] : [`The input must match this ${grammar.syntax ?? ''} grammar:\n${grammar.definition}`]
  return {
    type: 'function',
    function: {
      name,
      description: [description ?? '', ...told].filter(text => text !== '').join('\n\n'),
      parameters: {
        type: 'object',
        properties: { [INPUT]: { type: 'string', description: 'The input of the tool, as it is.' } },
        required: [INPUT],
        additionalProperties: false
      }
    }
  }
}

/** The arguments of the function that stands for a custom tool. */
export function toTextArguments (input: string): string {
  return JSON.stringify({ [INPUT]: input })
}

/** The input of a custom tool's call; whatever is not the arguments of the function that stands for it is the input. */
export function toCustomInput (args: string, effort: Effort): string {
  const value = parseModelJson(args, effort)
  const input = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[INPUT] : undefined
  return typeof input === 'string' ? input : args
}

/** Holds the calls of custom tools until they are whole, and tells their input in place of arguments. */
export class CustomCalls implements Stage {
  #customTools: ReadonlySet<string>
  #effort: Effort
  #open: ToolCallEvent[] = []

  /** @param customTools names of the functions that stand for custom tools */
  constructor (customTools: ReadonlySet<string>, effort: Effort) {
    this.#customTools = customTools
    this.#effort = effort
  }

  push (batch: Batch): Batch {
    const out: Batch = []
    for (const event of batch) {
      if (event.type === 'tool_call') {
        const open = this.#open.find(({ index }) => index === event.index)
        if (open) open.arguments += event.arguments
        else if (event.name !== undefined && this.#customTools.has(event.name)) this.#open.push({ ...event, isCustom: true })
        else out.push(event)
        continue
      }
      if (event.type === 'finish') {
        for (const call of this.#open) out.push({ ...call, arguments: toCustomInput(call.arguments, this.#effort) })
        this.#open = []
      }
      out.push(event)
    }
    return out
  }
}

function ofCustom ({ custom: { name, description, format } }: CustomTool, path: string, changes: Change[]): FunctionTool {
  const { syntax, definition } = format?.grammar ?? format ?? {}
  const grammar = typeof definition === 'string' ? { syntax, definition } : undefined
  return toTextFunction({ name, description, grammar }, path, changes)
}

function toFunctionChoice (choice: NonNullable<ToolChoice>): NonNullable<ToolChoice> {
  if (typeof choice === 'string') return choice
  if ('allowed_tools' in choice) {
    const { allowed_tools: allowed } = choice
    return Array.isArray(allowed?.tools) ? { ...choice, allowed_tools: { ...allowed, tools: allowed.tools.map(toReference) } } : choice
  }
  return toReference(choice)
}

/** A custom tool that is chosen, as the function that stands for it. */
function toReference<T> (chosen: T | { type: 'custom', custom?: { name?: unknown } }): T {
  const { type, custom } = (chosen ?? {}) as { type?: unknown, custom?: { name?: unknown } | null }
  return type === 'custom' && custom != null ? { type: 'function', function: { name: custom.name } } as T : chosen as T
}
