import t from 'tap'
import { API_TOKEN, LLAMA, startProxy, type Proxy } from '../servers/start-proxy.ts'

interface Asked {
  method?: string
  body?: object
}

async function call ({ url }: Proxy, path: string, credentials: Record<string, string>, { method = 'GET', body }: Asked = {}): Promise<{ status: number, json: { id?: string } }> {
  const response = await fetch(url + path, { method, headers: { ...credentials, ...(body && { 'content-type': 'application/json' }) }, ...(body && { body: JSON.stringify(body) }) })
  return { status: response.status, json: await response.json() as { id?: string } }
}

const settings: Array<{ name: string, env: Record<string, string>, owner: Record<string, string>, strangers: Array<Record<string, string>> }> = [
  { name: 'another key', env: { API_KEYS: 'ann:sk-ann,bob:sk-bob' }, owner: { authorization: 'Bearer sk-ann' }, strangers: [{ authorization: 'Bearer sk-bob' }] },
  { name: 'another token of Cloudflare', env: { AUTH_MODE: 'passthrough' }, owner: { authorization: `Bearer ${API_TOKEN}` }, strangers: [{ authorization: 'Bearer anything' }, { 'x-api-key': 'anything' }, { authorization: `Bearer ${API_TOKEN}x` }] }
]
for (const { name, env, owner, strangers } of settings) {
  t.test(`what one caller has stored, ${name} neither reads, nor goes on from, nor deletes`, async t => {
    const proxy = await startProxy(t, env)
    const { status, json: { id = '' } } = await call(proxy, '/v1/responses', owner, { method: 'POST', body: { model: LLAMA, input: 'say secret-0815' } })
    t.equal(status, 200)
    for (const stranger of strangers) {
      const calls = [
        await call(proxy, `/v1/responses/${id}`, stranger),
        await call(proxy, `/v1/responses/${id}/input_items`, stranger),
        await call(proxy, `/v1/responses/${id}`, stranger, { method: 'DELETE' }),
        await call(proxy, '/v1/responses', stranger, { method: 'POST', body: { model: LLAMA, input: 'say more', previous_response_id: id } }),
        await call(proxy, `/openai/v1/responses/${id}`, stranger),
        await call(proxy, `/openai/responses/${id}/input_items?api-version=1`, stranger),
        await call(proxy, `/openai/responses/${id}`, stranger, { method: 'DELETE' }),
        await call(proxy, `/openai/deployments/${LLAMA}/responses`, stranger, { method: 'POST', body: { input: 'say more', previous_response_id: id } }),
        await call(proxy, '/v1/responses/compact', stranger, { method: 'POST', body: { model: LLAMA, previous_response_id: id } })
      ]
      for (const { status, json } of calls) {
        t.ok([400, 404].includes(status), `${status}`)
        t.notMatch(JSON.stringify(json), /secret-0815/)
      }
    }
    t.equal(proxy.simulator.requests.length, 1, 'nothing was asked in a stranger\'s name')
    t.equal((await call(proxy, `/v1/responses/${id}`, owner)).status, 200)
    t.equal((await call(proxy, `/v1/responses/${id}`, owner, { method: 'DELETE' })).status, 200)
    t.equal((await call(proxy, `/v1/responses/${id}`, owner)).status, 404)
  })
}
