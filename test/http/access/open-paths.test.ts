import t from 'tap'
import { exchange } from '../../servers/http-client.ts'
import { startProxy } from '../../servers/start-proxy.ts'

/** All that is answered without a key; whatever else is asked for is refused, be it known or not. */
const OPEN = [
  'GET /', 'HEAD /', 'GET /?x=1', 'GET /favicon.ico', 'HEAD /favicon.ico', 'GET /robots.txt', 'HEAD /robots.txt', 'GET /robots.txt?x',
  'GET /health', 'HEAD /health', 'GET /health/', 'GET //health', 'GET /health?x', 'GET /livez', 'GET /readyz', 'GET /readyz?verbose', 'GET /openapi.json', 'HEAD /openapi.json', 'GET /openapi.json/', 'GET /openapi.json?x',
  'GET /ui/', 'HEAD /ui/', 'GET /ui/?x', 'GET /ui/index.html', 'HEAD /ui/index.html', 'GET http://localhost/ui/',
  'GET http://localhost/', 'GET http://localhost', 'GET http://localhost/health', 'GET http://localhost?x'
]

const CLOSED = [
  // of pages, in other spellings and by other methods
  'GET //', 'GET ///', 'GET //?x', 'GET /.', 'GET /./', 'GET /..', 'GET /../', 'GET /%2e', 'GET /%2E%2E', 'GET /%2f', 'GET /%2F%2F', 'GET /%', 'GET /;', 'GET /#', 'GET /%00', 'GET /%3f', 'GET /\\', 'GET /index.html',
  'POST /', 'PUT /', 'DELETE /', 'PATCH /', 'OPTIONS /', 'OPTIONS *', 'POST /favicon.ico', 'POST /robots.txt', 'POST /health', 'DELETE /health', 'POST /openapi.json', 'PUT /readyz',
  'GET /favicon.ico/', 'GET //favicon.ico', 'GET /FAVICON.ICO', 'GET /favicon%2eico', 'GET /%66avicon.ico', 'GET /favicon.ico/x', 'GET /favicon.ico%2f', 'GET /favicon.ico;x', 'GET /favicon.ico#x',
  'GET /robots.txt/', 'GET //robots.txt', 'GET /Robots.txt', 'GET /robots%2Etxt', 'GET /robots.txt/../v1/models', 'GET /x/../robots.txt', 'GET /./robots.txt',
  'GET /HEALTH', 'GET /health/x', 'GET /health/..', 'GET /health/../v1/models', 'GET /healthz', 'GET /openapi', 'GET /openapi.yaml', 'GET /OpenAPI.json', 'GET /openapi.json/../v1/models', 'GET /v1/openapi.json', 'GET /health;x', 'GET /health%2f', 'GET /livez/../v1/models',
  'GET //ui/', 'GET /ui//', 'GET /UI/', 'GET /u%69/', 'GET /ui/.', 'GET /ui/..', 'GET /ui/../v1/models', 'GET /ui/%2e%2e/v1/models', 'GET /ui/..%2fv1%2fmodels', 'GET /ui/x/../../v1/models', 'GET /ui/index.html/', 'GET /ui/index.html/x', 'GET /ui/nope', 'GET /ui;x', 'GET /uix', 'POST /ui/', 'PUT /ui/index.html', 'GET http://localhost/ui/../v1/models',
  // of what is served
  'GET /v1/models', 'HEAD /v1/models', 'GET //v1/models', 'GET /v1//models/', 'GET /v1/models/', 'GET /V1/models', 'GET /v1/MODELS', 'GET /v1/%6dodels', 'GET /%76%31/models', 'GET /v1%2fmodels', 'GET /v1/models/%zz', 'GET /v1/models/@cf%2Fa%2Fb', 'GET /v1/models?x=/health',
  'GET /../v1/models', 'GET /./v1/models', 'GET /..//v1/models', 'GET /%2e%2e/v1/models', 'GET /v1/../health', 'GET /v1/models/../../health', 'GET /v1/models#/health', 'GET /v1/models;/health',
  'POST /v1/chat/completions', 'GET /v1/chat/completions', 'POST /v1/responses', 'GET /v1/responses/resp_1', 'DELETE /v1/responses/resp_1', 'POST /v1/embeddings', 'POST /v1/completions',
  'GET http://localhost/v1/models', 'GET http:///', 'GET http://localhost//', 'GET http://localhost/..', 'GET HTTP://LOCALHOST/v1/models', 'GET http://localhost/health/../v1/models', 'GET http://localhost/%2e', 'GET http:///v1/models',
  // of what is not
  'POST /openai/v1/chat/completions', 'GET /openai/models', 'POST /openai/deployments/x/chat/completions', 'GET //openai//models/', 'GET /nope', 'GET /v1', 'GET /v1/', 'GET /.env', 'GET /.git/config', 'GET /docs', 'GET /favicon.png', 'GET /apple-touch-icon.png', 'GET /.well-known/security.txt', 'GET /api/tags'
]

for (const [name, env] of [['with keys', { API_KEYS: 'k' }], ['with tokens of callers', { AUTH_MODE: 'passthrough' }]] as const) {
  t.test(`${name} only a closed list is answered without one`, async t => {
    const proxy = await startProxy(t, env as Record<string, string>)
    const ask = async (line: string, headers = '') => {
      const answer = await exchange(proxy, `${line} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n${headers}\r\n`, 'nothing that ever comes')
      return Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1])
    }
    for (const line of OPEN) t.match(String(await ask(line)), /^20[04]$/, line)
    // What Node itself takes for no request is refused before anybody could ask for a key.
    for (const line of CLOSED) t.equal(await ask(line), 401, line)
    t.equal(await ask('GET /metrics'), 401)
    for (const headers of ['authorization: Bearer \r\n', 'x-original-url: /health\r\n', 'x-rewrite-url: /\r\n', 'x-http-method-override: GET\r\n', 'x-forwarded-prefix: /health\r\n']) t.equal(await ask('GET /v1/models', headers), 401, headers)
    t.same(proxy.simulator.requests, [], 'and nothing is run')
  })
}
