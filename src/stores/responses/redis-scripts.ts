/**
 * What the store of responses in Redis does, each in one round trip. ARGV of all: the prefix of the keys, the time and the time to
 * live in milliseconds, and the owner. The keys are
 *
 * - `resp:{owner}:{id}`: what is stored;
 * - `bytes:{owner}`: ids by their last use; `sizes:{owner}`: by id the size and the names of the items, with spaces between;
 * - `items:{owner}`: by the name of an item the latest response that has it;
 * - `owners`: owners by the size of all they store; `oldest`: owners by a time before which none of theirs was last used;
 * - `stored`: the size of everything.
 *
 * A script that fails after its first write leaves half of what it does, so none decodes anything: clients choose the ids of items, and
 * what stands for one here is its name, a word by `toItemNames`.
 *
 * Room for one owner is made by removing responses of another, whose keys cannot be known before: it is one server, no cluster.
 */

/** What Redis waits beyond the time to live, in milliseconds: clocks of replicas differ, and sizes are subtracted before. */
const SLACK_MS = 3_600_000

const COMMON = `
  local prefix, now, ttl, owner = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
  local lifetime = string.format('%.0f', ttl + ${SLACK_MS})
  local stored, owners, oldest = prefix .. 'stored', prefix .. 'owners', prefix .. 'oldest'

  local function key (name, whose) return prefix .. name .. ':' .. whose end

  local function response (whose, id) return prefix .. 'resp:' .. whose .. ':' .. id end

  local function sizeOf (facts) return tonumber(string.match(facts, '^%d+')) end

  local function namesOf (facts) return string.gmatch(facts, ' (%S+)') end

  local function forget (whose, bytes)
    if tonumber(redis.call('ZINCRBY', owners, -bytes, whose)) <= 0 then
      redis.call('ZREM', owners, whose)
      redis.call('ZREM', oldest, whose)
    end
    if redis.call('DECRBY', stored, bytes) <= 0 then redis.call('DEL', stored) end
  end

  local function remove (whose, id)
    local facts = redis.call('HGET', key('sizes', whose), id)
    redis.call('ZREM', key('bytes', whose), id)
    redis.call('UNLINK', response(whose, id))
    if not facts then return 0 end
    redis.call('HDEL', key('sizes', whose), id)
    for item in namesOf(facts) do
      if redis.call('HGET', key('items', whose), item) == id then redis.call('HDEL', key('items', whose), item) end
    end
    forget(whose, sizeOf(facts))
    return 1
  end

  -- Scores grow within an owner, so that what was used in the same millisecond has an order too.
  local function stamp (id)
    local last = tonumber(redis.call('ZRANGE', key('bytes', owner), -1, -1, 'WITHSCORES')[2] or '0')
    redis.call('ZADD', key('bytes', owner), last < now and now or last + 1 / 1024, id)
    for _, name in ipairs({ 'bytes', 'sizes', 'items' }) do redis.call('PEXPIRE', key(name, owner), lifetime) end
    for _, name in ipairs({ stored, owners, oldest }) do redis.call('PEXPIRE', name, lifetime) end
  end

  local function use (id)
    local at = redis.call('ZSCORE', key('bytes', owner), id)
    if not at or tonumber(at) <= now - ttl then return false end
    stamp(id)
    return redis.call('GETEX', response(owner, id), 'PX', lifetime)
  end

  -- A little each time: whoever comes next goes on.
  local function expire ()
    for _ = 1, 20 do
      local whose = redis.call('ZRANGEBYSCORE', oldest, '-inf', now - ttl, 'LIMIT', 0, 1)[1]
      if not whose then return end
      local gone = redis.call('ZRANGEBYSCORE', key('bytes', whose), '-inf', now - ttl, 'LIMIT', 0, 50)
      for _, id in ipairs(gone) do remove(whose, id) end
      local left = redis.call('ZRANGE', key('bytes', whose), 0, 0, 'WITHSCORES')
      if left[2] then
        redis.call('ZADD', oldest, left[2], whose)
      else
        -- Its keys may have ended by themselves, and its size must not stay behind.
        redis.call('ZREM', oldest, whose)
        local size = redis.call('ZSCORE', owners, whose)
        if size then forget(whose, tonumber(size)) end
      end
    end
  end
`

/** ARGV: the id, what is stored, its size and the names of its items, and how much may be stored. @returns whether it is kept */
export const PUT = `${COMMON}
  local id, facts, most = ARGV[5], ARGV[7], tonumber(ARGV[8])
  local bytes = sizeOf(facts)
  expire()
  remove(owner, id)
  redis.call('SET', response(owner, id), ARGV[6], 'PX', lifetime)
  redis.call('HSET', key('sizes', owner), id, facts)
  for item in namesOf(facts) do redis.call('HSET', key('items', owner), item, id) end
  redis.call('ZINCRBY', owners, bytes, owner)
  redis.call('ZADD', oldest, 'NX', now, owner)
  redis.call('INCRBY', stored, bytes)
  stamp(id)
  for _ = 1, 1000 do
    if tonumber(redis.call('GET', stored) or '0') <= most then break end
    local largest = redis.call('ZRANGE', owners, -1, -1, 'WITHSCORES')
    if not largest[1] then redis.call('DEL', stored) break end
    local first = redis.call('ZRANGE', key('bytes', largest[1]), 0, 0)[1]
    -- Without a first one it is a size of nothing, as when Redis itself has made room.
    if first then remove(largest[1], first) else forget(largest[1], tonumber(largest[2])) end
  end
  return redis.call('EXISTS', response(owner, id))
`

/** ARGV: the id. @returns what is stored, or nothing */
export const GET = `${COMMON}
  expire()
  return use(ARGV[5])
`

/** ARGV: the id. @returns whether there was one */
export const DELETE = `${COMMON}
  expire()
  return remove(owner, ARGV[5])
`

/**
 * ARGV: how many bytes may be found at once, and the names of items, with a space before each. One response is found, however large.
 * @returns how many of the names were looked at, then the responses that have them, each once
 */
export const FIND = `${COMMON}
  expire()
  local found, seen, looked, bytes = { 0 }, {}, 0, 0
  for name in namesOf(ARGV[6]) do
    local id = redis.call('HGET', key('items', owner), name)
    if id and not seen[id] then
      bytes = bytes + sizeOf(redis.call('HGET', key('sizes', owner), id) or '0')
      if #found > 1 and bytes > tonumber(ARGV[5]) then break end
      seen[id] = true
      local value = use(id)
      if value then found[#found + 1] = value end
    end
    looked = looked + 1
  end
  found[1] = looked
  return found
`
