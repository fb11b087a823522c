/**
 * A duration as Go and OpenAI's headers write it: `20ms`, `1.5s`, `6m0s`, `1h0m0s`; nothing is `0s`.
 * @param ms whole milliseconds, 0 or more
 */
export function toGoDuration (ms: number): string {
  if (ms > 0 && ms < 1_000) return `${ms}ms`
  const minutes = Math.floor(ms / 60_000)
  const seconds = `${(ms - minutes * 60_000) / 1_000}s`
  if (minutes === 0) return seconds
  const hours = Math.floor(minutes / 60)
  return hours === 0 ? `${minutes}m${seconds}` : `${hours}h${minutes % 60}m${seconds}`
}
