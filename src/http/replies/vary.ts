import type { FastifyReply } from 'fastify'

/** Tells caches that an answer depends on a header of the request, beside others that were told already. */
export function addVary (reply: FastifyReply, header: string): void {
  const told = [reply.getHeader('vary') ?? []].flat().join(', ')
  if (told.split(', ').includes(header)) return
  reply.header('vary', told === '' ? header : `${told}, ${header}`)
}
