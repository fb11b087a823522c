/** Which part of an answer was repaired, or requested again because it could not be repaired. */
export type RepairKind = 'leaked_call' | 'arguments' | 'json_schema' | 'forced_call'

/** One part of the request or of the answer that was not passed on unchanged. */
export interface Change {
  /**
   * Its place in the request, e.g. `top_p`, `messages[0].name`, or a member of the answer, e.g. `usage`. Surfaces have
   * other names for some.
   */
  param: string
  action: 'dropped' | 'clamped' | 'emulated' | 'renamed' | 'replaced' | 'repaired' | 'estimated' | 'missing' | 'low' | 'used_up'
  /** Of a `repaired` answer: the repaired part. */
  repair?: RepairKind
  from?: unknown
  to?: unknown
  /** One sentence for a person. */
  reason: string
}
