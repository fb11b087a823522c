import { randomUUID } from 'node:crypto'
import type { Redis, RedisScript } from '../redis/redis.ts'
import { COUNTS, emptyRow, STORED_NAMES, toDay, type Row, type RowKey } from './ledger.ts'

const DAY_MS = 86_400_000

/** How long a row is kept after it was made: one day more than it is read. */
const ROW_SECONDS = 401 * 86_400

/** How long it is known which batch of a process came last. One that waits longer for its answer could be added twice. */
const WRITER_SECONDS = 30 * 86_400

/** Most days or rows that are read at once: others are served between them. */
const MAX_AT_ONCE = 500

const NAMES = COUNTS.map(count => STORED_NAMES[count])

/**
 * Adds a batch, unless the same or a later one of its writer has been added. It writes the number first: whatever happens,
 * nothing is added twice. A counter that cannot be added to is left as it is, and keeps no other from being counted.
 *
 * KEYS: the writer; then for each row the row and the set of its day. ARGV: the number of the batch, and how many seconds the
 * writer and rows are kept; then for each row its name in the set, how many counters follow, and each with what it grows by.
 */
const ADD: RedisScript = {
  name: 'addUsage',
  lua: `
    if tonumber(redis.call('GET', KEYS[1]) or '0') >= tonumber(ARGV[1]) then return 0 end
    redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
    local at = 4
    for index = 2, #KEYS, 2 do
      local name, last = ARGV[at], at + 1 + 2 * tonumber(ARGV[at + 1])
      for counter = at + 2, last, 2 do
        redis.pcall('HINCRBY', KEYS[index], ARGV[counter], ARGV[counter + 1])
      end
      if redis.call('SADD', KEYS[index + 1], name) == 1 then
        redis.call('EXPIRE', KEYS[index], ARGV[3])
        redis.call('EXPIRE', KEYS[index + 1], ARGV[3])
      end
      at = last + 1
    end
    return 1
  `
}

/** KEYS: rows. ARGV: counters. @returns a text for each row, with all counters: it is read ten times as fast as a list of each */
const READ: RedisScript = {
  name: 'readUsage',
  lua: `
    local rows = {}
    for index, key in ipairs(KEYS) do
      local counts = redis.call('HMGET', key, unpack(ARGV))
      for at = 1, #ARGV do counts[at] = counts[at] or '0' end
      rows[index] = table.concat(counts, ' ')
    end
    return rows
  `
}

/**
 * The rows of a ledger in Redis: `usage:{day}:{account}:{model}:{key}` is a hash of counters, `usage:{day}` the set of the
 * rows of a day. Each writer adds its batches one after the other, under numbers that grow: one that is sent again because
 * its answer was lost is not added again.
 */
export class RedisRows {
  readonly #redis: Redis
  readonly #writer: string

  constructor (redis: Redis) {
    this.#redis = redis
    this.#writer = redis.key('usage-writer', randomUUID())
  }

  /**
   * Adds rows, all or none.
   * @param number of the batch, the same when it is sent again
   * @throws RedisUnavailable when nobody knows whether it was added
   */
  async add (number: number, rows: readonly Row[]): Promise<void> {
    const keys = [this.#writer]
    const args: Array<string | number> = [number, WRITER_SECONDS, ROW_SECONDS]
    for (const row of rows) {
      const name = toName(row)
      const counts = COUNTS.filter(count => row[count] > 0)
      keys.push(this.#keyOf(row.day, name), this.#keyOf(row.day))
      args.push(name, counts.length, ...counts.flatMap(count => [STORED_NAMES[count], toWhole(row[count])]))
    }
    await this.#redis.script(ADD, keys, args)
  }

  /**
   * @param first ISO date of the first day
   * @param last ISO date of the last day
   * @returns in the order of their days
   * @throws RedisUnavailable
   */
  async read (first: string, last: string): Promise<Row[]> {
    const days = toDays(first, last)
    const sets = await inPieces(days, days => this.#redis.pipeline(days.map(day => ['SMEMBERS', this.#keyOf(day)]))) as string[][]
    const rows = days.flatMap((day, index) => (sets[index] ?? []).sort().map(name => ({ day, name })))
    const counts = await inPieces(rows, async rows => {
      const keys = rows.map(({ day, name }) => this.#keyOf(day, name))
      return await this.#redis.script(READ, keys, NAMES) as string[]
    })
    return rows.map(({ day, name }, index) => toRow(day, name, counts[index] ?? ''))
  }

  #keyOf (day: string, ...name: string[]): string {
    return this.#redis.key('usage', day, ...name)
  }
}

async function inPieces<Item, Answer> (items: readonly Item[], ask: (items: Item[]) => Promise<Answer[]>): Promise<Answer[]> {
  const answers: Answer[] = []
  for (let begin = 0; begin < items.length; begin += MAX_AT_ONCE) answers.push(...await ask(items.slice(begin, begin + MAX_AT_ONCE)))
  return answers
}

/** What Redis takes for a number: an upstream that counts wrongly may say any. */
function toWhole (count: number): number {
  return Math.min(Math.round(count), Number.MAX_SAFE_INTEGER)
}

/** The name of a row within its day. */
function toName ({ account, model, key }: RowKey): string {
  return [account, model, key].map(escaped).join(':')
}

/** Names may have colons: one stands between them. */
function escaped (name: string): string {
  return name.replaceAll('%', '%25').replaceAll(':', '%3A')
}

function unescaped (name: string): string {
  return name.replaceAll('%3A', ':').replaceAll('%25', '%')
}

function toRow (day: string, name: string, text: string): Row {
  const [account = '', model = '', key = ''] = name.split(':').map(unescaped)
  const row = emptyRow(day, { account, model, key })
  const counts = text.split(' ')
  for (const [index, count] of COUNTS.entries()) row[count] = Number(counts[index])
  return row
}

function toDays (first: string, last: string): string[] {
  const days: string[] = []
  for (let ms = Date.parse(first); toDay(ms) <= last; ms += DAY_MS) days.push(toDay(ms))
  return days
}
