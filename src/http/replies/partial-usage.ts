import type { FastifyReply } from 'fastify'

/** Warns whoever asks for usage while only the rows of this process can be read, and not those of other replicas. */
export function warnOfPartialUsage (reply: FastifyReply, { isPartial }: { isPartial?: true }): void {
  if (isPartial) reply.header('x-proxy-warnings', 'usage partial')
}
