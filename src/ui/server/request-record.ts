/** One request that ended, as `GET /events` tells it. What is not known is null. */
export interface RequestRecord {
  /** A client may have chosen it, and may choose one twice. */
  id: string
  /** Unix time in milliseconds. */
  ended_at: number
  key?: string
  method?: string
  route?: string
  model?: string | null
  served?: string | null
  /** Null for what asks no model, such as a list. */
  operation?: string | null
  status: number
  stream?: boolean
  input_tokens?: number | null
  cached_input_tokens?: number | null
  output_tokens?: number | null
  reasoning_tokens?: number | null
  neurons?: number | null
  first_token_ms?: number | null
  duration_ms?: number | null
  attempts?: number
  retries?: number
  /** As in `x-proxy-warnings`. */
  changes?: readonly string[]
  error?: string | null
  /** Only for who may see everybody's requests. */
  account?: string | null
  /** The caller only wanted to see what would be sent. */
  dry_run?: boolean
}

/** What no other record has. */
export function toIdentity ({ id, ended_at: endedAt }: RequestRecord): string {
  return `${endedAt} ${id}`
}

/** Whether a model was asked, or was to be asked. */
export function asksModel ({ operation, dry_run: isDryRun }: Pick<RequestRecord, 'operation' | 'dry_run'>): boolean {
  return operation != null && isDryRun !== true
}

/** Whether the caller got something else than an answer. */
export function isFailure ({ status, error }: Pick<RequestRecord, 'status' | 'error'>): boolean {
  return status >= 400 || error != null
}

/** @returns undefined for what is no record: a server of another version may tell other things */
export function toRecord (text: string): RequestRecord | undefined {
  try {
    const record = JSON.parse(text) as Partial<RequestRecord> | null
    if (typeof record?.id === 'string' && typeof record.ended_at === 'number' && typeof record.status === 'number') return record as RequestRecord
  } catch {}
  return undefined
}

/** How many requests the server says it left out; 0 for what says nothing of that. */
export function toDropped (text: string): number {
  try {
    const { id, count } = JSON.parse(text) as { id?: unknown, count?: unknown }
    return id === undefined && typeof count === 'number' ? count : 0
  } catch {
    return 0
  }
}
