import t from 'tap'
import { toContentLog } from '../../src/telemetry/content-log.ts'
import { waited } from '../servers/http-client.ts'
import { ask, API_TOKEN, saying, startProxy } from '../servers/start-proxy.ts'

t.test('content is logged only where a setting and the level ask for it', async t => {
  const log = (level: string) => ({ log: { level, trace: () => {} } }) as unknown as Parameters<typeof toContentLog>[0]
  for (const level of ['debug', 'info', 'silent']) t.equal(toContentLog(log(level), { logContent: true }), undefined, level)
  t.equal(toContentLog(log('trace'), { logContent: false }), undefined, 'the level alone')
  t.type(toContentLog(log('trace'), { logContent: true })?.sent, 'function')
})

t.test('then both bodies are, with the id of their request, and still no secret', async t => {
  const proxy = await startProxy(t, { LOG_CONTENT: 'true', API_KEYS: 'client-key-4711' })
  const headers = { authorization: 'Bearer client-key-4711', 'x-request-id': 'mine' }
  for (const stream of [false, true]) await (await ask(proxy, saying('say answer-sesame', { stream }), { headers })).text()
  const lines = () => proxy.lines().filter(({ level }) => level === 10)
  await waited(() => lines().length === 4)
  t.match(lines(), [
    { requestId: 'mine', msg: 'sent to Cloudflare', body: /"say answer-sesame"/ },
    { requestId: 'mine', msg: 'received from Cloudflare', body: /"answer-sesame/ },
    { msg: 'sent to Cloudflare', body: /"stream":true/ },
    { msg: 'received from Cloudflare', body: /^data: [^]+\[DONE\]/ }
  ])
  t.notMatch(proxy.log(), /client-key-4711/)
  t.notMatch(proxy.log(), API_TOKEN)
})

t.test('by default no level is enough', async t => {
  const proxy = await startProxy(t, { LOG_LEVEL: 'trace' })
  await (await ask(proxy, saying('say answer-sesame'))).text()
  await waited(() => proxy.lines().some(({ msg }) => msg === 'request'))
  t.notMatch(proxy.log(), /sesame/)
})
