import { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

/** Number of checks within the time limit. */
const SWEEPS = 12

/** The state of a connection at the last check. */
interface Watched {
  /** The route of the current request. */
  route: string | undefined
  /** Bytes that were passed to the kernel. */
  taken: number
  /** Checks in a row without progress while bytes waited. */
  idleSweeps: number
}

/** Undocumented members of Node's socket handle; Node's own socket timeout uses them. */
interface Handle {
  bytesWritten?: number
  writeQueueSize?: number
}

/**
 * Resets connections whose clients read none of the waiting bytes for too long: otherwise they could keep their answer, its
 * place and its upstream call without limit. Time counts only while bytes wait, so a silent model causes no reset.
 * One timer checks all connections and counts its own rounds, so that a pause of the whole process does not count.
 */
export function cutStalledClients (app: FastifyInstance, limitMs: number): void {
  const watched = new Map<Socket, Watched>()
  let timer: NodeJS.Timeout | undefined
  app.addHook('onRequest', (request, _reply, done) => {
    const { socket } = request.raw
    const { url: route } = request.routeConfig
    // An injected request has no socket, and never emits `close`.
    if (!(socket instanceof Socket)) return done()
    const known = watched.get(socket)
    if (known) {
      known.route = route
      return done()
    }
    watched.set(socket, { route, taken: 0, idleSweeps: 0 })
    timer ??= setInterval(sweep, limitMs / SWEEPS).unref()
    socket.once('close', () => {
      watched.delete(socket)
      if (watched.size > 0) return
      clearInterval(timer)
      timer = undefined
    })
    done()
  })

  function sweep (): void {
    for (const [socket, one] of watched) {
      const taken = toTaken(socket)
      one.idleSweeps = socket.writableLength > 0 && taken === one.taken ? one.idleSweeps + 1 : 0
      one.taken = taken
      if (one.idleSweeps < SWEEPS) continue
      app.log.warn({ route: one.route, waitingBytes: socket.writableLength, limitMs }, 'a client read nothing of its answer for too long; its connection was reset')
      cut(socket)
    }
  }
}

/** Bytes of a connection that have left this process. The kernel takes a large write in pieces; Node reports it when all are taken. */
function toTaken (socket: Socket & { _handle?: Handle | null }): number {
  const { bytesWritten = 0, writeQueueSize = 0 } = socket._handle ?? {}
  return bytesWritten - writeQueueSize
}

/** Resets the connection, so that a part is not mistaken for the whole answer, and the kernel drops its buffers. */
function cut (socket: Socket): void {
  try {
    socket.resetAndDestroy()
  } catch {
    // Only Node's own TCP sockets can be reset; TLS sockets cannot.
    socket.destroy()
  }
}
