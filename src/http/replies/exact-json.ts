import type { FastifyReply } from 'fastify'
import { toExactJson } from '../../json/exact-integers.ts'

/** Has whole numbers that the caller sent, and that the answer tells back, written as they were sent. */
export function writeExactly (reply: FastifyReply): void {
  reply.serializer(toExactJson).type('application/json; charset=utf-8')
}
