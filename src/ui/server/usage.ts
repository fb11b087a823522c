import { Store } from '../shell/store.ts'
import { apiKey } from './api-key.ts'
import { getJson } from './call-server.ts'
import { ServerError } from './server-error.ts'

export interface UsageRow {
  requests: number
  errors: number
  input_tokens: number
  cached_input_tokens: number
  output_tokens: number
  reasoning_tokens: number
  neurons: number
  estimated_neurons: number
}

export interface AccountUsage extends UsageRow {
  account: string
  free_limit: number
  /** Null for a key that sees its own use only. */
  free_remaining: number | null
  out_reason: string | null
}

/** `GET /usage`: what was used today, in UTC. */
export interface Usage {
  date: string
  /** Unix time in seconds. */
  resets_at: number
  totals: UsageRow
  by_key: Array<UsageRow & { key: string, budget?: { limit: number, used: number } }>
  by_model: Array<UsageRow & { model: string }>
  by_account: AccountUsage[]
}

export const usage = new Store<{ today?: Usage, error?: ServerError }>({})

// What one key may see, another may not.
apiKey.subscribe(() => usage.set({}))

/** Asks for today's use. A failure is in the store. */
export async function loadUsage (): Promise<void> {
  const key = apiKey.value
  try {
    const today = await getJson<Usage>('usage')
    if (key === apiKey.value) usage.set({ today })
  } catch (error) {
    if (key === apiKey.value) usage.set({ ...usage.value, ...(error instanceof ServerError && { error }) })
  }
}
