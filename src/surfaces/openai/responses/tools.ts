import { InvalidRequestError } from '../../../errors.ts'
import type { Change } from '../../../generation/change.ts'
import type { FunctionTool, ToolChoice } from '../../../generation/request.ts'
import type { CustomToolParam, FunctionToolParam, ResponseRequest, ToolParam } from './request.ts'
import { toTextFunction } from '../../../generation/text-tool.ts'

/** A tool as its caller names it. */
interface CalledTool {
  type: 'function' | 'custom'
  name: string
  namespace?: string
}

/** The tools of a Responses request that a chat can have, and their names on both sides. */
export interface ServedTools {
  definitions: FunctionTool[]
  /** The chat's name of a caller's tool, also of one that is no longer offered. */
  toChatName: (name: string, namespace: string | null | undefined) => string
  /** The caller's name of a chat's tool. */
  toCalled: (chatName: string) => CalledTool
}

type ServedTool = FunctionToolParam | CustomToolParam

/** The most functions, as at OpenAI. */
const MAX_TOOLS = 128

/**
 * Converts the tools of a Responses request to functions. A custom tool becomes a function with one text argument, the name of
 * a namespace is put before the names of its tools, and tools that only OpenAI's servers can run are left out. Each of
 * these is a change.
 * @throws InvalidRequestError if there are more than 128 in all
 */
export function toServedTools (tools: readonly ToolParam[], changes: Change[]): ServedTools {
  const definitions: FunctionTool[] = []
  const calledNames = new Map<string, CalledTool>()
  const chatNames = new Map<string, string>()
  const serve = (tool: ServedTool, path: string, namespace?: string): void => {
    const name = toFreeName(toFlatName(tool.name, namespace), calledNames)
    calledNames.set(name, { type: tool.type, name: tool.name, ...(namespace !== undefined && { namespace }) })
    chatNames.set(toKey(tool.name, namespace), name)
    definitions.push(tool.type === 'custom' ? ofCustom(tool, name, path, changes) : toFunction(tool, name))
  }
  for (const [index, tool] of tools.entries()) {
    const path = `tools[${index}]`
    if (isServed(tool)) {
      serve(tool, path)
    } else if (tool.type === 'namespace') {
      changes.push({ param: path, action: 'emulated', from: tool.name, reason: 'Workers AI has no namespaces; its name is put before the names of its tools' })
      for (const [place, inner] of tool.tools.entries()) {
        if (isServed(inner)) serve(inner, `${path}.tools[${place}]`, tool.name)
        else dropped(`${path}.tools[${place}]`, inner, changes)
      }
    } else {
      dropped(path, tool, changes)
    }
  }
  if (definitions.length > MAX_TOOLS) {
    throw new InvalidRequestError(`Invalid 'tools': array too long. Expected an array with maximum length ${MAX_TOOLS}, but got an array with length ${definitions.length} instead.`, { param: 'tools', code: 'array_above_max_length' })
  }
  return {
    definitions,
    toChatName: (name, namespace) => chatNames.get(toKey(name, namespace)) ?? toFlatName(name, namespace),
    toCalled: chatName => calledNames.get(chatName) ?? { type: 'function', name: chatName }
  }
}

/**
 * The tool choice; undefined if there are no tools, which the Responses API accepts.
 * @throws InvalidRequestError if it names a missing tool
 */
export function toToolChoice ({ tool_choice: choice }: ResponseRequest, tools: ServedTools, changes: Change[]): ToolChoice | undefined {
  if (choice == null) return undefined
  if (tools.definitions.length === 0) {
    if (choice !== 'auto' && choice !== 'none') changes.push({ param: 'tool_choice', action: 'dropped', reason: 'there is no tool that can be served' })
    return undefined
  }
  if (typeof choice === 'string') return choice
  if (choice.type === 'allowed_tools' && 'mode' in choice) {
    const named = choice.tools.filter(isNamed).map(({ name, namespace }) => toReference(tools.toChatName(name, namespace)))
    return { type: 'allowed_tools', allowed_tools: { mode: choice.mode, tools: named } }
  }
  if (isNamed(choice)) return toReference(tools.toChatName(choice.name, choice.namespace))
  if (choice.type === 'function' || choice.type === 'custom') {
    throw new InvalidRequestError("Missing required parameter: 'tool_choice.name'.", { param: 'tool_choice.name', code: 'missing_required_parameter' })
  }
  changes.push({ param: 'tool_choice', action: 'dropped', from: choice.type, reason: 'this proxy runs no tools of its own' })
  return undefined
}

function isServed (tool: ToolParam): tool is ServedTool {
  return (tool.type === 'function' || tool.type === 'custom') && typeof tool.name === 'string'
}

function isNamed (tool: { type: string, name?: string }): tool is { type: 'function' | 'custom', name: string, namespace?: string } {
  return (tool.type === 'function' || tool.type === 'custom') && typeof tool.name === 'string'
}

function toFunction ({ description, parameters, strict }: FunctionToolParam, name: string): FunctionTool {
  return { type: 'function', function: { name, description, parameters, strict } }
}

function ofCustom ({ description, format }: CustomToolParam, name: string, path: string, changes: Change[]): FunctionTool {
  const { syntax, definition } = format ?? {}
  return toTextFunction({ name, description, grammar: definition === undefined ? undefined : { syntax, definition } }, path, changes)
}

function toReference (name: string): { type: 'function', function: { name: string } } {
  return { type: 'function', function: { name } }
}

/** OpenAI's and Workers AI's function names are 64 letters, digits, `_` and `-` at most. */
function toFlatName (name: string, namespace: string | null | undefined): string {
  if (namespace == null) return name
  return `${namespace}__${name}`.replaceAll(/[^\w-]/g, '_').slice(0, 64)
}

function toFreeName (name: string, taken: ReadonlyMap<string, unknown>): string {
  let free = name
  for (let count = 2; taken.has(free); count++) free = `${name.slice(0, 60)}_${count}`
  return free
}

function toKey (name: string, namespace: string | null | undefined): string {
  return `${namespace ?? ''}\n${name}`
}

function dropped (param: string, tool: ToolParam, changes: Change[]): void {
  changes.push({ param, action: 'dropped', from: tool.type, reason: 'this proxy runs no tools of its own' })
}
