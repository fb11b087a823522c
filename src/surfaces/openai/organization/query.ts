import { InvalidRequestError, quoted } from '../../../errors.ts'

/** Which endpoint is asked: they differ in what they group by and in how many days they give. */
export type UsageEndpoint = 'completions' | 'embeddings' | 'costs'

/** Whole UTC days, counted since 1970. */
export interface UsageQuery {
  /** The first day of this page. */
  firstDay: number
  /** The last day of this page; before the first one when the page is empty. */
  lastDay: number
  /** The first day of the next page; undefined on the last page. */
  nextDay: number | undefined
  groupBy: ReadonlySet<string>
  /** Ids of the models that count; all when undefined. */
  models: ReadonlySet<string> | undefined
  /** Names of the keys that count; all when undefined. */
  keys: ReadonlySet<string> | undefined
  /** It asks for projects, users or batches, and there are none. */
  isEmpty: boolean
}

export const SECONDS_OF_DAY = 86_400

const PAGE_PREFIX = 'page_'

/** Names and ranges from OpenAI's API reference. */
const USAGE_PARAMETERS = ['start_time', 'end_time', 'bucket_width', 'group_by', 'limit', 'page', 'models', 'api_key_ids', 'project_ids', 'user_ids', 'batch']
const COST_PARAMETERS = ['start_time', 'end_time', 'bucket_width', 'group_by', 'limit', 'page', 'api_key_ids', 'project_ids']
const GROUPS: Record<UsageEndpoint, readonly string[]> = {
  completions: ['project_id', 'user_id', 'api_key_id', 'model', 'batch', 'service_tier'],
  embeddings: ['project_id', 'user_id', 'api_key_id', 'model'],
  costs: ['project_id', 'line_item', 'api_key_id']
}
const DEFAULT_LIMIT = 7
const MAX_LIMIT: Record<UsageEndpoint, number> = { completions: 31, embeddings: 31, costs: 180 }

/** The longest time a query looks back and ahead, in seconds: what is further away is no Unix time in seconds. */
const MAX_SECONDS = 253_402_300_799

/**
 * Reads the query of a usage endpoint.
 * @param query by name; lists as repeated names, as `name[]` or with commas, as OpenAI's SDKs and dashboards write them
 * @param now Unix time in milliseconds: the end of the range when there is no `end_time`
 * @throws InvalidRequestError 400 that names the parameter
 */
export function toUsageQuery (query: Readonly<Record<string, unknown>>, endpoint: UsageEndpoint, now: number): UsageQuery {
  const parameters = toParameters(query, endpoint)
  const start = toTime('start_time', parameters)
  if (start === undefined) throw bad("Missing required parameter: 'start_time'. Expected a Unix time in seconds.", 'start_time', 'missing_required_parameter')
  const end = toTime('end_time', parameters) ?? Math.floor(now / 1_000) + 1
  if (end <= start) throw bad("Invalid 'end_time': expected a time after 'start_time'.", 'end_time', 'invalid_value')
  checkWidth(parameters)
  const limit = toLimit(parameters, MAX_LIMIT[endpoint])
  const [first, last] = [toDayNumber(start), toDayNumber(end - 1)]
  const firstDay = toPageStart(parameters, first, last)
  const lastDay = Math.min(last, firstDay + limit - 1)
  return {
    firstDay,
    lastDay,
    nextDay: lastDay < last ? lastDay + 1 : undefined,
    groupBy: toGroups(parameters, endpoint),
    models: toSet(parameters.get('models')),
    keys: toSet(parameters.get('api_key_ids')),
    isEmpty: ['project_ids', 'user_ids'].some(name => (parameters.get(name) ?? []).length > 0) || isBatch(parameters)
  }
}

/** What `page` is for the page that begins on this day. */
export function toCursor (day: number): string {
  return PAGE_PREFIX + Buffer.from(String(day)).toString('base64url')
}

