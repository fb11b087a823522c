import t from 'tap'
import { UnservedRouteError } from '../../../src/http/replies/unknown-routes.ts'
import { toUnservedRoute } from '../../../src/surfaces/openai/unserved-route.ts'

const cases = [
  { what: 'path', status: 404, message: 'Invalid URL (GET /x)' },
  { what: 'method', status: 405, message: 'Not allowed to GET on /x. (HINT: Perhaps you meant to use a different HTTP method?)' },
  { what: 'websocket', status: 426, message: 'There are no WebSockets on /x. POST to it by HTTP/1.1 instead.' },
  { what: 'ollama', status: 404, message: /^Ollama's API is not served here \(GET \/x\)/ }
] as const
for (const { what, status, message } of cases) {
  const error = toUnservedRoute(new UnservedRouteError(what, 'GET', '/x'))
  t.match(error, { status, message, type: 'invalid_request_error', param: null, code: null }, what)
  t.notMatch(error.toLogged().message, '/x', 'the log leaves out what the caller wrote')
}
