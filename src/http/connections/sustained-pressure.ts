/** One long task, such as the start of the program or a huge body, is over by then; a flood is not. */
const LASTING_MS = 2_000

/** Without a sign of pressure for so long, it has passed. */
const PASSED_MS = 3_000

/**
 * Tells lasting pressure from a moment's. Asked whenever a request comes in under pressure.
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
