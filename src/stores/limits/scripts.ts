import type { RedisScript } from '../redis/redis.ts'

/*
 * Scripts that do in Redis what KeyState does in memory, in the same numbers: parts of buckets, micro-neurons, milliseconds. What they
 * answer is what a KeyState is made of, so that refusals and headers are told by the same code.
 *
 * KEYS: the hash of the key's numbers, and the sorted set of its leases by when they end. A field `l:ID` of the hash says what a lease
 * holds, as `tokens:day:month`. It stays for a day with `x` when the lease has ended without being settled, and with `d` when a
 * settlement that may come twice has come.
 */

/** A day: how long marks stay. */
const HEAD = `
local PARTS, DAY = 60000, 86400000
local SAFE = 9007199254740991
-- What is larger is no number that Redis answers.
local function safe (number) return math.max(-SAFE, math.min(SAFE, number)) end
local function int (number) return string.format('%.0f', number) end
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local leaseMs = tonumber(ARGV[2])
local rpm, tpm, rpd, day, month = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])

local function dayEnd () return (math.floor(now / DAY) + 1) * DAY end
-- Years that begin with March: no month but the last has a length that depends on the year.
local function monthEnd ()
  local days = math.floor(now / DAY) + 719468
  local era = math.floor(days / 146097)
  local ofEra = days - era * 146097
  local year = math.floor((ofEra - math.floor(ofEra / 1460) + math.floor(ofEra / 36524) - math.floor(ofEra / 146096)) / 365)
  local ofYear = ofEra - (365 * year + math.floor(year / 4) - math.floor(year / 100))
  local next = math.floor((5 * ofYear + 2) / 153) + 1
  year = year + era * 400
  if next == 12 then year, next = year + 1, 0 end
  era = math.floor(year / 400)
  year = year - era * 400
  local first = 365 * year + math.floor(year / 4) - math.floor(year / 100) + math.floor((153 * next + 2) / 5)
  return (era * 146097 + first - 719468) * DAY
end

local kept = redis.call('HMGET', KEYS[1], 'rp', 'ra', 'tp', 'ta', 'rn', 're', 'du', 'dh', 'de', 'mu', 'mh', 'me', 'n')
for index = 1, 13 do kept[index] = tonumber(kept[index]) end
local function level (limit, parts, at)
  if not limit then return 0 end
  if not parts then return limit * PARTS end
  return math.min(limit * PARTS, parts + limit * math.max(0, now - at))
end
local function period (limit, used, ends, endOf)
  if not limit then return 0, 0 end
  if not ends or now >= ends then return 0, endOf() end
  return used, ends
end
local rp, tp = level(rpm, kept[1], kept[2]), level(tpm, kept[3], kept[4])
local rn, re = period(rpd, kept[5], kept[6], dayEnd)
local du, de = period(day, kept[7], kept[9], dayEnd)
local mu, me = period(month, kept[10], kept[12], monthEnd)
local dh, mh, n = kept[8] or 0, kept[11] or 0, kept[13] or 0
local isChanged, isMarked = false, false

local function takeTokens (tokens)
  if tpm then tp = math.min(tpm * PARTS, tp - tokens * PARTS) end
end
local function held (id)
  local lease = redis.call('HGET', KEYS[1], 'l:' .. id) or ''
  local tokens, d, m = lease:match('^(%d+):(%d+):(%d+)$')
  return lease, tonumber(tokens), tonumber(d), tonumber(m)
end
-- Once for each id: a reservation that was sent over a connection that is gone may come after its lease was renewed, or settled.
local function hold (id, tokens, d, m)
  local lease, heldTokens = held(id)
  if lease == 'd' then return end
  isChanged = true
  redis.call('ZADD', KEYS[2], int(now + leaseMs), id)
  if heldTokens then return end
  n, dh, mh = n + 1, dh + d, mh + m
  takeTokens(tokens)
  redis.call('HSET', KEYS[1], 'l:' .. id, int(tokens) .. ':' .. int(d) .. ':' .. int(m))
end
local function mark (id, with)
  isChanged, isMarked = true, true
  redis.call('HSET', KEYS[1], 'l:' .. id, with)
  redis.call('ZADD', KEYS[2], int(now + DAY), id)
end
local function forget (id)
  redis.call('HDEL', KEYS[1], 'l:' .. id)
  redis.call('ZREM', KEYS[2], id)
end

-- What a process held that is gone goes back.
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', int(now), 'LIMIT', 0, 1000)) do
  local _, tokens, d, m = held(id)
  if tokens then
    n, dh, mh = n - 1, dh - d, mh - m
    takeTokens(-tokens)
    mark(id, 'x')
  else
    forget(id)
  end
end
local verdict, tokens = 0, 0
`

