import { InvalidRequestError, quoted } from '../../errors.ts'
import type { Change } from '../../generation/change.ts'
import { isObject } from '../../json/is-object.ts'
import type { FunctionDefinition, GenerationRequest, ToolChoice } from '../../generation/request.ts'
import type { Family } from '../models/family.ts'
import type { FunctionsRequest } from './custom-tools.ts'
import { copyDigits } from '../../json/exact-integers.ts'
import { isTooLarge } from '../../json/json-schema.ts'
import { toSoundParameters } from './tool-schema.ts'

/** A tool in OpenAI's wrapped form, which every model takes; newer ones refuse the flat form with 8001. */
export interface NativeTool {
  type: 'function'
  function: { name: string, description: string, parameters: Record<string, unknown>, strict?: boolean }
}

/** The tools of a request in native form. */
export interface OfferedTools {
  /** The tools that the model gets, in the caller's order. */
  tools: NativeTool[]
  /** The caller's own schemas of their parameters, by name; arguments are checked against these. */
  schemas: ReadonlyMap<string, Record<string, unknown>>
  /** The message for a model that treats a forced choice as advice only; absent if no call is forced. */
  forcedCall?: string
  /** The only tool that may be called, if a call is forced. */
  forcedTool?: string
  /** The fields beside `tools`. */
  fields: ToolFields
}

export interface ToolFields {
  tool_choice?: 'auto' | 'required' | { type: 'function', function: { name: string } }
  parallel_tool_calls?: boolean
}

/**
 * The tools of a request, also in the deprecated `functions` form, completed as the native schema requires.
 *
 * `tool_choice: "none"` and an empty list send no tools (an empty list is refused with 8007). If the model's schema has no
 * `tool_choice`, a named tool is the only one sent. The field is sent with every choice, because Cloudflare's own client
 * sends it to every model, and mistral-small was observed to call nothing without `auto`.
 *
 * @returns undefined if no tool is offered
 * @throws InvalidRequestError if a choice has no known form or names a missing tool
 */
export function toOfferedTools (request: FunctionsRequest, family: Family, changes: Change[]): OfferedTools | undefined {
  const isLegacy = !request.tools?.length && !!request.functions?.length
  const param = isLegacy ? 'functions' : 'tools'
  const definitions = isLegacy ? request.functions ?? [] : (request.tools ?? []).map(tool => tool.function)
  const choice = readChoice(request, definitions)
  const offered = choice.only ? definitions.filter(({ name }) => choice.only?.includes(name)) : definitions
  if (offered.length === 0 || choice.mode === 'none') return undefined
  if (family.tools === 'none') {
    changes.push({ param, action: 'dropped', reason: 'this model takes no tools' })
    if (choice.mode !== 'auto') changes.push({ param: isLegacy ? 'function_call' : 'tool_choice', action: 'dropped', reason: 'this model takes no tools' })
    return undefined
  }
  const named = choice.mode === 'named'
  const sent = named && !family.toolChoice ? offered.filter(({ name }) => name === choice.name) : offered
  const isAdvice = family.forcedChoice === 'advisory' || (family.forcedChoice === 'named' && !named)
  const forcedCall = isAdvice ? toForcedCall(choice) : undefined
  if (forcedCall !== undefined) {
    changes.push({ param: isLegacy ? 'function_call' : 'tool_choice', action: 'emulated', reason: 'this model treats a forced choice as advice; the prompt repeats it, and the model is asked once more if it makes no call' })
  }
  const mayCall = named ? [choice.name] : choice.mode === 'required' ? sent.map(({ name }) => name) : []
  const sound = sent.map(definition => ({ ...definition, parameters: toParameters(definition, param, changes) }))
  return {
    tools: sound.map(definition => toNativeTool(definition, param, family, changes)),
    schemas: new Map(sound.map(({ name, parameters }) => [name, parameters])),
    ...(forcedCall !== undefined && { forcedCall }),
    ...(mayCall.length === 1 && mayCall[0] !== undefined && { forcedTool: mayCall[0] }),
    fields: toFields(request, choice, family, changes)
  }
}

