import t from 'tap'
import { MemoryLedger } from '../../src/stores/ledger/memory.ts'
import { toDay } from '../../src/stores/ledger/ledger.ts'
import { startProxy, ask, saying, LLAMA } from '../servers/start-proxy.ts'
import { waited } from '../servers/http-client.ts'

t.test('every request that asks for a model is booked once, when it has ended', async t => {
  const ledger = new MemoryLedger(Date.now)
  const proxy = await startProxy(t, { API_KEYS: 'ann:k1' }, {}, { ledger })
  const headers = { authorization: 'Bearer k1' }
  const rows = () => ledger.read('2000-01-01', '2100-01-01')
  const first = await ask(proxy, saying('say hi'), { headers })
  await first.text()
  await (await ask(proxy, saying('say hi', { stream: true }), { headers })).text()
  await (await ask(proxy, saying('fail with code 5006'), { headers })).text()
  await (await ask(proxy, saying('hi', { temperature: 99 }), { headers })).text()
  await (await fetch(`${proxy.url}/v1/models`, { headers })).text()
  await (await ask(proxy, saying('hi'))).text()
  await (await ask(proxy, saying('hi'), { headers: { ...headers, 'x-dry-run': 'true' } })).text()
  await waited(() => rows().reduce((sum, { requests }) => sum + requests, 0) >= 4)
  const [served] = rows().filter(({ model }) => model === LLAMA)
  t.match(served, { day: toDay(Date.now()), account: 'default', key: 'ann', requests: 3, errors: 1, estimatedMicroNeurons: 0, unpricedCalls: 0 })
  t.match(rows().filter(({ model }) => model !== LLAMA), [{ model: 'other', key: 'ann', requests: 1, errors: 1, microNeurons: 0 }])
  const billed = Math.round(Number(first.headers.get('cf-ai-neurons')) * 1e6)
  t.ok(billed > 0 && (served?.microNeurons ?? 0) > billed, 'the plain answer as its header states, and the stream')
})

t.test('with STORE_PATH the next start goes on', async t => {
  const env = { STORE_PATH: `${t.testdir()}/usage.db` }
  const reportOf = async (url: string) => await (await fetch(`${url}/usage`)).json() as { totals: { requests: number, neurons: number } }
  const first = await startProxy(t, env)
  await (await ask(first, saying('say hi'))).text()
  await first.app.close()
  const second = await startProxy(t, env)
  const { totals } = await reportOf(second.url)
  t.equal(totals.requests, 1)
  t.ok(totals.neurons > 0)
})
