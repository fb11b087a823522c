import { InvalidRequestError } from '../errors.ts'
import type { Change } from '../generation/change.ts'
import type { ChatCompletionRequest, FunctionDefinition, ToolChoice } from '../openai/chat-completion-request.ts'
import type { Family } from '../workers-ai/family.ts'

/** A tool in the wrapped form, which every model takes; newer ones refuse the flat form with 8001. */
export interface NativeTool {
  type: 'function'
  function: { name: string, description: string, parameters: Record<string, unknown>, strict?: boolean }
}

/** The tool fields of a native body; absent when no tool is offered. */
export interface NativeTools {
  tools?: NativeTool[]
  tool_choice?: 'auto' | 'required' | { type: 'function', function: { name: string } }
  parallel_tool_calls?: boolean
}

/**
 * The tools of a request, also in the deprecated `functions` form, completed to what the native schema demands.
 *
 * `tool_choice: "none"` and an empty list send no tools (an empty list is refused with 8007). A named tool is the only
 * one sent where the model's schema knows no `tool_choice`; the field goes along, because Cloudflare's own client sends
 * it to every model.
 *
 * @throws InvalidRequestError when a choice is of no known form or names a tool that was not given
 */
export function toNativeTools (request: ChatCompletionRequest, family: Family, changes: Change[]): NativeTools {
  const isLegacy = !request.tools?.length && !!request.functions?.length
  const param = isLegacy ? 'functions' : 'tools'
  const definitions = isLegacy ? request.functions ?? [] : (request.tools ?? []).map(tool => tool.function)
  const choice = readChoice(request, definitions)
  const offered = choice.only ? definitions.filter(({ name }) => choice.only?.includes(name)) : definitions
  if (offered.length === 0 || choice.mode === 'none') return {}
  if (family.tools === 'none') {
    changes.push({ param, action: 'dropped', reason: 'this model takes no tools' })
    return {}
  }
  const named = choice.mode === 'named'
  const sent = named && !family.toolChoice ? offered.filter(({ name }) => name === choice.name) : offered
  if ((named || choice.mode === 'required') && !family.toolChoice) {
    changes.push({ param: isLegacy ? 'function_call' : 'tool_choice', action: 'emulated', reason: 'this model takes a forced choice as advice only' })
  }
  return {
    tools: sent.map(definition => toNativeTool(definition, param, family, changes)),
    ...(choice.mode === 'named' && { tool_choice: { type: 'function', function: { name: choice.name } } }),
    ...((choice.mode === 'required' || (choice.mode === 'auto' && family.toolChoice)) && { tool_choice: choice.mode }),
    ...toParallel(request, family, changes)
  }
}

type Choice = ({ mode: 'none' | 'auto' | 'required' } | { mode: 'named', name: string }) & { only?: string[] }

function readChoice (request: ChatCompletionRequest, definitions: FunctionDefinition[]): Choice {
  const legacy = request.tool_choice == null && request.function_call != null
  const param = legacy ? 'function_call' : 'tool_choice'
  const choice: ToolChoice | { name: string } | null | undefined = legacy ? request.function_call : request.tool_choice
  if (choice === null || choice === undefined) return { mode: 'auto' }
  if (typeof choice === 'string') {
    if (choice !== 'none' && choice !== 'auto' && choice !== 'required') {
      throw new InvalidRequestError(`Invalid value: '${String(choice).slice(0, 100)}'. Supported values are: 'none', 'auto', and 'required'.`, { param, code: 'invalid_value' })
    }
    if (choice !== 'none' && definitions.length === 0 && param === 'tool_choice') {
      throw new InvalidRequestError("Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.", { param })
    }
    return { mode: choice }
  }
  if ('allowed_tools' in choice) {
    const allowed = choice.allowed_tools
    const names = Array.isArray(allowed?.tools) ? allowed.tools.map(tool => tool?.function?.name) : []
    names.forEach(name => mustBeGiven(name, definitions, param))
    return { mode: allowed?.mode === 'required' ? 'required' : 'auto', only: names }
  }
  const name = 'function' in choice ? choice.function?.name : (choice as { name?: unknown }).name
  return { mode: 'named', name: mustBeGiven(name, definitions, param) }
}