function toForcedCall (choice: Choice): string | undefined {
  if (choice.mode === 'named') return `You must call the function ${choice.name} now. Answer with that call and nothing else.`
  return choice.mode === 'required' ? 'You must call one of the functions now. Answer with a call and nothing else.' : undefined
}

function toFields (request: GenerationRequest, choice: Choice, family: Family, changes: Change[]): ToolFields {
  return {
    ...(choice.mode === 'named' && { tool_choice: { type: 'function', function: { name: choice.name } } }),
    ...((choice.mode === 'required' || choice.mode === 'auto') && { tool_choice: choice.mode }),
    ...toParallel(request, family, changes)
  }
}

type Choice = ({ mode: 'none' | 'auto' | 'required' } | { mode: 'named', name: string }) & { only?: string[] }

function readChoice (request: GenerationRequest, definitions: FunctionDefinition[]): Choice {
  const legacy = request.tool_choice == null && request.function_call != null
  const param = legacy ? 'function_call' : 'tool_choice'
  const choice: ToolChoice | { name: string } | null | undefined = legacy ? request.function_call : request.tool_choice
  if (choice === null || choice === undefined) return { mode: 'auto' }
  if (typeof choice === 'string') {
    if (choice !== 'none' && choice !== 'auto' && choice !== 'required') {
      throw new InvalidRequestError(`Invalid value: '${quoted(String(choice).slice(0, 100))}'. Supported values are: 'none', 'auto', and 'required'.`, { param, code: 'invalid_value' })
    }
    // `auto` without tools means no tools.
    if (choice === 'required' && definitions.length === 0 && param === 'tool_choice') {
      throw new InvalidRequestError((name, nameOf) => `Invalid value for '${name}': '${name}' is only allowed when '${nameOf('tools')}' are specified.`, { param })
    }
    return { mode: choice }
  }
  if ('allowed_tools' in choice) {
    const allowed = choice.allowed_tools
    const tools = Array.isArray(allowed?.tools) ? allowed.tools : []
    const names = tools.map(tool => (tool?.function as { name?: unknown } | null | undefined)?.name)
    return { mode: allowed?.mode === 'required' ? 'required' : 'auto', only: names.map(name => mustBeGiven(name, definitions, param)) }
  }
  const name = 'function' in choice ? choice.function?.name : (choice as { name?: unknown }).name
  return { mode: 'named', name: mustBeGiven(name, definitions, param) }
}

function mustBeGiven (name: unknown, definitions: FunctionDefinition[], param: string): string {
  if (typeof name !== 'string') {
    throw new InvalidRequestError(place => `Invalid '${place}': expected 'none', 'auto', 'required' or {"type": "function", "function": {"name": …}}.`, { param, code: 'invalid_value' })
  }
  if (!definitions.some(definition => definition.name === name)) {
    throw new InvalidRequestError(place => `Invalid value for '${place}': the tool '${quoted(name.slice(0, 64))}' is not among the tools of this request.`, { param, code: 'invalid_value' })
  }
  return name
}

interface SoundDefinition extends FunctionDefinition {
  parameters: Record<string, unknown>
}

function toParameters ({ name, parameters }: FunctionDefinition, param: string, changes: Change[]): Record<string, unknown> {
  const path = toPath(name, param)
  if (parameters == null) return {}
  if (!isTooLarge(parameters)) return toSoundParameters(parameters, path, changes)
  changes.push({ param: path, action: 'clamped', reason: 'this schema is too large to compile; it is sent unchanged, and arguments are not checked against it' })
  return parameters
}

function toPath (name: string, param: string): string {
  return `${param}.${name}.parameters`
}

function toNativeTool (definition: SoundDefinition, param: string, family: Family, changes: Change[]): NativeTool {
  return {
    type: 'function',
    function: {
      name: definition.name,
      description: definition.description ?? '',
      parameters: toNativeParameters(definition.parameters, toPath(definition.name, param), family, changes),
      ...(definition.strict != null && family.toolChoice && { strict: definition.strict })
    }
  }
}

