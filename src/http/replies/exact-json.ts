import type { FastifyReply } from 'fastify'
import { toExactJson } from '../../json/exact-integers.ts'

/**
 * Has a body written with the whole numbers that the caller sent, and that it repeats, as they were sent.
 * @returns the body, for the route to return
 */
export function writeExactly<Body> (reply: FastifyReply, body: Body): Body {
  reply.serializer(toExactJson).type('application/json; charset=utf-8')
  return body
}
