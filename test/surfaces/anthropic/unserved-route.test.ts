import t from 'tap'
import { UnservedRouteError } from '../../../src/http/replies/unknown-routes.ts'
import { toUnservedRoute } from '../../../src/surfaces/anthropic/unserved-route.ts'

for (const { what, path, status, message } of [
  { what: 'path', path: '/v1/files', status: 404, message: /^Not found: \/v1\/files\. .*POST \/v1\/messages/ },
  { what: 'path', path: '/v1/v1/messages', status: 404, message: /\/v1 twice.*remove \/v1 from its base URL \(ANTHROPIC_BASE_URL\)/ },
  { what: 'method', path: '/v1/messages', status: 405, message: /^Method Not Allowed: POST on/ },
  { what: 'ollama', path: '/api/tags', status: 404, message: /Ollama/ },
  { what: 'websocket', path: '/v1/responses', status: 426, message: /no WebSockets/ }
] as const) {
  const error = toUnservedRoute(new UnservedRouteError(what, 'POST', path))
  t.equal(error.status, status, what)
  t.match(error.message, message)
}
