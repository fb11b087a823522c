import type { Model } from '../workers-ai/model.ts'
import type { Dialect } from './dialect.ts'
import { NativeError, toBadInput, toVllmRefusal } from './errors.ts'
import type { RunBody, RunMessage } from './run-body.ts'

type Fields = Record<string, unknown>
type JsonType = 'string' | 'number' | 'integer' | 'boolean' | 'object' | 'array' | 'null'

/**
 * Lets a body pass that Cloudflare would let pass, and throws what Cloudflare would answer to any other: 5006 for what the
 * model's schema refuses, 8001 and 8007 for what only the server behind it refuses, 5023 and 5025 for JSON mode.
 * Members the schema does not know are ignored.
 */
export function validate (body: unknown, model: Model, dialect: Dialect): RunBody {
  if (toType(body) !== 'object') throw toBadInput(mismatch('', body, ['object']))
  const fields = body as Fields
  const branches = toBranches(model.family.name)
  const given = branches.filter(branch => fields[branch] !== undefined)
  if (given.length > 1) throw toBadInput(`oneOf at '/' not met, ${given.length} matches`)
  const otherBranches = branches.filter(branch => !given.includes(branch)).map(branch => required('', branch))

  const faults = [...findParameterFaults(fields, model), ...findMessageFaults(fields, model), ...findToolFaults(fields, model, dialect), ...findFormatFaults(fields, model)]
  if (given.length === 0 || faults.length > 0) throw toBadInput(`oneOf at '/' not met, 0 matches: ${[...otherBranches, ...faults].join(', ')}`)

  const run = body as RunBody
  if (dialect.strictTools) refuseTools(run)
  refuseFormat(run, model, dialect)
  refuseMessages(run.messages ?? [], model)
  const limit = run.max_completion_tokens ?? run.max_tokens ?? 1
  if (limit < 1) throw toVllmRefusal(`max_tokens must be at least 1, got ${limit}.`)
  return run
}

/** The members of which a body has exactly one. */
function toBranches (family: Model['family']['name']): string[] {
  switch (family) {
    case 'gpt-oss': return ['prompt', 'messages', 'input']
    case 'guard': return ['messages']
    default: return ['prompt', 'messages']
  }
}

function findParameterFaults (fields: Fields, { family }: Model): string[] {
  const isNullable = family.maxTokensName === 'max_completion_tokens'
  const nothing: JsonType[] = isNullable ? ['null'] : []
  const limits = isNullable ? ['max_tokens', 'max_completion_tokens'] : ['max_tokens']
  return [
    ...check(fields, 'prompt', ['string']),
    ...(fields['prompt'] === '' ? ["Length of '/prompt' must be >= 1 not met"] : []),
    ...check(fields, 'input', ['string', 'array']),
    ...check(fields, 'stream', ['boolean', ...nothing]),
    ...limits.flatMap(name => check(fields, name, ['integer', ...nothing])),
    ...Object.entries(family.sampling).flatMap(([name, [least, most]]) => [
      ...check(fields, name, [name === 'seed' || name === 'top_k' ? 'integer' : 'number', ...nothing]),
      ...checkRange(fields[name], name, least, most)
    ]),
    ...check(fields, 'raw', ['boolean']),
    ...check(fields, 'guided_json', ['object']),
    ...check(fields, 'chat_template_kwargs', ['object', 'null']),
    ...(isNullable ? [...check(fields, 'stop', ['string', 'array', 'null']), ...check(fields, 'n', ['integer', 'null']), ...checkRange(fields['n'], 'n', 1, 128)] : [])
  ]
}

function checkRange (value: unknown, name: string, least: number, most: number): string[] {
  if (typeof value !== 'number') return []
  if (value < least) return [`'/${name}' must be >= ${least}`]
  return value > most ? [`'/${name}' must be <= ${most}`] : []
}

