import { InvalidRequestError, quoted } from '../../errors.ts'
import type { ValidationFailure } from '../../http/replies/caller-error.ts'

/**
 * The error about an invalid body, in OpenAI's words.
 * @param failures Ajv's errors, of which the first counts: schemas stand in the order OpenAI checks fields
 * @returns a 400 with the `param`, `code` and wording of api.openai.com
 */
export function toInvalidRequest (failures: readonly ValidationFailure[], body: unknown): InvalidRequestError {
  const failure = failures[0]
  if (failure === undefined) return new InvalidRequestError('Invalid request body.')
  const segments = failure.instancePath.split('/').slice(1).map(unescapePointer)
  const param = toParam(segments)
  const value = valueAt(body, segments)
  const { params } = failure
  switch (failure.keyword) {
    case 'required': return missing(toParam([...segments, String(params['missingProperty'])]))
    case 'discriminator': {
      const tag = String(params['tag'])
      if (params['error'] === 'tag' && params['tagValue'] === undefined) return missing(toParam([...segments, tag]))
      return invalidValue(toParam([...segments, tag]), params['tagValue'], toSupported(tag, segments, body))
    }
    case 'const': return invalidValue(param, value, [params['allowedValue']])
    case 'enum': return invalidValue(param, value, params['allowedValues'] as unknown[])
    case 'type': return wrongType(param, value, params['type'] as string | string[])
    case 'minimum': return outOfRange(param, value, 'below', 'minimum', params)
    case 'maximum': return outOfRange(param, value, 'above', 'maximum', params)
    case 'minItems': {
      const limit = Number(params['limit'])
      const kind = Array.isArray(value) && value.length === 0 ? 'empty array' : 'array too short'
      return bad(`Invalid '${param}': ${kind}. Expected an array with minimum length ${limit}, but got ${kind === 'empty array' ? 'an empty array' : `an array with length ${(value as unknown[]).length}`} instead.`, param, kind === 'empty array' ? 'empty_array' : 'array_below_min_length')
    }
    case 'maxItems': return bad(`Invalid '${param}': array too long. Expected an array with maximum length ${String(params['limit'])}, but got an array with length ${(value as unknown[]).length} instead.`, param, 'array_above_max_length')
    case 'maxLength': return bad(`Invalid '${param}': string too long. Expected a string with maximum length ${String(params['limit'])}, but got a string with length ${String(value).length} instead.`, param, 'string_above_max_length')
    case 'minLength':
      // OpenAI treats an empty model as a missing one.
      if (param === 'model') return missing('model')
      return bad(`Invalid '${param}': empty string. Expected a string with minimum length ${String(params['limit'])}, but got an empty string instead.`, param, 'empty_string')
    case 'pattern': return bad(`Invalid '${param}': string does not match pattern. Expected a string that matches the pattern '${String(params['pattern'])}'.`, param, 'invalid_value')
    default: return bad(`Invalid '${param}': ${failure.message ?? 'not accepted'}.`, param || null, 'invalid_value')
  }
}

function missing (param: string): InvalidRequestError {
  if (param === 'model') return new InvalidRequestError('you must provide a model parameter')
  return bad(`Missing required parameter: '${param}'.`, param, 'missing_required_parameter')
}

function invalidValue (param: string, value: unknown, supported: readonly unknown[]): InvalidRequestError {
  if (value === null && param === 'model') return missing(param)
  const known = supported.filter(one => one !== null).map(one => `'${String(one)}'`)
  const list = known.length > 1 ? `${known.slice(0, -1).join(', ')}, and ${known.at(-1)}` : known.join('')
  const hint = list === '' ? '' : ` Supported values are: ${list}.`
  return bad(`Invalid value: ${typeof value === 'string' ? `'${quoted(clip(value))}'` : quoted(clip(JSON.stringify(value) ?? 'undefined'))}.${hint}`, param, 'invalid_value')
}

const PARTS: Record<string, string[] | undefined> = {
  user: ['text', 'image_url', 'input_audio', 'file'],
  assistant: ['text', 'refusal'],
  tool: ['text', 'image_url', 'file'],
  function: ['text', 'image_url', 'file']
}

