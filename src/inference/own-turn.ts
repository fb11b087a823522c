import { setImmediate } from 'node:timers/promises'

let last: Promise<unknown> = Promise.resolve()

/**
 * Resolves in a turn of the event loop that no other caller of this function gets: work of a tenth of a second is done for one
 * request at a time, and other requests are served in between.
 */
export function ownTurn (): Promise<unknown> {
  last = last.then(() => setImmediate())
  return last
}
