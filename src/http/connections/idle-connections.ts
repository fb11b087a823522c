import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

/**
 * Hangs up, when the server closes, on connections that have not sent a whole head of a request yet, such as those
 * browsers open ahead of time. Node takes them for busy ones and would wait for them.
 */
export function closeIdleConnections (app: FastifyInstance): void {
  const silent = new Set<Socket>()
  app.server.on('connection', (socket: Socket) => {
    silent.add(socket)
    socket.once('close', () => silent.delete(socket))
  })
  app.server.on('request', ({ socket }) => silent.delete(socket))
  app.addHook('preClose', done => {
    for (const socket of silent) socket.destroy()
    done()
  })
}
