import type { FastifyReply } from 'fastify'

/** Adds a request header that the answer depends on to `vary`. */
export function addVary (reply: FastifyReply, header: string): void {
  const told = [reply.getHeader('vary') ?? []].flat().join(', ')
  if (told.split(', ').includes(header)) return
  reply.header('vary', told === '' ? header : `${told}, ${header}`)
}
