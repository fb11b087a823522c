/** A page of buckets, as OpenAI's usage and cost endpoints answer. */
export interface UsagePage<Result> {
  object: 'page'
  data: Array<Bucket<Result>>
  has_more: boolean
  /** What `page` of the next request is. */
  next_page: string | null
}

/** One UTC day. */
export interface Bucket<Result> {
  object: 'bucket'
  /** Unix time in seconds, inclusive. */
  start_time: number
  /** Unix time in seconds, exclusive. */
  end_time: number
  /** One for each group; none for a day without use. */
  results: Result[]
}

/** What a result is grouped by. What it is not grouped by, and what this proxy does not have, is null. */
interface Group {
  project_id: null
  api_key_id: string | null
}

interface UsageGroup extends Group {
  user_id: null
  model: string | null
}

/** Beside OpenAI's members. */
interface NeuronCounts {
  /** Of calls whose neurons or tokens Cloudflare stated. */
  neurons: number
  /** Of calls that ended without a count. */
  estimated_neurons: number
}

export interface CompletionsUsage extends UsageGroup, NeuronCounts {
  object: 'organization.usage.completions.result'
  input_tokens: number
  input_cached_tokens: number
  output_tokens: number
  num_model_requests: number
  batch: null
  service_tier: null
}

export interface EmbeddingsUsage extends UsageGroup, NeuronCounts {
  object: 'organization.usage.embeddings.result'
  input_tokens: number
  num_model_requests: number
}

export interface Costs extends Group, NeuronCounts {
  object: 'organization.costs.result'
  amount: { value: number, currency: 'usd' }
  /** The model, when grouped by it. */
  line_item: string | null
  /** Neurons, when grouped by line item. */
  quantity: number | null
}
