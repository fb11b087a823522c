import t from 'tap'
import { askRaw } from '../../servers/http-client.ts'
import { startProxy, type Proxy } from '../../servers/start-proxy.ts'

const HTML = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8', 'accept-encoding': 'gzip, deflate, br, zstd' }

const SAFE = {
  'content-security-policy': "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin'
}

/** The files that the page names. */
async function filesOf (proxy: Proxy): Promise<string[]> {
  const { body } = await askRaw(proxy, '/ui/')
  return [...body.matchAll(/(?:src|href)="([^":]+)"/g)].map(([, name]) => `/ui/${name}`)
}

const CASES = [
  { name: 'a keyless server', env: {} },
  { name: 'one with keys', env: { API_KEYS: 'k', ADMIN_KEYS: 'root:a' } },
  { name: 'one for tokens of callers', env: { AUTH_MODE: 'passthrough' } }
]

for (const { name, env } of CASES) {
  t.test(`the page of ${name} is open to all, and brings its own rules`, async t => {
    const proxy = await startProxy(t, env as Record<string, string>)
    const home = await askRaw(proxy, '/', { headers: HTML })
    t.match(home, { status: 302, body: '', headers: { location: 'ui/', vary: 'accept', 'cache-control': 'no-store' } })
    t.match(await askRaw(proxy, '/ui?x'), { status: 302, body: '', headers: { location: 'ui/', ...SAFE } })
    const page = await askRaw(proxy, '/ui/', { headers: HTML })
    t.match(page, { status: 200, headers: { ...SAFE, 'content-type': 'text/html; charset=utf-8', 'content-encoding': 'br', vary: 'accept-encoding', 'cache-control': 'no-cache', etag: /^"[\w-]{22}-br"$/ } })
    const plain = await askRaw(proxy, '/ui/')
    t.match(plain, { status: 200, headers: { ...SAFE, 'content-encoding': undefined, etag: /-identity"$/ }, body: '<!doctype html>' })
    t.equal((await askRaw(proxy, '/ui/index.html')).body, plain.body)
    const files = await filesOf(proxy)
    t.match(files.join(' '), /\.js.*\.css|\.css.*\.js/)
    for (const path of files) {
      const type = path.endsWith('.js') ? 'text/javascript; charset=utf-8' : path.endsWith('.css') ? 'text/css; charset=utf-8' : 'image/svg+xml'
      const file = await askRaw(proxy, path, { headers: { 'accept-encoding': 'gzip' } })
      t.match(file, { status: 200, headers: { ...SAFE, 'content-type': type, 'content-encoding': 'gzip', 'cache-control': 'public, max-age=31536000, immutable' } }, path)
      t.notMatch((await askRaw(proxy, path)).body, /https?:\/\/(?!www\.w3\.org\/)/, 'it loads nothing from elsewhere')
    }
    t.notMatch(plain.body, /<style|<script(?![^>]* src=)|\son\w+=|\sstyle=/i, 'nothing inline')
  })
}

t.test('what a browser has is not sent again', async t => {
  const proxy = await startProxy(t)
  const [file = ''] = await filesOf(proxy)
  for (const path of ['/ui/', file]) {
    const { headers: { etag = '' }, body } = await askRaw(proxy, path)
    t.not(body, '')
    for (const known of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      t.match(await askRaw(proxy, path, { headers: { 'if-none-match': known } }), { status: 304, body: '', headers: { etag, ...SAFE } }, known)
    }
    for (const known of ['"x"', etag.replaceAll('"', ''), '']) t.equal((await askRaw(proxy, path, { headers: { 'if-none-match': known } })).status, 200, known)
    t.equal((await askRaw(proxy, path, { headers: { 'if-none-match': etag, 'accept-encoding': 'br' } })).status, 200, 'another coding is another representation')
    const head = await askRaw(proxy, path, { method: 'HEAD' })
    t.match(head, { status: 200, body: '', headers: { etag, 'content-length': String(Buffer.byteLength(body)) } })
  }
})

t.test('there is nothing else below it', async t => {
  const proxy = await startProxy(t)
  for (const path of ['/ui/nope.js', '/ui/main.ts', '/ui/index.html.br', '/ui/../package.json', '/ui/..%2fmain.js', '/ui/%2e%2e/main.js', '/ui/constructor', '/ui/__proto__', '/ui/index.html/x', '/ui/a/b/c', '/ui/%00', '/UI/', '/ui/%zz']) {
    const { status, body } = await askRaw(proxy, path)
    t.equal(status, 404, path)
    t.match(JSON.parse(body), { error: { type: 'invalid_request_error' } }, path)
  }
  for (const method of ['POST', 'PUT', 'DELETE']) t.equal((await askRaw(proxy, '/ui/', { method })).status, 405)
})

t.test('the rules for hosts hold for it', async t => {
  const proxy = await startProxy(t)
  for (const path of ['/ui/', ...await filesOf(proxy)]) t.equal((await askRaw(proxy, path, { headers: { host: 'evil.example' } })).status, 403, path)
})

t.test('it is in no figure', async t => {
  const proxy = await startProxy(t)
  for (const path of ['/ui', '/ui/', ...await filesOf(proxy), '/ui/nope.js']) await askRaw(proxy, path)
  t.notMatch((await askRaw(proxy, '/metrics')).body, /route="\/ui|route="unknown/)
})

t.test('it can be switched off', async t => {
  const proxy = await startProxy(t, { PAGE: 'false' })
  for (const path of ['/ui', '/ui/', '/ui/index.html']) t.equal((await askRaw(proxy, path)).status, 404, path)
  t.match(await askRaw(proxy, '/', { headers: HTML }), { status: 200, body: /<h1>workers-ai-proxy/ })
})
