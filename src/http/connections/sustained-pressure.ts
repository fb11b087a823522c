/** A single long task, such as the start or a huge body, is over by then; an overload is not. */
const LASTING_MS = 2_000

/** After this time without pressure, it has passed. */
const PASSED_MS = 3_000

/**
 * Distinguishes sustained pressure from a short peak. Called for every request under pressure.
 * @param now milliseconds since any fixed moment
 */
export function sustainedPressure (now: () => number): () => boolean {
  let since = -Infinity
  let last = -Infinity
  return () => {
    const at = now()
    if (at - last > PASSED_MS) since = at
    last = at
    return at - since >= LASTING_MS
  }
}
