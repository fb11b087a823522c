import type { Change } from '../../generation/change.ts'
import type { CustomTool, FunctionTool, GenerationRequest, ToolChoice } from '../../generation/request.ts'
import { toTextFunction } from '../../generation/text-tool.ts'

/** A request whose tools are functions. */
export type FunctionsRequest = Omit<GenerationRequest, 'tools'> & { tools?: FunctionTool[] | null }

const NONE: ReadonlySet<string> = new Set()

/**
 * Replaces the custom tools of a request by functions, also in its tool choice: Workers AI has no custom tools.
 * @returns the request, and the names of the functions that replace custom tools
 */
export function toFunctionsRequest (
  request: GenerationRequest,
  changes: Change[]
): { request: FunctionsRequest, customTools: ReadonlySet<string> } {
  const { tools, tool_choice: choice } = request
  const custom = (tools ?? []).filter(tool => tool.type === 'custom').map(tool => tool.custom.name)
  if (custom.length === 0) return { request: request as FunctionsRequest, customTools: NONE }
  const functions = (tools ?? []).map((tool, index) => (tool.type === 'custom' ? ofCustom(tool, `tools[${index}]`, changes) : tool))
  return {
    request: { ...request, tools: functions, ...(choice != null && { tool_choice: toFunctionChoice(choice) }) },
    customTools: new Set(custom)
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

/** A choice of a custom tool, as the choice of the function that replaces it. */
function toReference<T> (chosen: T | { type: 'custom', custom?: { name?: unknown } }): T {
  const { type, custom } = (chosen ?? {}) as { type?: unknown, custom?: { name?: unknown } | null }
  return type === 'custom' && custom != null ? { type: 'function', function: { name: custom.name } } as T : chosen as T
}
