import { nearestName } from './did-you-mean.ts'

/** One of several Cloudflare accounts, as `CLOUDFLARE_ACCOUNTS` describes it. */
export interface Account {
  /** What it goes by in logs and figures. */
  name: string
  accountId: string
  apiToken: string
  plan: 'free' | 'paid'
  /** Its share of the conversations, beside those of the others. */
  weight: number
  gateway?: { id: string, token?: string }
}

interface FaultContext {
  /** Account ids are those of Cloudflare's own API. */
  isCloudflare: boolean
}

const MEMBERS = ['name', 'account_id', 'api_token', 'plan', 'weight', 'gateway']
const GATEWAY_MEMBERS = ['id', 'token']
const PLANS = ['free', 'paid']

/** Each has connections of its own. */
const MAX_ACCOUNTS = 50
const MAX_WEIGHT = 1_000

/** What figures call labels beyond their bound, and requests without one. */
const RESERVED_NAMES = ['other', 'none']

/** @returns the accounts of `CLOUDFLARE_ACCOUNTS`, which has no fault; undefined for a text that is not a JSON list of objects */
export function readAccounts (text: string): Account[] | undefined {
  return toEntries(text)?.map(({ name, account_id: accountId, api_token: apiToken, plan = 'free', weight = 1, gateway }) => ({
    name: String(name),
    accountId: String(accountId),
    apiToken: String(apiToken),
    plan: plan as Account['plan'],
    weight: Number(weight),
    ...(gateway !== undefined && { gateway: gateway as NonNullable<Account['gateway']> })
  }))
}

/**
 * What is wrong with `CLOUDFLARE_ACCOUNTS`, which has the form of a list of maps. Never quotes an id or a token, nor what may be
 * one in the wrong place.
 * @returns the first fault as the end of a sentence; undefined when there is none
 */
export function findAccountsFault (text: string, context: FaultContext): string | undefined {
  const entries = toEntries(text) ?? []
  if (entries.length === 0) return 'has no account; expected at least one'
  if (entries.length > MAX_ACCOUNTS) return `has ${entries.length} accounts; expected at most ${MAX_ACCOUNTS}`
  for (const [index, entry] of entries.entries()) {
    const fault = findNameFault(entry, entries.slice(0, index)) ?? findFaultOf(entry, context)
    const isNamed = typeof entry['name'] === 'string' && isName(entry['name'])
    if (fault !== undefined) return `has ${isNamed ? `an account ${JSON.stringify(entry['name'])}` : `as account ${index + 1} one`} ${fault}`
  }
  const ids = entries.map(entry => String(entry['account_id']).toLowerCase())
  const twice = ids.findIndex((id, index) => ids.indexOf(id) < index)
  if (twice === -1) return undefined
  const [one, other] = [ids.indexOf(ids[twice] as string), twice].map(index => JSON.stringify(entries[index]?.['name']))
  return `has one account_id twice, in ${one} and ${other}; expected each account once`
}

type Entry = Record<string, unknown>

function toEntries (text: string): Entry[] | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) && value.every(isMap) ? value : undefined
  } catch {
    return undefined
  }
}

function isMap (value: unknown): value is Entry {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isName (text: string): boolean {
  return /^[\w.-]{1,64}$/.test(text) && !RESERVED_NAMES.includes(text)
}

function findNameFault ({ name }: Entry, before: readonly Entry[]): string | undefined {
  if (typeof name !== 'string' || !isName(name)) return `without a usable name; expected 1 to 64 letters, digits, ".", "_" and "-", other than ${RESERVED_NAMES.join(' and ')}`
  return before.some(other => other['name'] === name) ? 'twice; expected a name of its own for each' : undefined
}

function findFaultOf (entry: Entry, { isCloudflare }: FaultContext): string | undefined {
  const { account_id: id, api_token: token, plan = 'free', weight = 1, gateway } = entry
  const unknown = findUnknown(entry, MEMBERS)
  if (unknown !== undefined) return unknown
  if (typeof id !== 'string' || id === '') return 'without an account_id'
  if (isCloudflare && !/^[\da-f]{32}$/i.test(id)) return `whose account_id has ${id.length} characters (hidden); expected the 32 hexadecimal digits of an account id`
  if (!isPathSegment(id)) return 'with a wrong account_id (hidden); expected letters, digits, "-" and "_" only'
  if (typeof token !== 'string' || token === '') return 'without an api_token'
  if (!isToken(token)) return 'with a wrong api_token (hidden); expected a token without spaces or line breaks'
  if (!PLANS.includes(plan as string)) return 'with a wrong plan; expected free or paid'
  if (!isWeight(weight)) return `with a wrong weight; expected a number above 0 and up to ${MAX_WEIGHT}`
  return gateway === undefined ? undefined : findGatewayFault(gateway)
}

function findGatewayFault (gateway: unknown): string | undefined {
  if (!isMap(gateway)) return 'with a wrong gateway; expected an object such as {"id":"my-gateway","token":"…"}'
  const unknown = findUnknown(gateway, GATEWAY_MEMBERS)
  if (unknown !== undefined) return `whose gateway is one ${unknown}`
  const { id, token } = gateway
  if (typeof id !== 'string' || !isPathSegment(id)) return 'whose gateway has a wrong id (hidden); expected letters, digits, "-" and "_" only'
  if (token !== undefined && (typeof token !== 'string' || !isToken(token))) return 'whose gateway has a wrong token (hidden); expected a token without spaces or line breaks'
  return undefined
}

function findUnknown (entry: Entry, members: readonly string[]): string | undefined {
  const unknown = Object.keys(entry).find(member => !members.includes(member))
  if (unknown === undefined) return undefined
  const near = nearestName(unknown, new Set(members))
  // A secret that stands where a name belongs has other characters, or more of them.
  const shown = /^[a-z_]{1,24}$/i.test(unknown) ? ` ${JSON.stringify(unknown)}` : ' (hidden)'
  return `with the unknown member${shown}${near === undefined ? `; expected ${members.join(', ')}` : `; did you mean ${near}?`}`
}

function isPathSegment (text: string): boolean {
  return /^[\w-]+$/.test(text)
}

function isToken (text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text)
}

/** A number may be a text: a config file has nothing else. */
function isWeight (value: unknown): boolean {
  if (typeof value !== 'number' && (typeof value !== 'string' || !/^\d+(?:\.\d+)?$/.test(value))) return false
  return Number(value) > 0 && Number(value) <= MAX_WEIGHT
}
