import type { Socket } from 'node:net'

/** How long a client may go on sending that has been answered. */
const LINGER_MS = 1_000

/**
 * Lets an answer reach a client that is still sending its body. A connection that is closed with bytes unread is reset,
 * and a client that hears of the reset first never reads the answer. So what comes is thrown away until the client hangs
 * up, for a second at most.
 */
export function lingeringClose (socket: Socket): void {
  // What Node calls once an answer with `connection: close` is on its way.
  socket.destroySoon = () => {
    socket.end()
    const timer = setTimeout(() => socket.destroy(), LINGER_MS)
    socket.once('close', () => clearTimeout(timer))
  }
}
