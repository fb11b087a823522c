import { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

/** How often it is looked at what clients have taken, within the time they have. */
const SWEEPS = 12

/** A connection, as far as its last sweep saw it. */
interface Watched {
  /** Of the request that is answered. */
  route: string | undefined
  /** Bytes the kernel has taken. */
  taken: number
  /** Sweeps since it took some while others waited. */
  idleSweeps: number
}

/** What Node knows of a connection and does not tell: its own timeout of sockets counts by them. */
interface Handle {
  bytesWritten?: number
  writeQueueSize?: number
}

/**
 * Cuts connections whose clients take nothing of what waits for them, for so long: they would keep their answer, its
 * place and its upstream for as long as they like. Time counts only while bytes wait; a silent model causes no cut.
 * One timer looks at all of them, and it counts its own rounds, so that a pause of the whole process is no client's.
 */
export function cutStalledClients (app: FastifyInstance, limitMs: number): void {
  const watched = new Map<Socket, Watched>()
  let timer: NodeJS.Timeout | undefined
  app.addHook('onRequest', (request, _reply, done) => {
    const { socket } = request.raw
    const route = request.routeOptions.url
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
    // What is no TCP of Node's own, as TLS, has no reset.
    socket.destroy()
  }
}