function findMessageFaults (fields: Fields, model: Model): string[] {
  const messages = fields['messages']
  const faults = check(fields, 'messages', ['array'])
  if (!Array.isArray(messages)) return faults
  if (messages.length === 0) return ["Length of '/messages' must be >= 1 not met"]
  return messages.flatMap((message: unknown, index) => findMessageFault(message, `/messages/${index}`, model))
}

function findMessageFault (message: unknown, path: string, { family }: Model): string[] {
  if (toType(message) !== 'object') return [mismatch(path, message, ['object'])]
  const { role, content, tool_call_id: callId } = message as Fields
  const isOpenAi = family.maxTokensName === 'max_completion_tokens'
  const needsCallId = role === 'tool' && (isOpenAi || family.toolCallId === 'alphanumeric-9')
  const mayBeEmpty = isOpenAi && role === 'assistant'
  if (role === undefined || (content === undefined && !mayBeEmpty) || (needsCallId && callId === undefined)) {
    return [required(path, ['role', 'content', ...(needsCallId ? ['tool_call_id'] : [])].join(','))]
  }
  if (typeof role !== 'string') return [mismatch(`${path}/role`, role, ['string'])]

  const roles = toRoles(family.name, isOpenAi)
  if (roles && !roles.includes(role)) return [`enum ${role} not in ${roles.join(',')} at '${path}/role'`]
  if (content === undefined || typeof content === 'string' || (content === null && mayBeEmpty)) return []
  if (family.content === 'parts' && toType(content) === 'object' && !isOpenAi) return findPartFault(content, `${path}/content`)
  if (family.content === 'string' || toType(content) !== 'array') return [mismatch(`${path}/content`, content, ['string'])]
  return (content as unknown[]).flatMap((part, index) => findPartFault(part, `${path}/content/${index}`))
}

function toRoles (family: Model['family']['name'], isOpenAi: boolean): string[] | undefined {
  if (family === 'guard') return ['user', 'assistant']
  return isOpenAi ? ['developer', 'system', 'user', 'assistant', 'tool', 'function'] : undefined
}

function findPartFault (part: unknown, path: string): string[] {
  if (toType(part) !== 'object') return [mismatch(path, part, ['object'])]
  const { type, text, image_url: image } = part as Fields
  const types = ['text', 'image_url', 'input_audio', 'file']
  if (!types.includes(String(type))) return [`enum ${String(type)} not in ${types.join(',')} at '${path}/type'`]
  if (type === 'text') return typeof text === 'string' ? [] : [mismatch(`${path}/text`, text, ['string'])]
  if (type !== 'image_url') return []
  const url = toType(image) === 'object' ? (image as Fields)['url'] : undefined
  if (typeof url !== 'string') return [required(`${path}/image_url`, 'url')]
  return url.startsWith('data:') ? [] : [`'${path}/image_url/url' must be a data URI, HTTP URL will not be accepted`]
}

function findToolFaults (fields: Fields, { family }: Model, { strictTools }: Dialect): string[] {
  const tools = fields['tools']
  if (tools == null && (tools === undefined || family.toolChoice)) return []
  if (!Array.isArray(tools)) return [mismatch('/tools', tools, ['array'])]
  return tools.flatMap((tool: unknown, index) => findToolFault(tool, `/tools/${index}`, strictTools))
}

function findToolFault (tool: unknown, path: string, strictTools: boolean): string[] {
  if (toType(tool) !== 'object') return [mismatch(path, tool, ['object'])]
  const { type, function: wrapped, name } = tool as Fields
  if (strictTools && type !== undefined && type !== 'function' && type !== 'custom') return [`enum function not in custom at '${path}/type'`]
  if (wrapped === undefined) return strictTools || (typeof name === 'string' && name !== '') ? [] : [required(path, 'name,description,parameters')]
  if (toType(wrapped) !== 'object') return [mismatch(`${path}/function`, wrapped, ['object'])]
  const { name: wrappedName } = wrapped as Fields
  return typeof wrappedName === 'string' && wrappedName !== '' ? [] : [required(`${path}/function`, 'name')]
}

