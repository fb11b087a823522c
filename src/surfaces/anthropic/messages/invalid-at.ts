import { InvalidRequestError } from '../../../errors.ts'

/**
 * What stands at a place of a Messages request cannot be served, in the form of Anthropic's own refusals.
 * @param place in the caller's words
 */
export function invalidAt (place: string, why: string): InvalidRequestError {
  return new InvalidRequestError(`${place}: ${why}`, { param: place, code: 'invalid_value' })
}
