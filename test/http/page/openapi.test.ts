import { readFileSync } from 'node:fs'
import t from 'tap'
import { askRaw } from '../../servers/http-client.ts'
import { startProxy } from '../../servers/start-proxy.ts'

const built = readFileSync(new URL('../../../dist/openapi.json', import.meta.url), 'utf8')

t.test('the document is served to everybody, and again only where it is not known', async t => {
  for (const env of [{}, { API_KEYS: 'k' }, { AUTH_MODE: 'passthrough' }, { PAGE: 'false' }]) {
    const proxy = await startProxy(t, env as Record<string, string>)
    const plain = await askRaw(proxy, '/openapi.json')
    t.match(plain, { status: 200, headers: { 'content-type': 'application/json; charset=utf-8', 'content-encoding': undefined, vary: 'accept-encoding', 'cache-control': 'no-cache', 'x-content-type-options': 'nosniff' } })
    t.equal(plain.body, built)
    for (const coding of ['br', 'gzip']) {
      const { headers, body } = await askRaw(proxy, '/openapi.json', { headers: { 'accept-encoding': coding } })
      t.equal(headers['content-encoding'], coding)
      t.ok(body.length < built.length / 4)
    }
    t.match(await askRaw(proxy, '/openapi.json', { headers: { 'if-none-match': String(plain.headers.etag) } }), { status: 304, body: '' })
    t.match(await askRaw(proxy, '/openapi.json', { method: 'HEAD' }), { status: 200, body: '', headers: { etag: plain.headers.etag } })
    t.equal((await askRaw(proxy, '/openapi.json', { headers: { host: 'evil.example.com' } })).status, 'API_KEYS' in env || 'AUTH_MODE' in env ? 200 : 403, 'the host rule holds for it, too')
    t.strictSame((await askRaw(proxy, '/metrics')).body.match(/route="\/openapi[^}]*/), null, 'it is in no figure')
  }
})
