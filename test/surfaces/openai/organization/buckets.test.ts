import t from 'tap'
import { emptyRow, type Row } from '../../../../src/stores/ledger/ledger.ts'
import { toIsoDay, toUsagePage } from '../../../../src/surfaces/openai/organization/buckets.ts'
import { toCursor, toUsageQuery, type UsageEndpoint } from '../../../../src/surfaces/openai/organization/query.ts'

/** 2026-03-01, counted since 1970. */
const DAY = 20_513
const BGE = '@cf/baai/bge-m3'

function row (day: string, model: string, key: string, counts: Partial<Row>): Row {
  return { ...emptyRow(day, { account: 'default', model, key }), ...counts }
}

const rows = [
  row('2026-03-01', '@cf/a/b', 'ann', { requests: 2, inputTokens: 100, cachedInputTokens: 10, outputTokens: 20, microNeurons: 1_500_000, estimatedMicroNeurons: 500_000 }),
  row('2026-03-01', '@cf/a/b', 'bob', { requests: 1, inputTokens: 1, outputTokens: 2, microNeurons: 1 }),
  row('2026-03-01', '@cf/c/d', 'ann', { requests: 1, inputTokens: 5, outputTokens: 5, microNeurons: 1_000_000_000 }),
  row('2026-03-01', BGE, 'ann', { requests: 4, inputTokens: 40, microNeurons: 43_640 }),
  row('2026-03-03', '@cf/a/b', 'ann', { requests: 1 })
]

function page (query: Record<string, string>, endpoint: UsageEndpoint = 'completions') {
  const read = toUsageQuery({ start_time: String(DAY * 86_400), end_time: String((DAY + 3) * 86_400), ...query }, endpoint, 0)
  return toUsagePage(rows, read, endpoint, model => model === BGE)
}

t.equal(toIsoDay(DAY), '2026-03-01')

t.test('days without use have a bucket without results', t => {
  const { data, ...rest } = page({})
  t.strictSame(rest, { object: 'page', has_more: false, next_page: null })
  t.strictSame(data.map(({ object, start_time: start, end_time: end, results }) => [object, start / 86_400, end / 86_400, results.length]), [
    ['bucket', DAY, DAY + 1, 1], ['bucket', DAY + 1, DAY + 2, 0], ['bucket', DAY + 2, DAY + 3, 1]
  ])
  t.end()
})

t.test('results in OpenAI\'s shape, with neurons', t => {
  t.strictSame(page({}).data[0]?.results, [{
    object: 'organization.usage.completions.result',
    input_tokens: 106,
    input_cached_tokens: 10,
    output_tokens: 27,
    num_model_requests: 4,
    neurons: 1_001.500001,
    estimated_neurons: 0.5,
    project_id: null,
    user_id: null,
    api_key_id: null,
    model: null,
    batch: null,
    service_tier: null
  }])
  t.strictSame(page({}, 'embeddings').data[0]?.results, [{
    object: 'organization.usage.embeddings.result',
    input_tokens: 40,
    num_model_requests: 4,
    neurons: 0.04364,
    estimated_neurons: 0,
    project_id: null,
    user_id: null,
    api_key_id: null,
    model: null
  }], 'embeddings by themselves')
  t.strictSame(page({}, 'costs').data[0]?.results, [{
    object: 'organization.costs.result',
    amount: { value: 0.011022480051, currency: 'usd' },
    neurons: 1_001.543641,
    estimated_neurons: 0.5,
    line_item: null,
    quantity: null,
    project_id: null,
    api_key_id: null
  }], 'costs of both')
  t.end()
})

t.test('groups', t => {
  const groupsOf = (query: Record<string, string>, endpoint?: UsageEndpoint) =>
    page(query, endpoint).data[0]?.results.map(result => [
      result.object === 'organization.costs.result' ? result.line_item : result.model, result.api_key_id, result.neurons
    ])
  t.strictSame(groupsOf({ group_by: 'model' }), [['@cf/a/b', null, 1.500001], ['@cf/c/d', null, 1_000]])
  t.strictSame(groupsOf({ group_by: 'api_key_id' }), [[null, 'ann', 1_001.5], [null, 'bob', 0.000001]])
  t.strictSame(groupsOf({ group_by: 'model,api_key_id' }), [['@cf/a/b', 'ann', 1.5], ['@cf/a/b', 'bob', 0.000001], ['@cf/c/d', 'ann', 1_000]])
  t.strictSame(groupsOf({ group_by: 'project_id,user_id' }), [[null, null, 1_001.500001]], 'what does not exist here is one group')
  t.strictSame(groupsOf({ group_by: 'line_item' }, 'costs')?.map(([line]) => line), ['@cf/a/b', '@cf/c/d', BGE])
  t.match(page({ group_by: 'line_item' }, 'costs').data[0]?.results[1], { line_item: '@cf/c/d', quantity: 1_000, amount: { value: 0.011 } })
  t.end()
})

t.test('filters', t => {
  const neuronsOf = (query: Record<string, string>) => page(query).data[0]?.results.map(({ neurons }) => neurons)
  t.strictSame(neuronsOf({ models: '@cf/c/d' }), [1_000])
  t.strictSame(neuronsOf({ api_key_ids: 'bob' }), [0.000001])
  t.strictSame(neuronsOf({ models: '@cf/c/d', api_key_ids: 'bob' }), [])
  t.strictSame(neuronsOf({ project_ids: 'proj_1' }), [])
  t.end()
})

t.test('pages follow each other', t => {
  const first = page({ limit: '2' })
  t.match(first, { has_more: true, next_page: toCursor(DAY + 2) })
  const second = page({ limit: '2', page: first.next_page ?? '' })
  t.match(second, { has_more: false, next_page: null })
  t.strictSame([...first.data, ...second.data], page({}).data)
  t.end()
})