function mustBeGiven (name: unknown, definitions: FunctionDefinition[], param: string): string {
  if (typeof name !== 'string') {
    throw new InvalidRequestError(`Invalid '${param}': expected 'none', 'auto', 'required' or {"type": "function", "function": {"name": …}}.`, { param, code: 'invalid_value' })
  }
  if (!definitions.some(definition => definition.name === name)) {
    throw new InvalidRequestError(`Invalid value for '${param}': the tool '${name.slice(0, 64)}' is not among the tools of this request.`, { param, code: 'invalid_value' })
  }
  return name
}

function toNativeTool (definition: FunctionDefinition, param: string, family: Family, changes: Change[]): NativeTool {
  const path = `${param}.${definition.name}.parameters`
  const parameters = toNativeSchema(definition.parameters ?? {}, path, changes)
  const properties = (parameters['properties'] ?? {}) as Record<string, unknown>
  return {
    type: 'function',
    function: {
      name: definition.name,
      description: definition.description ?? '',
      parameters: {
        ...parameters,
        type: 'object',
        properties: family.toolChoice ? properties : withTypeAndDescription(properties, path, changes)
      },
      ...(definition.strict != null && family.toolChoice && { strict: definition.strict })
    }
  }
}

/** Keywords whose values are data, not schemas. */
const DATA = new Set(['const', 'default', 'enum', 'examples'])

/** Removes what upstream answers with 8001: `propertyNames`, and a `description` that is no text. */
function toNativeSchema (schema: Record<string, unknown>, path: string, changes: Change[]): Record<string, unknown> {
  const native: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(schema)) {
    if (DATA.has(key)) {
      native[key] = value
    } else if (key === 'propertyNames' && isObject(value)) {
      changes.push({ param: `${path}.propertyNames`, action: 'dropped', reason: 'Workers AI refuses this keyword' })
    } else if (key === 'description' && (value === false || value === null)) {
      continue
    } else if (key === 'properties' && isObject(value)) {
      native[key] = Object.fromEntries(Object.entries(value).map(([name, property]) =>
        [name, isObject(property) ? toNativeSchema(property, `${path}.${name}`, changes) : property]))
    } else if (isObject(value)) {
      native[key] = toNativeSchema(value, path, changes)
    } else if (Array.isArray(value)) {
      native[key] = value.map(item => isObject(item) ? toNativeSchema(item, path, changes) : item)
    } else {
      native[key] = value
    }
  }
  return native
}

/** Classic schemas demand a `type` of one word and a `description` for every property. */
function withTypeAndDescription (properties: Record<string, unknown>, path: string, changes: Change[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(properties).map(([name, property]) => {
    const schema = isObject(property) ? property : {}
    const type = toOneType(schema)
    if (schema['type'] !== undefined && schema['type'] !== type) {
      changes.push({ param: `${path}.${name}.type`, action: 'clamped', from: schema['type'], to: type, reason: 'this model takes one type a property' })
    }
    return [name, { ...schema, type, description: typeof schema['description'] === 'string' ? schema['description'] : '' }]
  }))
}

function toOneType (schema: Record<string, unknown>): string {
  const { type } = schema
  if (typeof type === 'string') return type
  if (Array.isArray(type)) return String(type.find(one => one !== 'null') ?? 'string')
  for (const branches of [schema['anyOf'], schema['oneOf'], schema['allOf']]) {
    const typed = Array.isArray(branches) ? branches.filter(isObject).find(branch => branch['type'] !== undefined && branch['type'] !== 'null') : undefined
    if (typed) return toOneType(typed)
  }
  if (isObject(schema['properties'])) return 'object'
  const example: unknown = Array.isArray(schema['enum']) ? schema['enum'][0] : schema['const']
  return typeof example === 'number' || typeof example === 'boolean' ? typeof example : 'string'
}

function toParallel (request: ChatCompletionRequest, family: Family, changes: Change[]): Pick<NativeTools, 'parallel_tool_calls'> {
  const parallel = request.parallel_tool_calls
  if (parallel == null) return {}
  if (family.toolChoice) return { parallel_tool_calls: parallel }
  if (!parallel) changes.push({ param: 'parallel_tool_calls', action: 'emulated', reason: 'this model does not take it; only the first call is kept' })
  return {}
}

function isObject (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
