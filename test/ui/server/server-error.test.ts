import t from 'tap'
import { toAdvice, toServerError, toStreamError } from '../../../src/ui/server/server-error.ts'

const body = (error: object) => JSON.stringify({ error })
const cases = [
  { name: 'no key', status: 401, body: body({ message: 'no key', code: 'invalid_api_key' }), kind: 'key', advice: /Enter a key/ },
  { name: 'free neurons used up', status: 429, body: body({ message: 'used up', code: 'insufficient_quota' }), retryAfter: '7200', kind: 'quota', advice: /again in 2 h/ },
  { name: 'a busy model', status: 429, body: body({ message: 'busy', type: 'requests', code: 'rate_limit_exceeded' }), retryAfter: '3', kind: 'busy', advice: /again in 3 s/ },
  { name: 'an unknown model', status: 404, body: body({ message: 'no such model', code: 'model_not_found' }), kind: 'model', advice: /another model/ },
  { name: 'a paid model', status: 403, body: body({ message: 'paid', code: 'permission_denied' }), kind: 'plan', advice: /free plan/ },
  { name: 'a key for figures alone', status: 403, body: body({ message: 'opens no model', code: 'admin_key_only' }), kind: 'figures', advice: /API_KEYS/ },
  { name: 'figures of others', status: 403, body: body({ message: 'admins only', code: 'admin_key_required' }), kind: 'admin', advice: /ADMIN_KEYS/ },
  { name: 'a long conversation', status: 400, body: body({ message: 'too long', code: 'context_length_exceeded' }), kind: 'context', advice: /larger window/ },
  { name: 'a wrong member', status: 400, body: body({ message: 'wrong', param: 'top_p' }), kind: 'request', advice: /Change "top_p"/ },
  { name: 'a large body', status: 413, body: body({ message: 'large' }), kind: 'size', advice: /smaller/ },
  { name: 'a failure of Cloudflare', status: 502, body: body({ message: 'upstream' }), kind: 'upstream', advice: /Cloudflare/ },
  { name: 'an overloaded server', status: 503, body: body({ message: 'full' }), kind: 'busy', advice: /moment/ }
]
for (const { name, status, body, retryAfter, kind, advice } of cases) {
  const error = toServerError(status, new Headers({ 'x-request-id': 'req_1', ...(retryAfter !== undefined && { 'retry-after': retryAfter }) }), body)
  t.equal(error.kind, kind, name)
  t.match(toAdvice(error), advice)
  t.equal(error.message, JSON.parse(body).error.message)
  t.equal(error.requestId, 'req_1')
}

t.equal(toServerError(502, new Headers(), '<html>Bad gateway</html>').message, 'The server answered with status 502.', 'a server in front answers no JSON')
t.equal(toServerError(500, new Headers(), '{"error":null}').message, 'The server answered with status 500.')
t.match(toStreamError({ message: 'broke', code: 'x' }), { kind: 'broken', message: 'broke', code: 'x' })
