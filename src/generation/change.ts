/** One thing the caller sent, or Workers AI answered, that did not pass as it was. */
export interface Change {
  /**
   * Its place in the request, e.g. `top_p`, `messages[0].name`, or a member of the answer, e.g. `usage`. Surfaces have
   * other names for some.
   */
  param: string
  action: 'dropped' | 'clamped' | 'emulated' | 'renamed' | 'replaced' | 'repaired' | 'estimated' | 'missing'
  from?: unknown
  to?: unknown
  /** One sentence for a person. */
  reason: string
}