/**
 * The known tags of a discriminator, those of OpenAI's own forms; Ajv does not report them.
 * @param segments of the object with an unknown tag
 */
function toSupported (tag: string, segments: readonly string[], body: unknown): string[] {
  if (tag === 'role') return ['system', 'assistant', 'user', 'function', 'tool', 'developer']
  if (segments[0] === 'response_format') return ['text', 'json_object', 'json_schema']
  if (segments[0] === 'tools' || segments[2] === 'tool_calls') return ['function', 'custom']
  return PARTS[String(valueAt(body, [...segments.slice(0, 2), 'role']))] ?? ['text']
}

function wrongType (param: string, value: unknown, type: string | string[]): InvalidRequestError {
  if (param === 'model' && value === null) return missing(param)
  // A body that is not an object has no field to name.
  if (param === '') return new InvalidRequestError(`We could not parse the JSON body of your request. Expected an object, but got ${describe(value)} instead.`)
  const wanted = [type].flat().filter(one => one !== 'null').map(one => one.split(',')).flat().filter(one => one !== 'null')
  return bad(`Invalid type for '${param}': expected ${expectation(wanted, param)}, but got ${describe(value)} instead.`, param, 'invalid_type')
}

function expectation (types: string[], param: string): string {
  const [first = 'another type', ...others] = types.map(type => noun(type, param))
  const one = `${/^[aio]/.test(first) ? 'an' : 'a'} ${first}`
  return others.length > 0 ? `one of ${one} or ${others.join(' or ')}` : one
}

const LISTS_OF_TEXT = new Set(['stop', 'modalities', 'prompt', 'include'])

function noun (type: string, param: string): string {
  if (type === 'number') return 'decimal'
  // A list of texts for embeddings, of objects for responses.
  if (type !== 'array' || param === 'input') return type
  return LISTS_OF_TEXT.has(param) ? 'array of strings' : 'array of objects'
}

function describe (value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  switch (typeof value) {
    case 'number': return Number.isInteger(value) ? 'an integer' : 'a decimal number'
    case 'object': return 'an object'
    default: return `a ${typeof value}`
  }
}

function outOfRange (param: string, value: unknown, side: 'above' | 'below', bound: 'maximum' | 'minimum', params: Record<string, unknown>): InvalidRequestError {
  const kind = INTEGERS.has(param) ? 'integer' : 'decimal'
  return bad(
    `Invalid '${param}': ${kind} ${side} ${bound} value. Expected a value ${side === 'above' ? '<=' : '>='} ${String(params['limit'])}, but got ${String(value)} instead.`,
    param, `${kind}_${side}_${side === 'above' ? 'max' : 'min'}_value`
  )
}

const INTEGERS = new Set(['n', 'best_of', 'logprobs', 'dimensions', 'max_tokens', 'max_completion_tokens', 'max_output_tokens', 'max_tool_calls', 'seed', 'top_logprobs', 'limit'])

function bad (message: string, param: string | null, code: string): InvalidRequestError {
  return new InvalidRequestError(message, { param, code })
}

/** `['messages', '0', 'content']` → `messages[0].content`, the form of OpenAI's `param`. */
function toParam (segments: readonly string[]): string {
  return segments.reduce((path, segment, index) => {
    if (/^\d+$/.test(segment) && path !== '') return `${path}[${segment}]`
    const name = isCallersName(segments[index - 1]) ? quoted(clip(segment)) : clip(segment)
    return path === '' ? name : `${path}.${name}`
  }, '')
}

/** Whether the names below a member are chosen by the caller. */
function isCallersName (parent: string | undefined): boolean {
  return parent !== undefined && ['metadata', 'logit_bias', 'variables', 'properties'].includes(parent)
}

function valueAt (body: unknown, segments: readonly string[]): unknown {
  return segments.reduce<unknown>((value, segment) => (value as Record<string, unknown> | null | undefined)?.[segment], body)
}

function unescapePointer (segment: string): string {
  return segment.replaceAll('~1', '/').replaceAll('~0', '~')
}

function clip (text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}
