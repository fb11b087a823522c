import { InvalidRequestError, quoted } from '../../../errors.ts'
import type { Change } from '../../../generation/change.ts'
import type { FunctionTool, GenerationRequest } from '../../../generation/request.ts'
import { reportUnread } from '../../../generation/unread-members.ts'
import { toClientTool } from './client-tools.ts'
import { invalidAt } from './invalid-at.ts'
import type { CountTokensRequest, Tool } from './request.ts'

/** As many functions as any of Workers AI's models is known to take. */
const MAX_TOOLS = 128

const NAME = ['type', 'name', 'cache_control']

/** Pieces of arguments come as early as they can without asking. */
const CUSTOM = new Set([...NAME, 'description', 'input_schema', 'strict', 'eager_input_streaming', 'allowed_callers'])
const DEFINED = new Set([...NAME, 'allowed_callers'])

/** The tools of a Messages request that a model can be offered. */
export interface ServedTools {
  definitions: FunctionTool[]
  /** Where each stands in the request, by name. */
  places: ReadonlyMap<string, string>
  /** The names of those that are left out. */
  omitted: ReadonlySet<string>
}

/**
 * Makes functions of the tools of a request: of custom ones, and of those that Anthropic defines and the caller runs. What only
 * Anthropic's servers can run is left out, each with a change.
 * @throws InvalidRequestError for a name that comes twice, a custom tool without a schema, and more than 128 in all
 */
export function toServedTools (tools: readonly Tool[], changes: Change[]): ServedTools {
  const definitions: FunctionTool[] = []
  const places = new Map<string, string>()
  const omitted = new Set<string>()
  for (const [index, tool] of tools.entries()) {
    const place = `tools.${index}`
    const definition = toDefinition(tool, place, changes)
    if (definition === undefined) {
      if (tool.name !== undefined) omitted.add(tool.name)
      changes.push({ param: place, action: 'dropped', from: tool.type, reason: 'this proxy runs no tools of its own, and a model cannot be offered this one' })
      continue
    }
    const { name } = definition.function
    if (places.has(name)) throw new InvalidRequestError('tools: Tool names must be unique.', { param: `${place}.name` })
    places.set(name, place)
    definitions.push(definition)
  }
  if (definitions.length > MAX_TOOLS) throw invalidAt('tools', `List should have at most ${MAX_TOOLS} items after validation, not ${definitions.length}`)
  return { definitions, places, omitted }
}

/** Which of the tools may or must be called. @throws InvalidRequestError when it names none, or nothing can be called that must be */
export function toToolChoice ({ tool_choice: choice }: Pick<CountTokensRequest, 'tool_choice'>, { definitions, places, omitted }: ServedTools, changes: Change[]): Pick<GenerationRequest, 'tool_choice' | 'parallel_tool_calls'> {
  if (choice == null) return {}
  const parallel = 'disable_parallel_tool_use' in choice && choice.disable_parallel_tool_use === true && { parallel_tool_calls: false }
  switch (choice.type) {
    case 'none': return { tool_choice: 'none' }
    case 'auto': return definitions.length > 0 ? { tool_choice: 'auto', ...parallel } : {}
    case 'any':
      if (definitions.length > 0) return { tool_choice: 'required', ...parallel }
      if (omitted.size === 0) throw invalidAt('tool_choice', 'Input type `any` may only be specified while providing `tools`.')
      break
    case 'tool':
      if (places.has(choice.name)) return { tool_choice: { type: 'function', function: { name: choice.name } }, ...parallel }
      if (!omitted.has(choice.name)) throw invalidAt('tool_choice.name', `Tool '${quoted(choice.name.slice(0, 128))}' not found in provided tools`)
  }
  changes.push({ param: 'tool_choice', action: 'dropped', reason: 'the tools it is about are left out' })
  return definitions.length > 0 ? { tool_choice: 'auto', ...parallel } : {}
}

function toDefinition (tool: Tool, place: string, changes: Change[]): FunctionTool | undefined {
  const { type, name, description, input_schema: parameters, strict } = tool
  const isCustom = type == null || type === 'custom'
  const defined = isCustom ? undefined : toClientTool(type)
  if (!isCustom && defined === undefined) return undefined
  if (name === undefined) throw invalidAt(`${place}.name`, 'Field required')
  tellMembers(tool, isCustom ? CUSTOM : DEFINED, place, changes)
  if (defined !== undefined) {
    changes.push({ param: place, action: 'emulated', from: type, reason: 'Workers AI does not know this tool; it is offered as a function with its parameters' })
    return { type: 'function', function: { name, ...defined } }
  }
  if (parameters === undefined) throw invalidAt(`${place}.input_schema`, 'Field required')
  return { type: 'function', function: { name, ...(description != null && { description }), parameters, ...(strict != null && { strict }) } }
}

/** That the caller may call a tool directly is what happens anyway. */
function tellMembers (tool: object, known: ReadonlySet<string>, place: string, changes: Change[]): void {
  reportUnread(tool, known, place, changes)
  const { allowed_callers: callers } = tool as { allowed_callers?: unknown }
  if (Array.isArray(callers) && callers.some(caller => caller !== 'direct')) {
    changes.push({ param: `${place}.allowed_callers`, action: 'dropped', reason: 'only the caller runs tools here' })
  }
}
