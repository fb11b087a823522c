import t from 'tap'
import { askRaw, startProxy } from '../start-proxy.ts'

t.test('it is well whatever Cloudflare does, and asks nobody', async t => {
  const proxy = await startProxy(t, { API_KEYS: 'k', CLOUDFLARE_API_BASE_URL: 'http://127.0.0.1:9' })
  t.match(await askRaw(proxy, '/health'), { status: 200, body: '{"status":"ok"}' })
  t.match(await askRaw(proxy, '/health', { method: 'HEAD' }), { status: 200, body: '' })
  t.strictSame(proxy.simulator.requests, [])
})
