const more = process.env['MORE_CASES']

/**
 * How many cases a property is tried with: 100 in the gate, which is run all day; all of them, so many times over, where
 * MORE_CASES says how many times.
 */
export function runs (cases: number): number {
  return more === undefined ? Math.min(100, cases) : cases * Number(more)
}
