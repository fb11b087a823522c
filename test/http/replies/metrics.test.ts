import t from 'tap'
import { askRaw } from '../../servers/http-client.ts'
import { ask, LLAMA, saying, startProxy } from '../../servers/start-proxy.ts'

t.test('figures are told to whom they may be, in one format', async t => {
  const keys = { API_KEYS: 'team:k1', ADMIN_KEYS: 'ops:a1' }
  const cases: Array<{ name: string, env: Record<string, string>, key?: string, status: number }> = [
    { name: 'keyless on loopback', env: {}, status: 200 },
    { name: 'keys without administrators', env: { API_KEYS: 'team:k1' }, key: 'k1', status: 403 },
    { name: 'an administrator', env: keys, key: 'a1', status: 200 },
    { name: 'a key', env: keys, key: 'k1', status: 403 },
    { name: 'no key', env: keys, status: 401 },
    { name: 'public', env: { API_KEYS: 'team:k1', METRICS_PUBLIC: 'true' }, status: 200 },
    { name: 'public, with any key', env: { ...keys, METRICS_PUBLIC: 'true' }, key: 'x', status: 200 },
    { name: 'switched off', env: { METRICS: 'false' }, status: 404 }
  ]
  for (const { name, env, key, status } of cases) {
    const proxy = await startProxy(t, env)
    const { status: given, headers } = await askRaw(proxy, '/metrics', { headers: { accept: 'application/openmetrics-text;version=1.0.0', ...(key !== undefined && { authorization: `Bearer ${key}` }) } })
    t.equal(given, status, name)
    if (given === 200) t.equal(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8', name)
    const logged = proxy.lines().filter(({ route, path }) => route === '/metrics' || path === '/metrics')
    t.equal(logged.length, given === 200 ? 0 : 1, `${name}: only a failure is logged`)
  }
})

t.test('labels come from the configuration, never from clients', async t => {
  const proxy = await startProxy(t, { API_KEYS: 'team:k1,k2', METRICS_PUBLIC: 'true', MODEL_ALIASES: JSON.stringify({ 'gpt-sesame': LLAMA }) })
  const requests: Array<[body: object, key: string]> = [
    [saying('say hi'), 'k1'],
    [saying('say hi', { model: 'gpt-sesame' }), 'k2'],
    [saying('say hi', { model: '@cf/sesame/made-up', user: 'sesame' }), 'k1'],
    [saying('say hi', { model: 'sesame' }), 'k1'],
    [saying('say hi'), 'sesame']
  ]
  for (const [body, key] of requests) await (await ask(proxy, body, { headers: { authorization: `Bearer ${key}`, 'x-request-id': 'sesame', 'user-agent': 'sesame' } })).text()
  for (const path of ['/sesame', '/health', '/', '/favicon.ico', '/metrics']) await askRaw(proxy, path, { headers: { authorization: 'Bearer k1' } })
  const left = new AbortController()
  const response = await ask(proxy, saying('stall after 3 frames, say 10 words', { stream: true }), { headers: { authorization: 'Bearer k1' }, signal: left.signal })
  await response.body?.getReader().read()
  left.abort()
  const readText = async () => (await askRaw(proxy, '/metrics')).body
  let text = await readText()
  for (let count = 0; count < 100 && !text.includes('status="499"'); count++) text = await readText()
  const lines = text.split('\n').filter(line => line.startsWith('workers_ai_proxy_requests_total{')).sort()
  const route = 'route="/v1/chat/completions"'
  t.strictSame(lines, [
    `workers_ai_proxy_requests_total{${route},status="200",model="${LLAMA}",key="team"} 1`,
    `workers_ai_proxy_requests_total{${route},status="200",model="${LLAMA}",key="unnamed"} 1`,
    `workers_ai_proxy_requests_total{${route},status="401",model="none",key="none"} 1`,
    `workers_ai_proxy_requests_total{${route},status="404",model="other",key="team"} 2`,
    `workers_ai_proxy_requests_total{${route},status="499",model="${LLAMA}",key="team"} 1`,
    'workers_ai_proxy_requests_total{route="unknown",status="404",model="none",key="team"} 1'
  ].sort())
  t.notMatch(text, 'sesame')
})