function toParameters (query: Readonly<Record<string, unknown>>, endpoint: UsageEndpoint): Map<string, string[]> {
  const known = endpoint === 'costs' ? COST_PARAMETERS : USAGE_PARAMETERS
  const parameters = new Map<string, string[]>()
  for (const [written, value] of Object.entries(query)) {
    const name = written.replace(/\[\d*\]$/, '')
    // Azure's SDKs send it with everything.
    if (name === 'api-version') continue
    if (!known.includes(name)) throw bad(`Unknown parameter: '${quoted(name.slice(0, 100))}'. Known are ${known.join(', ')}.`, quoted(name.slice(0, 100)), 'unknown_parameter')
    const values = [value].flat().flatMap(text => String(text).split(',')).filter(text => text !== '')
    parameters.set(name, [...parameters.get(name) ?? [], ...values])
  }
  return parameters
}

function toTime (name: string, parameters: ReadonlyMap<string, string[]>): number | undefined {
  const text = toOne(name, parameters)
  if (text === undefined) return undefined
  const seconds = /^\d{1,15}$/.test(text) ? Number(text) : NaN
  if (seconds <= MAX_SECONDS) return seconds
  const hint = seconds / 1_000 <= MAX_SECONDS ? ' It looks like milliseconds.' : ''
  throw bad(`Invalid '${name}': expected a Unix time in seconds, but got '${quoted(text.slice(0, 100))}'.${hint}`, name, 'invalid_value')
}

function checkWidth (parameters: ReadonlyMap<string, string[]>): void {
  const width = toOne('bucket_width', parameters) ?? '1d'
  if (width === '1d') return
  throw bad(`Invalid 'bucket_width': expected '1d', but got '${quoted(width.slice(0, 100))}'. Usage is added up by UTC day.`, 'bucket_width', 'invalid_value')
}

function toLimit (parameters: ReadonlyMap<string, string[]>, most: number): number {
  const text = toOne('limit', parameters)
  if (text === undefined) return DEFAULT_LIMIT
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : NaN
  if (limit >= 1 && limit <= most) return limit
  throw bad(`Invalid 'limit': expected a whole number from 1 to ${most}, but got '${quoted(text.slice(0, 100))}'.`, 'limit', 'invalid_value')
}

function toPageStart (parameters: ReadonlyMap<string, string[]>, first: number, last: number): number {
  const text = toOne('page', parameters)
  if (text === undefined) return first
  const day = text.startsWith(PAGE_PREFIX) ? Number(Buffer.from(text.slice(PAGE_PREFIX.length), 'base64url').toString() || NaN) : NaN
  if (Number.isInteger(day) && day >= first && day <= last) return day
  throw bad("Invalid 'page': expected the 'next_page' of an earlier answer to the same query.", 'page', 'invalid_value')
}

function toGroups (parameters: ReadonlyMap<string, string[]>, endpoint: UsageEndpoint): ReadonlySet<string> {
  const groups = parameters.get('group_by') ?? []
  const unknown = groups.find(group => !GROUPS[endpoint].includes(group))
  if (unknown === undefined) return new Set(groups)
  throw bad(`Invalid 'group_by': expected any of ${GROUPS[endpoint].join(', ')}, but got '${quoted(unknown.slice(0, 100))}'.`, 'group_by', 'invalid_value')
}

function isBatch (parameters: ReadonlyMap<string, string[]>): boolean {
  const text = toOne('batch', parameters) ?? 'false'
  if (text !== 'true' && text !== 'false') throw bad("Invalid 'batch': expected true or false.", 'batch', 'invalid_value')
  return text === 'true'
}

function toOne (name: string, parameters: ReadonlyMap<string, string[]>): string | undefined {
  const values = parameters.get(name) ?? []
  if (values.length > 1) throw bad(`Invalid '${name}': expected one value, but got ${values.length}.`, name, 'invalid_value')
  return values[0]
}

function toSet (values: readonly string[] | undefined): ReadonlySet<string> | undefined {
  return values === undefined || values.length === 0 ? undefined : new Set(values)
}

function toDayNumber (seconds: number): number {
  return Math.floor(seconds / SECONDS_OF_DAY)
}

function bad (message: string, param: string, code: string): InvalidRequestError {
  return new InvalidRequestError(message, { param, code })
}
