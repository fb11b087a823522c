import { InvalidRequestError, quoted } from '../../errors.ts'
import type { ValidationFailure } from '../../http/replies/caller-error.ts'

/**
 * Says in Anthropic's words what is wrong with a body.
 * @param failures Ajv's errors, of which the first counts
 * @returns a 400 whose message begins with the path
 */
export function toInvalidRequest (failures: readonly ValidationFailure[], body: unknown): InvalidRequestError {
  const failure = failures[0]
  if (failure === undefined) return new InvalidRequestError('Invalid request body.')
  const segments = failure.instancePath.split('/').slice(1).map(unescapePointer)
  const value = segments.reduce<unknown>((one, segment) => (one as Record<string, unknown> | null | undefined)?.[segment], body)
  const { member, why } = toComplaint(failure, value)
  const path = [...segments, ...member].map(segment => /^[\w-]{1,100}$/.test(segment) ? segment : quoted(segment.slice(0, 100))).join('.')
  return new InvalidRequestError(path === '' ? why : `${path}: ${why}`, { param: path === '' ? null : path, code: 'invalid_value' })
}

/** @returns the members from the value that failed to the one it is about, and what is wrong with that */
function toComplaint ({ keyword, params, message }: ValidationFailure, value: unknown): { member: string[], why: string } {
  const here = (why: string) => ({ member: [], why })
  const { limit } = params as { limit?: unknown }
  switch (keyword) {
    case 'required': return { member: [String(params['missingProperty'])], why: 'Field required' }
    case 'discriminator': {
      const { tag, tagValue } = params as { tag: string, tagValue?: unknown }
      return { member: [tag], why: tagValue === undefined ? 'Field required' : `Input tag ${shown(tagValue)} is not supported here` }
    }
    case 'const': return here(`Input should be '${String(params['allowedValue'])}'`)
    case 'enum': return here(`Input should be ${toChoice(params['allowedValues'] as unknown[])}`)
    case 'type': return here(`Input should be ${[params['type']].flat().map(String).flatMap(type => type.split(',')).filter(type => type !== 'null').map(toNoun).join(' or ')}`)
    case 'minimum': return here(`Input should be greater than or equal to ${String(limit)}`)
    case 'maximum': return here(`Input should be less than or equal to ${String(limit)}`)
    case 'minItems': return here(limit === 1 ? 'at least one message is required' : `List should have at least ${String(limit)} items`)
    case 'maxItems': return here(`List should have at most ${String(limit)} items after validation, not ${(value as unknown[]).length}`)
    case 'minLength': return here(`String should have at least ${String(limit)} character`)
    case 'maxLength': return here(`String should have at most ${String(limit)} characters`)
    case 'pattern': return here(`String should match pattern '${String(params['pattern'])}'`)
    default: return here(message ?? 'not accepted')
  }
}

function toNoun (type: string): string {
  switch (type) {
    case 'array': return 'a valid list'
    case 'object': return 'a valid dictionary'
    case 'integer': return 'a valid integer'
    default: return `a valid ${type}`
  }
}

function toChoice (values: readonly unknown[]): string {
  const known = values.filter(one => one !== null).map(one => `'${String(one)}'`)
  return known.length > 1 ? `${known.slice(0, -1).join(', ')} or ${known.at(-1)}` : known.join('')
}

function shown (value: unknown): string {
  return typeof value === 'string' ? `'${quoted(value.slice(0, 100))}'` : quoted((JSON.stringify(value) ?? 'undefined').slice(0, 100))
}

function unescapePointer (segment: string): string {
  return segment.replaceAll('~1', '/').replaceAll('~0', '~')
}
