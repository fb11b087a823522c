import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { toPlainPath } from '../../telemetry/logged-path.ts'
import { UnservedRouteError } from '../replies/unknown-routes.ts'
import { INDEX, readPageFiles, remembered } from './page-files.ts'
import { sendFile } from './send-file.ts'

/** The page runs its own files alone, asks this server alone, and stands in no frame. */
const SAFE = {
  'content-security-policy': [
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self' data:", "base-uri 'none'",
    "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin'
}

const OPTIONS = { config: { isPageFile: true } }

/**
 * `GET /ui/` and the files of the page, without a key: they say nothing of this server. They are read with the first request,
 * and served from memory.
 */
export function page (app: FastifyInstance): void {
  const files = remembered(() => readPageFiles())
  app.get('/ui', OPTIONS, async (request, reply) => {
    reply.headers(SAFE)
    // The router takes both for the same. Relative, because a server in front may have put a path before ours.
    if (!/\/ui\/(?:\?|$)/.test(request.originalUrl)) return reply.code(302).headers({ location: 'ui/', 'cache-control': 'no-cache' }).send()
    return send(INDEX, request, reply)
  })
  app.get<{ Params: { '*': string } }>('/ui/*', OPTIONS, (request, reply) => send(request.params['*'], request, reply))

  async function send (name: string, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const file = (await files()).get(name)
    reply.headers(SAFE)
    if (file === undefined) throw new UnservedRouteError('path', request.method, toPlainPath(request.originalUrl.split('?')[0] ?? ''))
    return sendFile(file, request, reply)
  }
}