const TAIL = `
rp, tp, rn, du, dh, mu, mh, n = safe(rp), safe(tp), safe(rn), safe(du), safe(dh), safe(mu), safe(mh), safe(n)
if isChanged then
  local fields = {'dh', int(dh), 'mh', int(mh), 'n', int(n)}
  local ttl = 2 * leaseMs + 60000
  local function keep (limit, ms, ...)
    if not limit then return end
    for _, one in ipairs({...}) do fields[#fields + 1] = one end
    ttl = math.max(ttl, ms)
  end
  keep(rpm, (rpm or 0) * PARTS > rp and ((rpm or 0) * PARTS - rp) / rpm or 0, 'rp', int(rp), 'ra', int(now))
  keep(tpm, (tpm or 0) * PARTS > tp and ((tpm or 0) * PARTS - tp) / tpm or 0, 'tp', int(tp), 'ta', int(now))
  keep(rpd, re - now, 'rn', int(rn), 're', int(re))
  keep(day, de - now, 'du', int(du), 'de', int(de))
  keep(month, me - now, 'mu', int(mu), 'me', int(me))
  if isMarked then ttl = math.max(ttl, DAY + leaseMs) end
  redis.call('HSET', KEYS[1], unpack(fields))
  for index = 1, 2 do
    if redis.call('PTTL', KEYS[index]) < ttl then redis.call('PEXPIRE', KEYS[index], int(ttl)) end
  end
end
return {verdict, tokens, now, n, rp, tp, rn, re, du, dh, de, mu, mh, me}
`

/** Holds all that a request may use, or nothing. ARGV from 8 on: parallel, id of the lease, input, output, micro-neurons. */
export const RESERVE: RedisScript = {
  name: 'reserve',
  lua: `${HEAD}
local parallel, id, input, output, micro = tonumber(ARGV[8]), ARGV[9], tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12])
local isRefused = (parallel and n >= parallel) or (rpm and rp < PARTS) or (rpd and rn >= rpd)
  or (tpm and (input > tpm or math.max(1, input) * PARTS > tp)) or (day and du + dh >= day) or (month and mu + mh >= month)
if not isRefused then
  verdict, isChanged = 1, true
  if rpm then rp = rp - PARTS end
  if rpd then rn = rn + 1 end
  if tpm then tokens = math.min(input + output, math.floor(tp / PARTS)) end
  hold(id, tokens, day and micro or 0, month and micro or 0)
end
${TAIL}`
}

/**
 * Counts what was used in place of what a lease held. ARGV from 8 on: id, tokens, micro-neurons of the day and of the month, requests
 * that are not counted yet, whether the same may have been settled before, and whether to remember that it is.
 */
export const SETTLE: RedisScript = {
  name: 'settle',
  lua: `${HEAD}
local id, isDoubtful, isRemembered = ARGV[8], ARGV[13] == '1', ARGV[14] == '1'
local lease, heldTokens, d, m = held(id)
if lease ~= 'd' and not (lease == '' and isDoubtful) then
  verdict, isChanged = 1, true
  if heldTokens then n, dh, mh = n - 1, dh - d, mh - m end
  takeTokens(tonumber(ARGV[9]) - (heldTokens or 0))
  if day then du = du + tonumber(ARGV[10]) end
  if month then mu = mu + tonumber(ARGV[11]) end
  if rpd then rn = rn + tonumber(ARGV[12]) end
  forget(id)
  if isRemembered then mark(id, 'd') end
end
${TAIL}`
}

/** Renews leases, and holds again what is lost. ARGV from 8 on, for each of them: id, tokens, micro-neurons of day and month. */
export const RENEW: RedisScript = {
  name: 'renew',
  lua: `${HEAD}
for index = 8, #ARGV, 4 do
  hold(ARGV[index], tonumber(ARGV[index + 1]), tonumber(ARGV[index + 2]), tonumber(ARGV[index + 3]))
end
${TAIL}`
}

/** Counts that at least so much was used of the budget of a day. ARGV from 8 on: micro-neurons, and when that day ends. */
export const RAISE: RedisScript = {
  name: 'raise',
  lua: `${HEAD}
local used = tonumber(ARGV[8])
if day and de == tonumber(ARGV[9]) and du < used then du, isChanged = used, true end
${TAIL}`
}

/** Changes nothing but what has ended by itself. */
export const READ: RedisScript = { name: 'read', lua: HEAD + TAIL }

/** Says that a process is there, and answers how many were within a minute. ARGV: now or nothing, its id. */
export const PRESENT: RedisScript = {
  name: 'present',
  lua: `
local now = tonumber(ARGV[1])
if not now then now = redis.call('TIME')[1] * 1000 end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - 60000))
redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[2])
redis.call('PEXPIRE', KEYS[1], 120000)
return redis.call('ZCARD', KEYS[1])
`
}