function toNativeParameters (sound: Record<string, unknown>, path: string, family: Family, changes: Change[]): Record<string, unknown> {
  if (isTooLarge(sound)) return { properties: {}, ...sound, type: 'object' }
  const { type } = sound
  if (type !== undefined && type !== 'object') changes.push({ param: `${path}.type`, action: 'clamped', from: type, to: 'object', reason: 'the arguments of a call are an object' })
  const parameters = toNativeSchema(sound, path, changes)
  const properties = (parameters['properties'] ?? {}) as Record<string, unknown>
  return { ...parameters, type: 'object', properties: family.toolChoice ? properties : withTypeAndDescription(properties, parameters, path, changes) }
}

/** Keywords whose values are data, not schemas. */
const DATA = new Set(['const', 'default', 'enum', 'examples'])

/** Removes what upstream refuses with 8001: `propertyNames`, and a `description` that is not a string. */
function toNativeSchema (schema: Record<string, unknown>, path: string, changes: Change[]): Record<string, unknown> {
  const native: Record<string, unknown> = {}
  copyDigits(schema, native)
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

/** Classic schemas require a `type` with one name and a `description` for every property. */
function withTypeAndDescription (
  properties: Record<string, unknown>,
  root: Record<string, unknown>,
  path: string,
  changes: Change[]
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(properties).map(([name, property]) => {
      const schema = isObject(property) ? property : {}
      const types = toTypes(schema, root)
      const type = types.find(one => one !== 'null') ?? 'string'
      if (types.length !== 1 || types[0] !== type) {
        changes.push({
          param: `${path}.${name}.type`,
          action: 'clamped',
          from: schema['type'] ?? (types.length === 0 ? 'any' : types),
          to: type,
          reason: 'this model takes one type per property'
        })
      }
      return [name, { ...schema, type, description: typeof schema['description'] === 'string' ? schema['description'] : '' }]
    })
  )
}

/**
 * The types that a schema names; empty if it allows any.
 * @param root the schema with the definitions that references name; references inside a definition are not followed
 */
function toTypes (schema: Record<string, unknown>, root: Record<string, unknown>): string[] {
  const { type } = schema
  if (typeof type === 'string' || Array.isArray(type)) return [type].flat().map(String)
  for (const branches of [schema['anyOf'], schema['oneOf']]) {
    if (Array.isArray(branches)) return toUnion(branches.map(branch => toTypes(isObject(branch) ? branch : {}, root)))
  }
  const parts = Array.isArray(schema['allOf']) ? schema['allOf'].filter(isObject).map(part => toTypes(part, root)) : []
  const typed = parts.find(types => types.length > 0)
  if (typed) return typed
  const definition = definitionOf(schema['$ref'], root)
  if (definition) return toTypes(definition, {})
  if (isObject(schema['properties'])) return ['object']
  const values: unknown[] = Array.isArray(schema['enum']) ? schema['enum'] : schema['const'] === undefined ? [] : [schema['const']]
  return [...new Set(values.map(toType))]
}

/** The types that the branches name; empty if one allows anything and the others name a single type. */
function toUnion (branches: string[][]): string[] {
  const named = [...new Set(branches.flat())]
  return branches.some(types => types.length === 0) && named.length === 1 ? [] : named
}

function toType (value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

/** The definition that `#/$defs/Name` or `#/definitions/Name` names. */
function definitionOf (reference: unknown, root: Record<string, unknown>): Record<string, unknown> | undefined {
  const [, list, name] = typeof reference === 'string' ? /^#\/(\$defs|definitions)\/([^/]+)$/.exec(reference) ?? [] : []
  const definitions = list === undefined ? undefined : root[list]
  const definition = isObject(definitions) && name !== undefined && Object.hasOwn(definitions, name) ? definitions[name] : undefined
  return isObject(definition) ? definition : undefined
}

function toParallel (request: GenerationRequest, family: Family, changes: Change[]): Pick<ToolFields, 'parallel_tool_calls'> {
  const parallel = request.parallel_tool_calls
  if (parallel == null) return {}
  if (family.toolChoice) return { parallel_tool_calls: parallel }
  if (!parallel) changes.push({ param: 'parallel_tool_calls', action: 'emulated', reason: 'this model does not take it; only the first call is kept' })
  return {}
}
