import t from 'tap'
import { askRaw, exchange } from '../servers/http-client.ts'
import { ask, saying, startProxy, type Proxy } from '../servers/start-proxy.ts'
import { startRecordedUpstream } from '../servers/recorded-upstream.ts'

const PAGE = 'https://app.example'
const PATHS = ['/v1/chat/completions', '/v1/completions', '/v1/embeddings', '/v1/responses', '/v1/responses/compact', '/v1/models', '/v1/models/@cf/a/b', '/openai/v1/chat/completions', '/openai/responses', '/openai/deployments/@cf/a/b/chat/completions', '/openai/deployments/x/embeddings', '/api/chat', '/health', '/readyz', '/', '/nope']
const STAINLESS = ['arch', 'async', 'custom-poll-interval', 'helper-method', 'lang', 'os', 'package-version', 'poll-helper', 'read-timeout', 'retry-count', 'runtime', 'runtime-version', 'timeout'].map(name => `x-stainless-${name}`)

function corsHeaders ({ headers }: { headers: object }): string[] {
  return Object.keys(headers).filter(name => name.startsWith('access-control-'))
}

function preflight (origin: string, headers: string[] = ['authorization', 'content-type'], method = 'POST'): { method: string, headers: Record<string, string> } {
  return { method: 'OPTIONS', headers: { origin, 'access-control-request-method': method, 'access-control-request-headers': headers.join(',') } }
}

t.test('by default no page may read or ask for anything', async t => {
  const proxy = await startProxy(t)
  const origins = [PAGE, 'null', 'http://localhost', `http://localhost:${proxy.port}`, 'http://127.0.0.1', 'file://', 'chrome-extension://abc', 'vscode-webview://abc', 'https://evil.example']
  for (const origin of origins) {
    for (const path of PATHS) {
      for (const asked of [preflight(origin), { method: 'GET', headers: { origin } }, { method: 'POST', headers: { origin } }, preflight(origin, ['access-control-request-private-network'])]) {
        t.strictSame(corsHeaders(await askRaw(proxy, path, asked)), [], `${asked.method} ${path} from ${origin}`)
      }
    }
  }
})

t.test('a list of origins is exact', async t => {
  const proxy = await startProxy(t, { CORS_ORIGINS: PAGE })
  const foreign = [
    'http://app.example', 'https://app.example:8443', 'https://app.example.evil.example', 'https://evil-app.example', 'https://evil.example/app.example', 'https://app.exampl', 'https://app.example.',
    'https://APP.example', 'https://sub.app.example', 'null', '', '*', 'https://app.example https://evil.example', 'https://evil.example, https://app.example', 'https://app_example', 'https://appxexample'
  ]
  for (const origin of foreign) {
    for (const asked of [preflight(origin), { method: 'GET', headers: { origin } }]) {
      const { headers } = await askRaw(proxy, '/v1/models', asked)
      t.equal(headers['access-control-allow-origin'], undefined, `${asked.method} from '${origin}'`)
    }
  }
  const { headers } = await askRaw(proxy, '/v1/models', { headers: { origin: PAGE } })
  t.match(headers, { 'access-control-allow-origin': PAGE, vary: /origin/i })
  t.equal(headers['access-control-allow-credentials'], undefined, 'cookies mean nothing here')
})

t.test('a pattern of origins lets in what it says', async t => {
  const proxy = await startProxy(t, { CORS_ORIGINS: 'app://obsidian.md*, https://*.app.example, http://localhost:*' })
  const allowed = async (origin: string, asked: object = { headers: { origin } }) => (await askRaw(proxy, '/v1/models', asked)).headers['access-control-allow-origin']
  for (const origin of ['app://obsidian.md', 'https://a.app.example', 'http://localhost', 'http://localhost:3000']) {
    t.equal(await allowed(origin), origin)
    t.equal(await allowed(origin, preflight(origin)), origin)
  }
  for (const origin of ['app://obsidian.md.evil.example', 'https://app.example', 'https://evil.example/.app.example', 'https://a.app.example.evil.example', 'http://localhost.evil.example', 'http://localhost:3000.evil.example', 'https://localhost:3000', 'null']) {
    t.equal(await allowed(origin), undefined, origin)
    t.equal(await allowed(origin, preflight(origin)), undefined, origin)
  }
})