function findFormatFaults (fields: Fields, { family }: Model): string[] {
  const format = fields['response_format']
  if (family.jsonSchema !== 'bare' && !family.jsonObject) return []
  if (format == null) return format === null && !family.toolChoice ? [mismatch('/response_format', format, ['object'])] : []
  if (toType(format) !== 'object') return [mismatch('/response_format', format, ['object'])]
  const { type, json_schema: schema } = format as Fields
  const types = family.jsonSchema === 'envelope' ? ['text', 'json_object', 'json_schema'] : ['json_object', 'json_schema']
  if (!types.includes(String(type))) return [`enum ${String(type)} not in ${types.join(',')} at '/response_format/type'`]
  if (type !== 'json_schema') return []
  if (toType(schema) !== 'object') return [required('/response_format', 'json_schema')]
  const isNamed = typeof (schema as Fields)['name'] === 'string'
  return family.jsonSchema === 'envelope' && !isNamed ? [required('/response_format/json_schema', 'name')] : []
}

/** What passes the schema and is refused by the server that runs the model. */
function refuseTools ({ tools, tool_choice: choice }: RunBody): void {
  if (tools?.length === 0) throw toVllmRefusal("[] is too short - 'tools'")
  for (const tool of tools ?? []) {
    const isFlat = !('function' in tool) && (tool as { type?: string }).type !== 'custom'
    if (isFlat || /"description":(?:false|null)|"propertyNames":/.test(JSON.stringify(tool))) throw new NativeError(8001)
  }
  const isNamed = typeof choice === 'object' && typeof choice?.function?.name === 'string'
  if (choice != null && !isNamed && !['none', 'auto', 'required'].includes(choice as string)) throw new NativeError(8001)
}

function refuseFormat ({ response_format: format, stream }: RunBody, { json }: Model, { answer }: Dialect): void {
  if (format?.type !== 'json_schema') return
  if (!json) throw new NativeError(5025)
  if (stream && answer === 'classic') throw new NativeError(5023)
}

function refuseMessages (messages: RunMessage[], { id, family }: Model): void {
  for (const [index, { role, content, tool_call_id: callId = '' }] of messages.entries()) {
    if (role === 'tool' && family.toolCallId === 'alphanumeric-9' && !/^[a-zA-Z0-9]{9}$/.test(callId)) {
      throw toVllmRefusal(`Tool call id was ${callId} but must be a-z, A-Z, 0-9, with a length of 9.`)
    }
    if (family.name === 'guard' && role !== (index % 2 === 0 ? 'user' : 'assistant')) {
      throw toVllmRefusal('Conversation roles must alternate user/assistant/user/assistant/...')
    }
    if (id.includes('qwen3.8') && role === 'system' && index > 0) throw toVllmRefusal('System message must be at the beginning.')
    const parts = typeof content === 'string' ? [] : [content ?? []].flat()
    if (parts.some(part => part.image_url?.url.startsWith('data:image/svg'))) throw new NativeError(8005)
  }
}

function check (fields: Fields, name: string, types: JsonType[]): string[] {
  const value = fields[name]
  if (value === undefined) return []
  const type = toType(value)
  const fits = types.includes(type) || (type === 'integer' && types.includes('number'))
  return fits ? [] : [mismatch(`/${name}`, value, types.filter(name => name !== 'null'))]
}

function toType (value: unknown): JsonType {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value as JsonType
}

function mismatch (path: string, value: unknown, types: JsonType[]): string {
  return `Type mismatch of '${path || '/'}', '${value === undefined ? 'undefined' : toType(value)}' not in ${types.map(type => `'${type}'`).join(',')}`
}

function required (path: string, names: string): string {
  return `required properties at '${path || '/'}' are '${names}'`
}
