import type { FastifyInstance } from 'fastify'
import { InvalidRequestError, quoted } from '../../../errors.ts'
import { toOwner } from '../../../http/access/auth.ts'
import type { DeletedResponse, KeptResponse, ResponseItemList, ResponseObject } from './wire.ts'
import type { ResponsesStore } from '../../../stores/responses/store.ts'
import { toItemList, type PageOptions } from './input-items.ts'

interface Params {
  /** The part of the id after `resp_`. */
  rest: string
}

interface Query {
  limit?: string
  order?: string
  after?: string
  stream?: string
}

const MAX_LIMIT = 100
const DEFAULT_LIMIT = 20

/** `GET` and `DELETE /v1/responses/{id}` and `GET /v1/responses/{id}/input_items`: responses that the caller's key has stored. */
export function storedResponses (app: FastifyInstance, store: ResponsesStore<KeptResponse>): void {
  app.get<{ Params: Params, Querystring: Query }>('/responses/resp_:rest', async (request): Promise<ResponseObject> => {
    const id = toId(request.params)
    const stored = await store.get(toOwner(request), id) ?? notFound(id)
    if (request.query.stream === 'true') {
      throw new InvalidRequestError('This response cannot be streamed because it was not created with background=true.', { param: 'stream', code: 'unsupported_value' })
    }
    return stored.response
  })
  app.get<{ Params: Params, Querystring: Query }>('/responses/resp_:rest/input_items', async (request): Promise<ResponseItemList> => {
    const id = toId(request.params)
    const { items } = await store.get(toOwner(request), id) ?? notFound(id)
    return toItemList(items, toPage(request.query))
  })
  app.delete<{ Params: Params }>('/responses/resp_:rest', async (request): Promise<DeletedResponse> => {
    const id = toId(request.params)
    if (!await store.delete(toOwner(request), id)) notFound(id)
    return { id, object: 'response', deleted: true }
  })
}

function toId ({ rest }: Params): string {
  return `resp_${rest}`
}

function toPage ({ limit = String(DEFAULT_LIMIT), order = 'desc', after }: Query): PageOptions {
  if (order !== 'asc' && order !== 'desc') {
    throw new InvalidRequestError(`Invalid value: '${quoted(order.slice(0, 100))}'. Supported values are: 'asc' and 'desc'.`, { param: 'order', code: 'invalid_value' })
  }
  const count = /^\d{1,4}$/.test(limit) ? Number(limit) : 0
  if (count < 1 || count > MAX_LIMIT) {
    throw new InvalidRequestError(`Invalid 'limit': expected an integer from 1 to ${MAX_LIMIT}.`, { param: 'limit', code: 'invalid_value' })
  }
  return { limit: count, order, after }
}

function notFound (id: string): never {
  throw new InvalidRequestError(`Response with id '${quoted(id.slice(0, 100))}' not found.`, { param: 'id', status: 404 })
}
