import { UpstreamError } from '../errors.ts'

/**
 * JSON text of a value that came as JSON.
 * @throws UpstreamError 'malformed' when it is nested so deeply (some thousand levels) that it cannot be written
 */
export function toJsonText (value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch (cause) {
    throw new UpstreamError('Cloudflare sent JSON that is nested too deeply', { kind: 'malformed', cause })
  }
}
