/** One thing the caller sent, or Workers AI answered, that did not pass as it was. */
export interface Change {
  /** The parameter in the caller's words, e.g. `top_p`, `messages[0].name`, `usage`. */
  param: string
  action: 'dropped' | 'clamped' | 'emulated' | 'renamed' | 'replaced' | 'repaired' | 'estimated' | 'missing'
  from?: unknown
  to?: unknown
  /** One sentence for a person. */
  reason: string
}
