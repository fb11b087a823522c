import { isIP } from 'node:net'
import { readAccounts } from './accounts.ts'
import { readKeyLimits } from './key-limits.ts'
import { toOriginRule } from './origin-pattern.ts'

/** The syntax of a text setting. */
export interface Format {
  /** The form that a config file may use instead of plain text. */
  shape: 'text' | 'list' | 'map' | 'maps'
  /** The end of the sentence "expected …". */
  expected: string
  accepts: (text: string) => boolean
}

export const MAX_WORKERS = 64

/** AI Gateway drops further ones without a word. */
const MAX_METADATA_ENTRIES = 5
/** The longest value of a header that AI Gateway is certain to take is not documented. */
const MAX_METADATA_LENGTH = 2_000

const hostName = /^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/i
const visibleAscii = /^[\x21-\x7e]+$/

/** The formats, by the `format` of the schema. */
export const FORMATS: Record<string, Format> = {
  host: {
    shape: 'text',
    expected: 'a host name or an IP address, without scheme, port or brackets',
    accepts: text => isIP(text) !== 0 || hostName.test(text)
  },
  'http-url': {
    shape: 'text',
    expected: 'an http:// or https:// URL without credentials, query or fragment',
    accepts: isPlainHttpUrl
  },
  'redis-url': {
    shape: 'text',
    expected: 'a redis:// or rediss:// URL, such as redis://:password@host:6379/0',
    accepts: isRedisUrl
  },
  // Stands in a pattern of an ACL as it is.
  'redis-prefix': {
    shape: 'text',
    expected: '1 to 64 letters, digits, ".", ":", "-" and "_"',
    accepts: text => /^[\w.:-]{1,64}$/.test(text)
  },
  'worker-count': {
    shape: 'text',
    expected: `a whole number from 1 to ${MAX_WORKERS}, or auto`,
    accepts: text => text === 'auto' || (/^[1-9]\d?$/.test(text) && Number(text) <= MAX_WORKERS)
  },
  // Inserted into an upstream URL without encoding.
  'path-segment': {
    shape: 'text',
    expected: 'letters, digits, "-" and "_" only',
    accepts: text => /^[\w-]+$/.test(text)
  },
  // Sent in an HTTP header, which allows no other characters. A pasted "Bearer x" has a space.
  token: {
    shape: 'text',
    expected: 'a token without spaces or line breaks',
    accepts: text => visibleAscii.test(text)
  },
  'key-list': {
    shape: 'list',
    expected: 'one or more keys separated by commas, without spaces inside a key',
    accepts: text => isListOf(text, key => visibleAscii.test(key))
  },
  'origin-list': {
    shape: 'list',
    expected: 'origins without a path, separated by commas, such as https://app.example, https://*.app.example or http://localhost:*, or *',
    accepts: text => isListOf(text, item => toOriginRule(item) !== undefined)
  },
  'host-list': {
    shape: 'list',
    expected: 'host names separated by commas, without scheme, port or path',
    accepts: text => isListOf(text, item => isIP(item.replace(/^\[(.*)\]$/, '$1')) !== 0 || hostName.test(item))
  },
  'model-aliases': {
    shape: 'map',
    expected: 'a JSON object of model names, such as {"gpt-4o-mini":"@cf/meta/llama-3.3-70b-instruct-fp8-fast"}',
    accepts: text => readAliases(text) !== undefined
  },
  'model-fallbacks': {
    shape: 'map',
    expected: 'a JSON object of lists of model names, such as {"@cf/a/b":["@cf/c/d"]}',
    accepts: text => readFallbacks(text) !== undefined
  },
  'gateway-cache-ttl': {
    shape: 'text',
    expected: '0, or a whole number of seconds from 60 to 2592000',
    accepts: text => /^(?:0|[1-9]\d{1,6})$/.test(text) && (text === '0' || (Number(text) >= 60 && Number(text) <= 2_592_000))
  },
  'gateway-metadata': {
    shape: 'map',
    expected: `a JSON object of at most ${MAX_METADATA_ENTRIES} texts, numbers or booleans, such as {"team":"web","key":"{key}"}`,
    accepts: text => readMetadata(text) !== undefined
  },
  accounts: {
    shape: 'maps',
    expected: 'a JSON list of accounts, such as [{"name":"main","account_id":"…","api_token":"…"}]',
    accepts: text => readAccounts(text) !== undefined
  },
  'key-limits': {
    shape: 'map',
    expected: 'a JSON object of objects of limits, such as {"alice":{"rpm":60},"*":{"tpm":10000}}',
    accepts: text => readKeyLimits(text) !== undefined
  }
}

/** The items of a comma (or line) separated list, trimmed, without the empty ones. */
export function toList (text: string): string[] {
  return text.split(/[,\n]/).map(item => item.trim()).filter(item => item !== '')
}

/** The aliases in a JSON text, or undefined when it is no object of non-empty strings. */
export function readAliases (text: string): Record<string, string> | undefined {
  return readMap(text, isName)
}

/** The fallbacks in a JSON text, or undefined when it is no object of lists of non-empty strings. */
export function readFallbacks (text: string): Record<string, string[]> | undefined {
  return readMap(text, (value): value is string[] => Array.isArray(value) && value.every(isName))
}

/** The labels of AI Gateway in a JSON text, or undefined when it is no object of at most five texts, numbers or booleans. */
export function readMetadata (text: string): Record<string, string | number | boolean> | undefined {
  const metadata = readMap(text, (value): value is string | number | boolean => ['string', 'number', 'boolean'].includes(typeof value))
  if (metadata === undefined || text.length > MAX_METADATA_LENGTH) return undefined
  const count = Object.keys(metadata).length
  return count > 0 && count <= MAX_METADATA_ENTRIES ? metadata : undefined
}

function readMap<T> (text: string, accepts: (value: unknown) => value is T): Record<string, T> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    return Object.values(value).every(accepts) ? value as Record<string, T> : undefined
  } catch {
    return undefined
  }
}

function isName (value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isListOf (text: string, accepts: (item: string) => boolean): boolean {
  const items = toList(text)
  return items.length > 0 && items.every(accepts)
}

function isPlainHttpUrl (text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url) return false
  const plain = url.username === '' && url.password === '' && url.search === '' && url.hash === ''
  return plain && (url.protocol === 'https:' || url.protocol === 'http:')
}

function isRedisUrl (text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== 'redis:' && url.protocol !== 'rediss:')) return false
  return url.hostname !== '' && /^(?:\/\d{0,5})?$/.test(url.pathname) && url.search === '' && url.hash === '' && isDecodable(url)
}

function isDecodable ({ username, password }: URL): boolean {
  try {
    decodeURIComponent(username + password)
    return true
  } catch {
    return false
  }
}
