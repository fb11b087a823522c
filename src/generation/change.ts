/** What was mended of an answer, or asked for once more because it could not be mended. */
export type RepairKind = 'leaked_call' | 'arguments' | 'json_schema' | 'forced_call'

/** One thing the caller sent, or Workers AI answered, that did not pass as it was. */
export interface Change {
  /**
   * Its place in the request, e.g. `top_p`, `messages[0].name`, or a member of the answer, e.g. `usage`. Surfaces have
   * other names for some.
   */
  param: string
  action: 'dropped' | 'clamped' | 'emulated' | 'renamed' | 'replaced' | 'repaired' | 'estimated' | 'missing'
  /** Of a `repaired` answer: what was mended. */
  repair?: RepairKind
  from?: unknown
  to?: unknown
  /** One sentence for a person. */
  reason: string
}
