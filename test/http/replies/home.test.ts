import t from 'tap'
import { askRaw } from '../../servers/http-client.ts'
import { startProxy } from '../../servers/start-proxy.ts'

const HTML = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }

t.test('where there is no page, a browser is shown what this is and where its base URL is', async t => {
  const cases = [
    { name: 'without keys', env: {}, says: /It asks for no key/ },
    { name: 'with keys', env: { API_KEYS: 'secret-key' }, says: /Authorization: Bearer YOUR_KEY/ },
    { name: 'with tokens of callers', env: { AUTH_MODE: 'passthrough' }, says: /their own Cloudflare API token/ }
  ]
  for (const { name, env, says } of cases) {
    const proxy = await startProxy(t, { ...env as Record<string, string>, PAGE: 'false' })
    const page = await askRaw(proxy, '/', { headers: HTML })
    t.match(page, { status: 200, headers: { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': /default-src 'none'/, 'x-content-type-options': 'nosniff' } }, name)
    t.match(page.body, `<code>http://127.0.0.1:${proxy.port}/v1</code>`)
    t.match(page.body, says)
    t.notMatch(page.body, 'secret-key')
    const text = await askRaw(proxy, '/')
    t.match(text, { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: `base URL   http://127.0.0.1:${proxy.port}/v1\n` })
    t.match(text.body, says)
    t.match(await askRaw(proxy, '/favicon.ico'), { status: 204, body: '' })
    t.match(await askRaw(proxy, '/robots.txt'), { status: 200, body: 'User-agent: *\nDisallow: /\n' })
    const { status, body } = await askRaw(proxy, '/', { method: 'HEAD', headers: HTML })
    t.same({ status, body }, { status: 200, body: '' })
  }
})

t.test('the base URL is that of the address it was reached by, and nothing else gets into the page', async t => {
  const proxy = await startProxy(t, { API_KEYS: 'k', PAGE: 'false' })
  const cases = [
    { host: 'ai.example:443', more: { 'x-forwarded-proto': 'https' }, url: 'https://ai.example:443/v1' },
    { host: '[::1]:8686', more: {}, url: 'http://[::1]:8686/v1' },
    { host: '"><script>alert(1)</script>', more: {}, url: '/v1' },
    { host: 'a.example/x?y', more: { 'x-forwarded-proto': '"><b>' }, url: '/v1' }
  ]
  for (const { host, more, url } of cases) {
    const { status, body } = await askRaw(proxy, '/', { headers: { ...HTML, ...more, host } as unknown as Record<string, string> })
    t.equal(status, 200, host)
    t.match(body, `<code>${url}</code>`)
    t.notMatch(body, /<script|<b>/)
  }
})

t.test('a browser is led to the page, and nobody else is', async t => {
  const proxy = await startProxy(t, { API_KEYS: 'k' })
  const headers = { location: 'ui/', vary: 'accept', 'cache-control': 'no-store' }
  for (const method of ['GET', 'HEAD']) t.match(await askRaw(proxy, '/', { method, headers: HTML }), { status: 302, headers, body: '' })
  for (const accept of ['', '*/*', 'application/json', 'text/plain']) t.match(await askRaw(proxy, '/', { headers: { accept } }), { status: 200, body: /^workers-ai-proxy\n/ }, accept)
})
