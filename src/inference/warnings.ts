import type { Change } from '../generation/change.ts'

/** Longest `x-proxy-warnings`, in characters: well below what servers and clients take for one header. */
const MAX_LENGTH = 1_024

/**
 * The changes as one header value, e.g. `top_p clamped, user dropped`; undefined when there is none. Values are left
 * out: they may be content. Names come from the caller, so only characters safe in a header pass.
 */
export function toWarnings (changes: readonly Change[]): string | undefined {
  if (changes.length === 0) return undefined
  const warnings = [...new Set(changes.map(({ param, action }) => `${param.replaceAll(/[^\w.[\]-]/g, '?').slice(0, 100)} ${action}`))]
  const shown: string[] = []
  let length = 0
  for (const warning of warnings) {
    length += warning.length + 2
    if (length > MAX_LENGTH - 20) break
    shown.push(warning)
  }
  const hidden = warnings.length - shown.length
  return shown.join(', ') + (hidden > 0 ? `, and ${hidden} more` : '')
}
