import type { Socket } from 'node:net'

/** How long a client may continue to send after the answer. */
const LINGER_MS = 1_000

/**
 * Lets an answer reach a client that is still sending its body. A connection that is closed with unread bytes is reset, and a
 * client that gets the reset first never reads the answer. So received bytes are discarded until the client closes the
 * connection, for at most a second.
 */
export function lingeringClose (socket: Socket): void {
  // What Node calls once an answer with `connection: close` is on its way.
  socket.destroySoon = () => {
    socket.end()
    const timer = setTimeout(() => socket.destroy(), LINGER_MS)
    socket.once('close', () => clearTimeout(timer))
  }
}
