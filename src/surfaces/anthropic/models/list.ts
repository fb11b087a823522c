import { InvalidRequestError, quoted } from '../../../errors.ts'
import type { ListedModel } from '../../../inference/models.ts'
import type { AnthropicModelList, AnthropicModel } from './wire.ts'

/** Query of `GET /v1/models`; a parameter that is given twice is a list. */
export interface PageQuery {
  limit?: string | string[]
  after_id?: string | string[]
  before_id?: string | string[]
}

const DEFAULT_LIMIT = 20
const MAX_LIMIT = 1_000

export function toModelObject ({ name: id, model }: ListedModel): AnthropicModel {
  const bare = model.id.slice(model.id.lastIndexOf('/') + 1)
  return {
    type: 'model',
    id,
    display_name: id === model.id ? bare : `${id} (${bare})`,
    created_at: new Date((model.created ?? 0) * 1_000).toISOString().replace('.000', ''),
    max_input_tokens: model.contextWindow ?? null,
    max_tokens: model.maxOutputTokens ?? null
  }
}

/**
 * One page of the models that chat, by every name they have.
 * @throws InvalidRequestError for a limit that is none, and an id that is not listed
 */
export function toModelList (listed: readonly ListedModel[], { limit, after_id: after, before_id: before }: PageQuery): AnthropicModelList {
  const chats = listed.filter(({ model }) => model.task === 'text-generation')
  const count = toLimit(limit)
  const start = after === undefined ? 0 : placeOf(chats, after, 'after_id') + 1
  const end = before === undefined ? chats.length : placeOf(chats, before, 'before_id')
  const rest = chats.slice(start, end)
  // Who goes backwards wants what is nearest.
  const page = (before === undefined ? rest.slice(0, count) : rest.slice(-count)).map(toModelObject)
  return { data: page, has_more: rest.length > page.length, first_id: page.at(0)?.id ?? null, last_id: page.at(-1)?.id ?? null }
}

function toLimit (limit: string | string[] | undefined): number {
  if (limit === undefined) return DEFAULT_LIMIT
  const count = Number(limit)
  if (Number.isInteger(count) && count >= 1 && count <= MAX_LIMIT) return count
  throw new InvalidRequestError(`limit: Input should be an integer from 1 to ${MAX_LIMIT}`, { param: 'limit', code: 'invalid_value' })
}

function placeOf (listed: readonly ListedModel[], id: string | string[], param: string): number {
  if (typeof id !== 'string') throw new InvalidRequestError(`${param}: Input should be given once`, { param, code: 'invalid_value' })
  const place = listed.findIndex(({ name }) => name === id)
  if (place === -1) throw new InvalidRequestError(`${param}: '${quoted(id.slice(0, 100))}' is not in the list`, { param, code: 'invalid_value' })
  return place
}
