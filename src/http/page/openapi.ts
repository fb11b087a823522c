import type { FastifyInstance } from 'fastify'
import { readBuiltFile, remembered } from './page-files.ts'
import { sendFile } from './send-file.ts'

/** It is the same for everybody, and says nothing of this server but what it serves. */
const OPTIONS = { config: { isPublic: true, isPageFile: true } }

/**
 * `GET /openapi.json`: all that is served, as an OpenAPI document, without a key. The build writes it; it is read with the first
 * request, and served from memory.
 */
export function openapi (app: FastifyInstance): void {
  const document = remembered(() => readBuiltFile('openapi.json'))
  app.get('/openapi.json', OPTIONS, async (request, reply) => {
    reply.header('x-content-type-options', 'nosniff')
    return sendFile(await document(), request, reply)
  })
}
