import { hash } from 'node:crypto'
import { promisify } from 'node:util'
import { brotliCompress, brotliDecompress, constants } from 'node:zlib'
import { ProxyError } from '../../errors.ts'
import { RedisUnavailable, type Redis } from '../redis/redis.ts'
import { DELETE, FIND, GET, PUT } from './redis-scripts.ts'
import { itemsOf, pickItems, type ResponsesStore, type StoredResponse, type StoreLimits } from './store.ts'

/** What a response and an item take beside the text, in bytes: keys, and places in the index. */
const ENTRY_BYTES = 512
const ITEM_BYTES = 192

/** An id that is its own name. */
const PLAIN_ID = /^[\w.:-]{1,100}$/

/** How many bytes of responses are read at once to find items in them: together they may be more than there is memory for. */
const FOUND_AT_ONCE = 8_388_608

/** From this size on what is stored is compressed, in bytes. */
const COMPRESS_FROM = 1_048_576

/** Fast, and its window is as large as a long conversation, in which much comes again: gzip takes twice as long for ten times as much. */
const QUALITY = 4

/** Stands before what is compressed by Brotli. JSON begins otherwise. */
const BROTLI = 1

/** That byte, and the length of what was compressed. */
const HEAD_BYTES = 5

/** How soon a caller should ask again, in seconds: Redis is tried again by then. */
const RETRY_SECONDS = '5'

const compress = promisify(brotliCompress)
const decompress = promisify(brotliDecompress)

/**
 * Stores responses in Redis, for all replicas. Every operation is one round trip, unless what is found is large. While Redis is away
 * nothing is stored, and whoever asks for what may be there hears that it cannot be told, never that it is not there.
 */
export class RedisStore<Stored extends StoredResponse = StoredResponse> implements ResponsesStore<Stored> {
  readonly #redis: Redis
  readonly #limits: StoreLimits

  constructor (redis: Redis, limits: StoreLimits) {
    this.#redis = redis
    this.#limits = limits
  }

  async put (owner: string, stored: Stored): Promise<boolean> {
    const { maxBytes } = this.#limits
    if (maxBytes === 0) return false
    const text = Buffer.from(JSON.stringify(stored))
    const items = itemsOf(stored).map(({ id }) => id)
    const bytes = text.byteLength + ENTRY_BYTES + ITEM_BYTES * items.length
    if (bytes > maxBytes) return false
    const value = await toValue(text)
    try {
      return await this.#run(PUT, owner, stored.response.id, value, `${bytes}${toItemNames(items)}`, maxBytes) === 1
    } catch (error) {
      if (error instanceof RedisUnavailable) return false
      throw error
    }
  }

  /** @throws ProxyError 503 while Redis is away */
  async get (owner: string, id: string): Promise<Stored | undefined> {
    const value = await this.#ask(GET, owner, id) as Buffer | null
    return value === null ? undefined : await toStored(value)
  }

  /** @throws ProxyError 503 while Redis is away */
  async delete (owner: string, id: string): Promise<boolean> {
    return await this.#ask(DELETE, owner, id) === 1
  }

  /** @throws ProxyError 503 while Redis is away */
  async findItems (owner: string, ids: readonly string[]): Promise<Map<string, Stored['items'][number]>> {
    const found = new Map<string, Stored['items'][number]>()
    let left = ids
    while (left.length > 0) {
      const [looked, ...values] = await this.#ask(FIND, owner, FOUND_AT_ONCE, toItemNames(left)) as [number, ...Buffer[]]
      for (const value of values) for (const [id, item] of pickItems([await toStored<Stored>(value)], left)) found.set(id, item)
      left = left.slice(looked).filter(id => !found.has(id))
    }
    return found
  }

  /** The connection is closed by whoever opened it. */
  async close (): Promise<void> {}

  async #ask (lua: string, owner: string, ...args: Array<string | number>): Promise<unknown> {
    try {
      return await this.#run(lua, owner, ...args)
    } catch (error) {
      if (error instanceof RedisUnavailable) throw toUnavailable(error)
      throw error
    }
  }

  /** The text of the script goes along, which is short, because its answer may be bytes. */
  #run (lua: string, owner: string, ...args: Array<string | number | Buffer>): Promise<unknown> {
    const { now, ttlMs } = this.#limits
    return this.#redis.commandBuffer('EVAL', lua, 0, this.#redis.key(''), now(), ttlMs, owner, ...args)
  }
}

/** Ids of items as one text: a space and a word for each. Clients choose them, so one may be of any length, or no Unicode at all. */
function toItemNames (ids: readonly string[]): string {
  return ids.map(id => ` ${PLAIN_ID.test(id) ? id : `#${hash('sha256', JSON.stringify(id), 'base64url')}`}`).join('')
}

/** What is compressed has its length before it, so that nobody decompresses more than was counted. */
async function toValue (text: Buffer): Promise<Buffer> {
  if (text.byteLength <= COMPRESS_FROM) return text
  const params = { [constants.BROTLI_PARAM_QUALITY]: QUALITY, [constants.BROTLI_PARAM_SIZE_HINT]: text.byteLength }
  const head = Buffer.alloc(HEAD_BYTES, BROTLI)
  head.writeUInt32BE(text.byteLength, 1)
  return Buffer.concat([head, await compress(text, { params })])
}

async function toStored<Stored> (value: Buffer): Promise<Stored> {
  const text = value[0] === BROTLI ? await decompress(value.subarray(HEAD_BYTES), { maxOutputLength: value.readUInt32BE(1) }) : value
  return JSON.parse(text.toString()) as Stored
}

function toUnavailable (cause: RedisUnavailable): ProxyError {
  return new ProxyError('Stored responses cannot be reached at the moment. Ask again in a few seconds.', {
    status: 503,
    type: 'server_error',
    code: 'store_unavailable',
    headers: { 'retry-after': RETRY_SECONDS },
    cause
  })
}