t.test('a preflight is answered before keys are asked for, with all headers an SDK in a browser sends', async t => {
  const proxy = await startProxy(t, { CORS_ORIGINS: PAGE, API_KEYS: 'sk-key' })
  for (const path of PATHS) {
    const asked = preflight(PAGE, ['authorization', 'content-type', 'x-api-key', ...STAINLESS])
    const { status, headers, body } = await askRaw(proxy, path, asked)
    t.match({ status, body }, { status: 204, body: '' }, path)
    t.equal(headers['access-control-allow-headers'], asked.headers['access-control-request-headers'], path)
  }
  t.equal((await askRaw(proxy, '/v1/models', { headers: { origin: PAGE } })).status, 401, 'what follows one needs a key')
  const splitting = await exchange(proxy, `OPTIONS /v1/models HTTP/1.1\r\nhost: localhost\r\norigin: ${PAGE}\r\naccess-control-request-method: POST\r\naccess-control-request-headers: x\rset-cookie: a=b\r\nconnection: close\r\n\r\n`, 'nothing that ever comes')
  t.notMatch(splitting, /^set-cookie/im, 'what is reflected splits no header')
})

/** The path `/v1/models` is asked for under this name, with these lines beside it. */
async function underName (proxy: Proxy, host: string | undefined, lines: string[] = []): Promise<number> {
  const head = ['GET /v1/models HTTP/1.1', ...(host === undefined ? [] : [`host: ${host}`]), ...lines, 'connection: close', '', '']
  return Number((await exchange(proxy, head.join('\r\n'), 'nothing that ever comes')).split(' ')[1])
}

for (const env of [{}, { HOST: '0.0.0.0', ALLOW_UNAUTHENTICATED: 'true' }, { HOST: '127.0.0.2' }]) {
  t.test(`without keys only addresses and local names are answered, ${JSON.stringify(env)}`, async t => {
    const proxy = await startProxy(t, env)
    for (const host of ['localhost', 'LocalHost', `localhost:${proxy.port}`, '127.0.0.1', `127.0.0.1:${proxy.port}`, '[::1]', '[::1]:80', '127.0.0.2', '0.0.0.0', '10.0.0.1', '169.254.169.254', '[::]', '[::ffff:127.0.0.1]', '[0:0:0:0:0:0:0:1]', 'proxy', 'host.docker.internal']) t.equal(await underName(proxy, host), 200, host)
    const foreign = [
      'evil.example', `evil.example:${proxy.port}`, 'localhost.evil.example', '127.0.0.1.nip.io', 'evil.example#localhost', 'evil.example/localhost', 'localhost@evil.example', 'evil.example?localhost', 'localhost.', 'localhost localhost',
      '127.1', '0x7f.1', '0177.0.0.1', '::1', 'rebind.network', ''
    ]
    for (const host of foreign) t.ok([400, 403].includes(await underName(proxy, host)), host)
    t.equal(await underName(proxy, undefined), 400, 'none at all')
    const helpers = ['x-forwarded-host: localhost', 'forwarded: host=localhost', 'x-host: localhost', 'x-original-host: localhost', ':authority: localhost', 'origin: http://localhost', 'referer: http://localhost/', 'host: localhost']
    for (const line of helpers) t.ok([400, 403].includes(await underName(proxy, 'evil.example', [line])), `${line} does not help`)
  })
}

t.test('nor is an absolute URL a way around the name', async t => {
  const proxy = await startProxy(t)
  const answer = await exchange(proxy, 'GET http://localhost/v1/models HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n', 'nothing that ever comes')
  t.match(answer, /^HTTP\/1\.1 403 /)
  t.match(await exchange(proxy, 'POST /v1/chat/completions HTTP/1.1\r\nhost: evil.example\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n', '}}'), /^HTTP\/1\.1 403 /, 'the body is not waited for')
})

