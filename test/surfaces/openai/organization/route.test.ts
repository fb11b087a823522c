import OpenAI from 'openai'
import t from 'tap'
import { MemoryLedger } from '../../../../src/stores/ledger/memory.ts'
import { startProxy } from '../../../servers/start-proxy.ts'

const DAY = Math.floor(Date.now() / 86_400_000) * 86_400
const BGE = '@cf/baai/bge-m3'

function filled (): MemoryLedger {
  const ledger = new MemoryLedger(Date.now)
  ledger.add([{ account: 'default', model: '@cf/a/b', key: 'ann', requests: 1, inputTokens: 10, outputTokens: 5, microNeurons: 2_000_000_000 }])
  ledger.add([{ account: 'default', model: BGE, key: 'bob', requests: 2, inputTokens: 30, microNeurons: 1_000_000_000 }])
  return ledger
}

t.test('OpenAI\'s own client reads usage and costs', async t => {
  const proxy = await startProxy(t, { API_KEYS: 'ann:k1,bob:k2', ADMIN_KEYS: 'a1' }, {}, { ledger: filled() })
  const client = new OpenAI({ baseURL: `${proxy.url}/v1`, apiKey: 'a1', adminAPIKey: 'a1', maxRetries: 0 })
  const { usage } = client.admin.organization
  const completions = await usage.completions({ start_time: DAY, group_by: ['model', 'api_key_id'], bucket_width: '1d', limit: 2 })
  t.match(completions, {
    object: 'page',
    has_more: false,
    next_page: null,
    data: [{ object: 'bucket', start_time: DAY, end_time: DAY + 86_400, results: [{ object: 'organization.usage.completions.result', model: '@cf/a/b', api_key_id: 'ann', input_tokens: 10, output_tokens: 5, num_model_requests: 1, neurons: 2_000 }] }]
  })
  t.match(await usage.embeddings({ start_time: DAY, models: [BGE] }), { data: [{ results: [{ object: 'organization.usage.embeddings.result', input_tokens: 30, num_model_requests: 2 }] }] })
  t.match(await usage.costs({ start_time: DAY, group_by: ['api_key_id'] }), { data: [{ results: [{ amount: { value: 0.022, currency: 'usd' }, api_key_id: 'ann' }, { amount: { value: 0.011 }, api_key_id: 'bob' }] }] })
  await t.rejects(usage.completions({ start_time: DAY, bucket_width: '1h' }), { status: 400, param: 'bucket_width', code: 'invalid_value' })
})

t.test('the holder of a key sees its own use, everybody else none', async t => {
  const proxy = await startProxy(t, { API_KEYS: 'ann:k1,bob:k2', ADMIN_KEYS: 'a1' }, {}, { ledger: filled() })
  const ask = async (key: string) => await fetch(`${proxy.url}/v1/organization/costs?start_time=${DAY}&group_by=api_key_id`, { headers: { authorization: `Bearer ${key}` } })
  const body = await (await ask('k1')).json() as { data: Array<{ results: unknown[] }> }
  t.match(body.data[0]?.results, [{ api_key_id: 'ann' }])
  t.equal(body.data[0]?.results.length, 1)
  t.equal((await ask('wrong')).status, 401)
})
