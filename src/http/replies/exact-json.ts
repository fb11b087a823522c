import type { FastifyReply } from 'fastify'
import { toExactJson } from '../../json/exact-integers.ts'

/** Writes whole numbers that the caller sent, and that the answer repeats, as they were sent. */
export function writeExactly (reply: FastifyReply): void {
  reply.serializer(toExactJson).type('application/json; charset=utf-8')
}