t.test('where keys are asked for, or a list is set, names are no door', async t => {
  const keyed = await startProxy(t, { API_KEYS: 'sk-key' })
  t.equal(await underName(keyed, 'ai.example', ['authorization: Bearer sk-key']), 200)
  t.equal(await underName(keyed, 'evil.example'), 401)
  const passing = await startProxy(t, { AUTH_MODE: 'passthrough' })
  t.equal(await underName(passing, 'ai.example', ['authorization: Bearer 0123456789abcdef0123456789abcdef01234567']), 200)
  t.equal(await underName(passing, 'evil.example'), 401)
  const listed = await startProxy(t, { API_KEYS: 'sk-key', ALLOWED_HOSTS: 'ai.example' })
  t.equal(await underName(listed, 'ai.example:443', ['authorization: Bearer sk-key']), 200)
  t.equal(await underName(listed, 'evil.example', ['authorization: Bearer sk-key']), 403)
})

const BODY = JSON.stringify(saying('hi'))

t.test('what a page may post to any server without asking first reaches no model', async t => {
  const upstream = await startRecordedUpstream(t)
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: upstream.url })
  const types = [
    'text/plain', 'text/plain;charset=UTF-8', 'text/plain; application/json', 'text/plain;x=application/json', 'text/plain,application/json', 'TEXT/PLAIN', 'text/plain+json',
    'application/x-www-form-urlencoded', 'application/x-www-form-urlencoded; charset=application/json', 'multipart/form-data', 'multipart/form-data; boundary=application/json', 'multipart/form-data; boundary=x'
  ]
  for (const path of PATHS.filter(path => /completions|embeddings|responses/.test(path))) {
    for (const type of types) {
      const { status } = await fetch(proxy.url + path, { method: 'POST', headers: { 'content-type': type, origin: 'https://evil.example' }, body: BODY })
      t.ok([404, 415].includes(status), `${type} to ${path}: ${status}`)
    }
    const none = await fetch(proxy.url + path, { method: 'POST', body: new Blob([BODY]) })
    t.ok([404, 415].includes(none.status), `no type to ${path}`)
    const form = new FormData()
    form.set('model', '@cf/meta/llama-3.1-8b-instruct')
    t.ok([404, 415].includes((await fetch(proxy.url + path, { method: 'POST', body: form })).status), `a form to ${path}`)
  }
  t.strictSame(upstream.runs, [])
})

t.test('no content type is a way around the checks of a body', async t => {
  const upstream = await startRecordedUpstream(t)
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: upstream.url })
  const types = [
    'application/json', 'application/json; charset=utf-8', 'application/json;charset=utf-16', 'application/json; charset="x"', 'application/json;', 'application/json; a=b; c=d', 'APPLICATION/JSON',
    '\tapplication/json', ' application/json', 'application/json\t', 'application/json ', 'application/json\t;charset=utf-8', 'application/json ; charset=utf-8', 'application/json\u000b', 'application/json\u00a0', 'application/json\\',
    'application/jsonx', 'application/json5', 'application/vnd.api+json', 'application/ld+json', 'text/json', 'application/*+json', '*/*', 'json', 'application', '/', ';', 'application/json/x', 'application//json',
    'application/json, text/plain', 'application/json,application/json', '"application/json"', 'application/x-json', 'application/octet-stream', 'text/html', 'image/svg+xml', 'application/json\u0000'
  ]
  const wrong = JSON.stringify({ ...saying('hi'), temperature: 'hot' })
  for (const type of types) {
    const head = Buffer.from(`POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: ${type}\r\ncontent-length: ${wrong.length}\r\nconnection: close\r\n\r\n${wrong}`, 'latin1')
    const answer = await exchange(proxy, head, 'nothing that ever comes')
    t.match(answer, /^HTTP\/1\.1 (400|415) [^]+"type":"invalid_request_error"/, JSON.stringify(type))
  }
  t.strictSame(upstream.runs, [])
  t.equal((await ask(proxy, saying('hi'))).status, 200)
})
