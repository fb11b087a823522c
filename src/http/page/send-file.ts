import type { FastifyReply, FastifyRequest } from 'fastify'
import { chooseCoding, type PageFile } from './page-files.ts'

/** A year, which is what caches take for ever (RFC 8246). */
const FOR_EVER = 'public, max-age=31536000, immutable'

/** Sends a file as the client takes it, or says that it has it already. */
export function sendFile (file: PageFile, { headers }: FastifyRequest, reply: FastifyReply): FastifyReply {
  const coding = chooseCoding(file, headers['accept-encoding'])
  const etag = `"${file.digest}-${coding}"`
  reply.headers({ etag, vary: 'accept-encoding', 'cache-control': file.isImmutable ? FOR_EVER : 'no-cache' })
  if (isKnown(etag, headers['if-none-match'])) return reply.code(304).send()
  if (coding !== 'identity') reply.header('content-encoding', coding)
  return reply.type(file.type).send(file.bodies[coding])
}

/** Whether a browser has it already, by RFC 9110 (13.1.2). */
function isKnown (etag: string, known: string | undefined): boolean {
  return known !== undefined && known.split(',').some(one => [etag, '*'].includes(one.trim().replace(/^W\//, '')))
}
