import t from 'tap'
import { toDay } from '../../src/stores/ledger/ledger.ts'
import { MemoryLedger } from '../../src/stores/ledger/memory.ts'
import { startProxy, type Proxy } from '../servers/start-proxy.ts'

const TODAY = toDay(Date.now())

async function ask ({ url }: Pick<Proxy, 'url'>, path: string, key?: string): Promise<{ status: number, body: Record<string, unknown> }> {
  const response = await fetch(url + path, { headers: key === undefined ? {} : { authorization: `Bearer ${key}` } })
  return { status: response.status, body: await response.json() as Record<string, unknown> }
}

function filled (): MemoryLedger {
  const ledger = new MemoryLedger(Date.now)
  for (const key of ['ann', 'bob']) ledger.add([{ account: 'default', model: '@cf/a/b', key, requests: 1, microNeurons: 2_000_000 }])
  return ledger
}

t.test('on a keyless loopback server everybody sees all', async t => {
  const proxy = await startProxy(t, { FREE_NEURONS_PER_DAY: '100' }, {}, { ledger: filled() })
  const { status, body } = await ask(proxy, '/usage')
  t.equal(status, 200)
  t.match(body, { object: 'usage', date: TODAY, totals: { requests: 2, neurons: 4 }, by_account: [{ account: 'default', free_limit: 100, free_remaining: 96, out_until: null }] })
  t.strictSame((await ask(proxy, `/usage?date=${TODAY}`)).body, body)
  t.match(await ask(proxy, '/usage?date=2026-03-01'), { status: 200, body: { date: '2026-03-01', totals: { requests: 0 }, by_account: [{ free_remaining: 100 }] } })
  t.strictSame(proxy.lines().filter(({ msg }) => msg === 'request'), [], 'it is no request of the log')
})

t.test('a bad parameter is named', async t => {
  const proxy = await startProxy(t)
  for (const date of ['today', '2026-02-30', '2026-3-1', '', '2026-03-01&date=2026-03-02']) {
    t.match(await ask(proxy, `/usage?date=${date}`), { status: 400, body: { error: { param: 'date', type: 'invalid_request_error', message: /one day in UTC, as 2026-03-01/ } } }, date)
  }
  t.match(await ask(proxy, '/usage?day=2026-03-01'), { status: 400, body: { error: { param: 'day', message: /the only parameter is 'date'/ } } })
})

t.test('an administrator sees all, the holder of a key its own use', async t => {
  const proxy = await startProxy(t, { API_KEYS: 'ann:k1,bob:k2', ADMIN_KEYS: 'ops:a1' }, {}, { ledger: filled() })
  t.equal((await ask(proxy, '/usage')).status, 401)
  t.equal((await ask(proxy, '/usage', 'wrong')).status, 401)
  t.match((await ask(proxy, '/usage', 'a1')).body, { totals: { requests: 2 }, by_key: [{ key: 'ann' }, { key: 'bob' }] })
  const own = (await ask(proxy, '/usage', 'k2')).body
  t.match(own, { totals: { requests: 1 }, by_key: [{ key: 'bob', neurons: 2 }], by_account: [{ free_remaining: null }] })
  t.notMatch(JSON.stringify(own), 'ann')
})

t.test('Cloudflare\'s refusal shows', async t => {
  const proxy = await startProxy(t)
  const response = await fetch(`${proxy.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: '@cf/meta/llama-3.2-1b-instruct', messages: [{ role: 'user', content: 'fail with code 4006' }] })
  })
  t.equal(response.status, 429)
  await response.text()
  const { body } = await ask(proxy, '/usage')
  t.match(body, { by_account: [{ free_remaining: 0, out_reason: 'cloudflare', out_until: body['resets_at'] }] })
  t.match(proxy.lines().filter(({ msg }) => String(msg).startsWith('Cloudflare says')), [{ level: 40, account: 'default', counted: 0, limit: 10_000 }])
})

t.test('what only this process knows is told as that', async t => {
  const ledger = filled()
  const { read } = ledger
  ledger.read = (first, last) => Object.assign(read.call(ledger, first, last), { isPartial: true as const })
  const proxy = await startProxy(t, {}, {}, { ledger })
  const response = await fetch(`${proxy.url}/usage`)
  t.equal(response.headers.get('x-proxy-warnings'), 'usage partial')
  t.match(await response.json(), { partial: true, totals: { requests: 2 } })
  const costs = await fetch(`${proxy.url}/v1/organization/costs?start_time=${Math.floor(Date.now() / 1_000) - 60}`)
  t.equal(costs.headers.get('x-proxy-warnings'), 'usage partial')
  t.match(await costs.json(), { object: 'page' })
})
