import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

/**
 * Closes, with a connection, also the responses that wait for another one on it (HTTP pipelining). Node tells the end
 * to the answer it is writing and to no other; who waits for theirs would wait, and hold its upstream, for ever.
 */
export function closePipelinedResponses (app: FastifyInstance): void {
  const queues = new WeakMap<Socket, Set<ServerResponse>>()
  app.server.on('request', ({ socket }, answer) => {
    // Only the answer whose turn it is has a socket.
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
