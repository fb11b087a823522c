import t from 'tap'
import { ask, askRaw, saying, startProxy, waited } from '../start-proxy.ts'

t.test('it is well whatever Cloudflare does, and asks nobody', async t => {
  const proxy = await startProxy(t, { API_KEYS: 'k', CLOUDFLARE_API_BASE_URL: 'http://127.0.0.1:9' })
  for (const path of ['/health', '/livez']) {
    t.match(await askRaw(proxy, path), { status: 200, body: '{"status":"ok"}' }, path)
    t.match(await askRaw(proxy, path, { method: 'HEAD' }), { status: 200, body: '' }, path)
  }
  t.match(await askRaw(proxy, '/readyz'), { status: 200, body: '{"status":"ready"}' })
  t.strictSame(proxy.simulator.requests, [])
})

t.test('it counts the answers under way for those who ask', async t => {
  const proxy = await startProxy(t)
  const controller = new AbortController()
  const stalled = ask(proxy, saying('stall'), { signal: controller.signal })
  await waited(() => proxy.simulator.requests.length === 1)
  t.match(JSON.parse((await askRaw(proxy, '/readyz?verbose')).body), { status: 'ready', open_answers: 1, uptime_seconds: Number })
  controller.abort()
  await t.rejects(stalled)
})
