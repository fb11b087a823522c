/** Whether a value that came as JSON is an object: no list, and not `null`. */
export function isObject (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
