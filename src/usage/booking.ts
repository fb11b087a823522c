import type { EndedRequest } from '../telemetry/ended-requests.ts'
import { emptyBooking, type Booking, type Counts, type RowKey } from '../stores/ledger/ledger.ts'
import { toBill } from '../workers-ai/models/price.ts'
import type { Model } from '../workers-ai/models/model.ts'
import { DEFAULT_ACCOUNT, type UpstreamCall } from '../workers-ai/transport/upstream-call.ts'

/** Finds a model of the catalogue or of Cloudflare's list; undefined for any other id. */
export type FindModel = (id: string) => Model | undefined

/** Stands for a model that neither the catalogue nor Cloudflare's list knows: a client may make up any number of ids. */
const OTHER = 'other'

/** Of several accounts, none was asked for a request. */
export const NO_ACCOUNT = 'none'

/**
 * What an ended request adds to the ledger: itself, once, and each call that Cloudflare was asked for it, also those whose
 * answers were thrown away. Calls that Cloudflare refused cost nothing.
 * @param unasked the account of a request for which none was asked
 * @returns nothing for a request that asked for no model
 */
export function toBookings (ended: EndedRequest, find: FindModel, unasked: string = DEFAULT_ACCOUNT): Booking[] {
  const { record } = ended
  if (!asksForModel(ended)) return []
  const { keyLabel: key, calls = [], servedModel } = record
  const account = calls.at(-1)?.account ?? unasked
  const model = servedModel === undefined ? OTHER : nameOf(servedModel, find)
  const first = emptyBooking({ account, model, key })
  first.requests = 1
  first.errors = isError(ended) ? 1 : 0
  if (record.cache === 'hit') first.cacheHits = 1
  const bookings = [first]
  for (const call of calls) {
    if (call.usage === undefined && call.estimate === undefined && call.neurons === undefined) continue
    const name = nameOf(call.model, find)
    if (name === model && call.account === account) {
      addCall(first, call, find)
    } else {
      const booking = emptyBooking({ account: call.account, model: name, key })
      addCall(booking, call, find)
      bookings.push(booking)
    }
  }
  return bookings
}

function addCall (booking: RowKey & Counts, call: UpstreamCall, find: FindModel): void {
  const tokens = call.usage ?? call.estimate
  if (tokens !== undefined) {
    booking.inputTokens += tokens.promptTokens
    booking.cachedInputTokens += tokens.cachedTokens ?? 0
    booking.outputTokens += tokens.completionTokens
    booking.reasoningTokens += tokens.reasoningTokens ?? 0
  }
  const { microNeurons, source } = toBill(find(call.model) ?? { id: call.model, task: 'text-generation' }, call)
  if (source === 'estimated') booking.estimatedMicroNeurons += microNeurons
  else booking.microNeurons += microNeurons
  if (source === 'unpriced') booking.unpricedCalls++
  if (call.isCacheHit) booking.cacheHits++
}

/** Not a dry run, nor a question about models or about what is stored. */
function asksForModel ({ record, method, status, isCounted }: EndedRequest): boolean {
  if (record.kind !== undefined) return record.kind === 'answer'
  return isCounted && method === 'POST' && record.model !== undefined && status >= 400
}

/** A client that leaves is no error of the server. */
function isError ({ status, isAborted, record }: EndedRequest): boolean {
  return !isAborted && (status >= 400 || record.error !== undefined)
}

function nameOf (id: string, find: FindModel): string {
  return find(id) === undefined ? OTHER : id
}
