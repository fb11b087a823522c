/** Resolves when a promise has settled, or after this many milliseconds. */
export function settledWithin (settled: Promise<unknown>, ms: number): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, ms)
    const end = () => {
      clearTimeout(timer)
      resolve()
    }
    settled.then(end, end)
  })
}
