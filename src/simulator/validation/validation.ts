import type { Family } from '../../workers-ai/models/family.ts'
import type { Model } from '../../workers-ai/models/model.ts'
import type { Dialect } from '../native/dialect.ts'
import { NativeError, toBadInput, toVllmRefusal } from '../errors.ts'
import { findRangeFault, findTypeFault, isObject, mismatch, notInEnum, required, tooShort, type Fields, type JsonType } from './fault.ts'
import { findMessageFaults, refuseMessages } from './message-faults.ts'
import type { RunBody } from '../run-body.ts'
import { findToolFaults, refuseTools } from './tool-faults.ts'

/**
 * Lets a body pass that Cloudflare would let pass, and throws what Cloudflare would answer to any other: 5006 for what the
 * model's schema refuses, 8001, 8005 and 8007 for what only the server behind it refuses, 5023 and 5025 for JSON mode.
 * Members that the schema does not know are ignored.
 */
export function validate (body: unknown, model: Model, dialect: Dialect): RunBody {
  if (!isObject(body)) throw toBadInput(mismatch('', body, ['object']))
  const forms = toForms(model.family)
  const given = forms.filter(form => body[form] !== undefined)
  if (given.length > 1) throw toBadInput(`oneOf at '/' not met, ${given.length} matches`)

  const faults = [
    ...findParameterFaults(body, model.family),
    ...findMessageFaults(body, model),
    ...findToolFaults(body, model, dialect),
    ...findFormatFaults(body, model.family)
  ]
  if (given.length === 0 || faults.length > 0) {
    // the validator complains about the forms that were not meant, too
    const otherForms = forms.filter(form => !given.includes(form)).map(form => required('', form))
    throw toBadInput(`oneOf at '/' not met, 0 matches: ${[...otherForms, ...faults].join(', ')}`)
  }

  const run = body as RunBody
  refuseFormat(run, model, dialect)
  if (dialect.strictTools && run.input === undefined) refuseTools(run)
  refuseMessages(run.messages ?? [], model)
  const limit = run.max_completion_tokens ?? run.max_tokens ?? 1
  if (limit < 1) throw toVllmRefusal(`max_tokens must be at least 1, got ${limit}.`)
  return run
}

/** The members of which a body has exactly one. */
function toForms ({ name }: Family): string[] {
  if (name === 'guard') return ['messages']
  return name === 'gpt-oss' ? ['prompt', 'messages', 'input'] : ['prompt', 'messages']
}

function findParameterFaults (fields: Fields, { sampling, maxTokensName }: Family): string[] {
  const isOpenAi = maxTokensName === 'max_completion_tokens'
  const orNull = (type: JsonType): JsonType[] => isOpenAi ? [type, 'null'] : [type]
  const faults = [
    ...findTypeFault(fields, 'prompt', ['string']),
    ...(fields['prompt'] === '' ? [tooShort('/prompt')] : []),
    ...findTypeFault(fields, 'stream', orNull('boolean')),
    ...findTypeFault(fields, 'max_tokens', orNull('integer')),
    ...Object.entries(sampling).flatMap(([name, range]) => [
      ...findTypeFault(fields, name, orNull(name === 'seed' || name === 'top_k' ? 'integer' : 'number')),
      ...findRangeFault(fields, name, range)
    ]),
    ...findTypeFault(fields, 'raw', ['boolean']),
    ...findTypeFault(fields, 'guided_json', ['object']),
    ...findTypeFault(fields, 'options', ['object']),
    ...findTypeFault(fields, 'chat_template_kwargs', ['object', 'null'])
  ]
  if (!isOpenAi) return faults
  return [
    ...faults,
    ...findInputFaults(fields),
    ...findTypeFault(fields, 'max_completion_tokens', orNull('integer')),
    ...findTypeFault(fields, 'stop', ['string', 'array', 'null']),
    ...findTypeFault(fields, 'n', orNull('integer')),
    ...findRangeFault(fields, 'n', [1, 128])
  ]
}

function findInputFaults (fields: Fields): string[] {
  const { input } = fields as { input?: unknown }
  if (!Array.isArray(input)) return findTypeFault(fields, 'input', ['string', 'array'])
  return input.flatMap((item: unknown, index) => isObject(item) ? [] : [mismatch(`/input/${index}`, item, ['object'])])
}

function findFormatFaults (fields: Fields, { jsonSchema, jsonObject, toolChoice }: Family): string[] {
  const { response_format: format } = fields as { response_format?: { type?: unknown, json_schema?: unknown } }
  const isKnown = jsonSchema === 'bare' || jsonObject
  if (!isKnown || format === undefined || (format === null && toolChoice)) return []
  if (!isObject(format)) return [mismatch('/response_format', format, ['object'])]
  const { type, json_schema: schema } = format
  const types = [...(jsonSchema === 'envelope' ? ['text'] : []), 'json_object', 'json_schema']
  if (!types.includes(String(type))) return [notInEnum('/response_format/type', type, types)]
  if (type !== 'json_schema') return []
  if (!isObject(schema)) return [required('/response_format', 'json_schema')]
  return jsonSchema === 'envelope' && typeof schema['name'] !== 'string' ? [required('/response_format/json_schema', 'name')] : []
}

function refuseFormat ({ response_format: format, stream }: RunBody, { json }: Model, { answer }: Dialect): void {
  if (format?.type !== 'json_schema') return
  if (!json) throw new NativeError(5025)
  if (stream && answer === 'classic') throw new NativeError(5023)
}
