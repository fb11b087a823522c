import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

/**
 * When the server closes, closes connections that have not sent a complete request head yet, such as those that browsers open
 * in advance. Node treats them as busy and would wait for them.
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
