import type { FastifyReply } from 'fastify'
import { ProxyError } from '../../errors.ts'
import { Cancellation, type CancelSignal } from '../../generation/cancellation.ts'
import { toKeyId } from '../access/auth.ts'
import { ClientDisconnectedError } from '../../generation/client-disconnected.ts'
import { FairShare } from './fair-share.ts'

declare module 'fastify' {
  interface FastifyInstance { activeRequests: ActiveRequests }
}

/**
 * The running answers, limited in number. Each has a signal that aborts when its client disconnects before the end, or when the
 * server stops and cannot wait any longer. Keys share the places.
 */
export class ActiveRequests {
  /** The server is stopping: it still answers, but load balancers should use another one. */
  isDraining = false
  /** After an uncaught exception: no new requests are served. */
  isBroken = false
  #places: FairShare
  #open = new Set<Cancellation>()

  constructor (max: number) {
    this.#places = new FairShare(max)
  }

  get count (): number {
    return this.#open.size
  }

  /**
   * Counts an answer until it is sent or its connection is closed.
   * Fastify's own `request.signal` aborts at once on a POST with a body over a real socket, so it cannot be used here.
   * @throws ProxyError 503 with `retry-after` if there are too many, or if the key has its share; ClientDisconnectedError if
   *   the client has disconnected already
   */
  open ({ raw, request }: Pick<FastifyReply, 'raw' | 'request'>): CancelSignal {
    if (raw.destroyed) throw new ClientDisconnectedError()
    if (this.isBroken) throw stopping()
    const keyId = toKeyId(request)
    if (!this.#places.mayTake(keyId, 1)) throw overloaded()
    this.#places.take(keyId, 1)
    const cancellation = new Cancellation()
    this.#open.add(cancellation)
    raw.on('close', () => {
      if (this.#open.delete(cancellation)) this.#places.give(keyId, 1)
      if (!raw.writableFinished) cancellation.abort(new ClientDisconnectedError())
    })
    return cancellation
  }

  /** Ends every running answer with an error that its client can read. */
  abortAll (): void {
    const reason = stopping()
    for (const cancellation of this.#open) cancellation.abort(reason)
  }
}

function stopping (): ProxyError {
  return new ProxyError('The server is stopping and could not wait for this answer any longer. Please try again.', {
    status: 503, type: 'server_error', code: 'server_stopping'
  })
}

/** The error for a caller when the server is overloaded. */
export function overloaded (): ProxyError {
  return new ProxyError('The server is currently overloaded, please try again later.', {
    status: 503, type: 'server_error', code: 'overloaded', headers: { 'retry-after': '1' }
  })
}
