import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

/**
 * When a connection closes, also closes the responses that wait for another one on it (HTTP pipelining). Node emits `close`
 * only on the response that it is writing; code that waits for the others would keep their upstream calls for ever.
 */
export function closePipelinedResponses (app: FastifyInstance): void {
  const queues = new WeakMap<Socket, Set<ServerResponse>>()
  app.server.on('request', ({ socket }, answer) => {
    // Only the current response has a socket.
    if (answer.socket !== null) return
    const queue = queues.get(socket) ?? newQueue(socket)
    queues.set(socket, queue)
    queue.add(answer)
    answer.once('close', () => queue.delete(answer))
  })
}

function newQueue (socket: Socket): Set<ServerResponse> {
  const queue = new Set<ServerResponse>()
  socket.once('close', () => {
    for (const answer of queue) {
      if (answer.socket === null) answer.destroy().emit('close')
    }
  })
  return queue
}
