import t from 'tap'
import { toRateHeaders } from '../../../src/surfaces/anthropic/rate-headers.ts'
import { startProxy } from '../../servers/start-proxy.ts'
import { sendMessage } from '../../streams/message-stream.ts'

const NOON = new Date('2026-11-29T12:00:00.250Z')
t.strictSame(toRateHeaders({}, NOON), {})
t.strictSame(toRateHeaders({ requests: { limit: 60, remaining: 59, resetMs: 1_000 }, tokens: { limit: 1_000, remaining: 0, resetMs: 0 } }, NOON), {
  'anthropic-ratelimit-requests-limit': '60',
  'anthropic-ratelimit-requests-remaining': '59',
  'anthropic-ratelimit-requests-reset': '2026-11-29T12:00:01Z',
  'anthropic-ratelimit-tokens-limit': '1000',
  'anthropic-ratelimit-tokens-remaining': '0',
  'anthropic-ratelimit-tokens-reset': '2026-11-29T12:00:00Z'
})

t.test('a key with limits reads them in Anthropic\'s headers', async t => {
  const proxy = await startProxy(t, { API_KEYS: 'alice:sk-1', KEY_LIMITS: JSON.stringify({ alice: { rpm: 2, models: ['llama-3.3-70b-instruct-fp8-fast'] } }) })
  const ask = (rest: object = {}) => sendMessage(proxy, { model: 'llama-3.3-70b-instruct-fp8-fast', max_tokens: 10, messages: [{ role: 'user', content: 'say hi' }], ...rest }, { headers: { 'x-api-key': 'sk-1' } })
  const first = await ask()
  t.match(Object.fromEntries(first.headers), { 'anthropic-ratelimit-requests-limit': '2', 'anthropic-ratelimit-requests-remaining': '1', 'anthropic-ratelimit-requests-reset': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/ })
  t.equal(first.headers.get('x-ratelimit-limit-requests'), null)
  const second = await ask({ stream: true })
  t.equal(second.headers.get('anthropic-ratelimit-requests-remaining'), '0')
  await second.text()
  const third = await ask()
  t.equal(third.status, 429)
  t.match(await third.json(), { type: 'error', error: { type: 'rate_limit_error', message: /requests per minute/ } })
  t.match(Object.fromEntries(third.headers), { 'retry-after': /^\d+$/, 'x-should-retry': 'true', 'anthropic-ratelimit-requests-remaining': '0' })
  t.match(await (await ask({ model: '@cf/zai-org/glm-4.7-flash' })).json(), { error: { type: 'permission_error', message: /does not have access/ } })
})
