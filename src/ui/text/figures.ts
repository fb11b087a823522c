const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** `1,234` */
export function toCount (count: number): string {
  return Math.round(count).toLocaleString('en-US')
}

/** `12.3k`, `1.2M`: for where there is little room. */
export function toShortCount (count: number): string {
  if (count < 1_000) return String(Math.round(count * 10) / 10)
  if (count < 999_950) return `${trimmed(count / 1_000)}k`
  return `${trimmed(count / 1_000_000)}M`
}

/** Three significant digits below 100: `0.227`, `3.41`, `128`. */
export function toNeurons (neurons: number): string {
  if (neurons === 0) return '0'
  if (neurons < 0.001) return '< 0.001'
  return neurons >= 100 ? toCount(neurons) : String(Number(neurons.toPrecision(3)))
}

/** `320 ms`, `1.4 s`, `3 min 5 s`, `5 h 12 min` */
export function toDuration (ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1).replace(/\.0$/, '')} s`
  if (ms < MINUTE_MS) return `${Math.floor(ms / 1_000)} s`
  if (ms < HOUR_MS) return joined(Math.floor(ms / MINUTE_MS), 'min', Math.floor(ms % MINUTE_MS / 1_000), 's')
  return joined(Math.floor(ms / HOUR_MS), 'h', Math.floor(ms % HOUR_MS / MINUTE_MS), 'min')
}

/** `14:03:59`, in the time of this browser. */
export function toClock (ms: number): string {
  return new Date(ms).toLocaleTimeString('en-GB')
}

function joined (large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`
}

function trimmed (number: number): string {
  return number.toFixed(1).replace(/\.0$/, '')
}
