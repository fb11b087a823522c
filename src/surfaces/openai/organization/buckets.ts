import { addCounts, emptyRow, type Row } from '../../../stores/ledger/ledger.ts'
import { DOLLARS_PER_1000_NEURONS, MICRO_NEURONS_PER_NEURON } from '../../../workers-ai/models/price.ts'
import { SECONDS_OF_DAY, toCursor, type UsageEndpoint, type UsageQuery } from './query.ts'
import type { Bucket, CompletionsUsage, Costs, EmbeddingsUsage, UsagePage } from './wire.ts'

export type UsageResult = CompletionsUsage | EmbeddingsUsage | Costs

/**
 * The buckets of one page, one for each UTC day, oldest first.
 * @param rows of these days
 * @param isEmbedding whether a model, by its id, makes embeddings: each usage endpoint has models of its own
 */
export function toUsagePage (
  rows: readonly Row[],
  query: UsageQuery,
  endpoint: UsageEndpoint,
  isEmbedding: (model: string) => boolean
): UsagePage<UsageResult> {
  const { firstDay, lastDay, nextDay, models, keys, isEmpty } = query
  const counted = rows.filter(({ model, key }) => !isEmpty &&
    (endpoint === 'costs' || isEmbedding(model) === (endpoint === 'embeddings')) &&
    models?.has(model) !== false && keys?.has(key) !== false)
  const days = Array.from({ length: lastDay - firstDay + 1 }, (_, index) => firstDay + index)
  const data = days.map(day => toBucket(day, counted, query, endpoint))
  return { object: 'page', data, has_more: nextDay !== undefined, next_page: nextDay === undefined ? null : toCursor(nextDay) }
}

function toBucket (dayNumber: number, rows: readonly Row[], { groupBy }: UsageQuery, endpoint: UsageEndpoint): Bucket<UsageResult> {
  const day = toIsoDay(dayNumber)
  const byModel = groupBy.has('model') || groupBy.has('line_item')
  const groups = new Map<string, Row>()
  for (const row of rows) {
    if (row.day !== day) continue
    const group = { account: '', model: byModel ? row.model : '', key: groupBy.has('api_key_id') ? row.key : '' }
    const name = `${group.model}\n${group.key}`
    const sum = groups.get(name) ?? emptyRow(day, group)
    groups.set(name, sum)
    addCounts(sum, row)
  }
  return {
    object: 'bucket',
    start_time: dayNumber * SECONDS_OF_DAY,
    end_time: (dayNumber + 1) * SECONDS_OF_DAY,
    results: [...groups.values()].map(RESULTS[endpoint])
  }
}

/** An ISO date. @param dayNumber days since 1970 */
export function toIsoDay (dayNumber: number): string {
  return new Date(dayNumber * SECONDS_OF_DAY * 1_000).toISOString().slice(0, 10)
}

const RESULTS: Record<UsageEndpoint, (sum: Row) => UsageResult> = {
  completions: ({ inputTokens, cachedInputTokens, outputTokens, requests, ...sum }) => ({
    object: 'organization.usage.completions.result',
    input_tokens: inputTokens,
    input_cached_tokens: cachedInputTokens,
    output_tokens: outputTokens,
    num_model_requests: requests,
    ...neuronsOf(sum),
    project_id: null,
    user_id: null,
    api_key_id: sum.key || null,
    model: sum.model || null,
    batch: null,
    service_tier: null
  }),
  embeddings: ({ inputTokens, requests, ...sum }) => ({
    object: 'organization.usage.embeddings.result',
    input_tokens: inputTokens,
    num_model_requests: requests,
    ...neuronsOf(sum),
    project_id: null,
    user_id: null,
    api_key_id: sum.key || null,
    model: sum.model || null
  }),
  costs: sum => {
    const neurons = (sum.microNeurons + sum.estimatedMicroNeurons) / MICRO_NEURONS_PER_NEURON
    return {
      object: 'organization.costs.result',
      amount: { value: Number((neurons / 1_000 * DOLLARS_PER_1000_NEURONS).toFixed(12)), currency: 'usd' },
      ...neuronsOf(sum),
      line_item: sum.model || null,
      quantity: sum.model === '' ? null : neurons,
      project_id: null,
      api_key_id: sum.key || null
    }
  }
}

function neuronsOf ({ microNeurons, estimatedMicroNeurons }: Pick<Row, 'microNeurons' | 'estimatedMicroNeurons'>): { neurons: number, estimated_neurons: number } {
  return { neurons: microNeurons / MICRO_NEURONS_PER_NEURON, estimated_neurons: estimatedMicroNeurons / MICRO_NEURONS_PER_NEURON }
}
