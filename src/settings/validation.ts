import { availableParallelism } from 'node:os'
import { Ajv, type ValidateFunction } from 'ajv'
import { findAccountsFault, readAccounts } from './accounts.ts'
import { isLoopback } from './address.ts'
import { toApiKey } from './api-keys.ts'
import { CLOUDFLARE_API, Environment, SETTINGS, type Setting, type SettingName } from './schema.ts'
import { FORMATS, MAX_WORKERS, toList } from './format.ts'
import { findFault, readKeyLimits } from './key-limits.ts'
import { toNotice, type Misspelling } from './misspellings.ts'
import { matchesEverySite } from './origin-pattern.ts'
import type { Problem } from './problem.ts'
import type { RawSettings } from './sources.ts'
import { findTracesFaults, isTracing, isTrue } from './traces.ts'

const BOOLEANS = new Map([
  ['true', true], ['1', true], ['on', true], ['yes', true],
  ['false', false], ['0', false], ['off', false], ['no', false]
])

/**
 * Checks each value for itself; its problems follow those found while gathering.
 * Where there are problems, the wrong values are missing from `environment` or have their defaults.
 */
export function checkEach (raw: RawSettings): { environment: Environment, problems: Problem[] } {
  const problems = [...raw.problems, ...findWrongValues(raw)]
  const wrong = toNames(problems)
  const sound = Object.entries(raw.values).filter(([name]) => !wrong.has(name))
  return { environment: toEnvironment(Object.fromEntries(sound)).environment, problems }
}

/** Checks values that depend on each other, but for those that `problems` has already found wrong. */
export function checkTogether (environment: Environment, problems: readonly Problem[], misspelled: readonly Misspelling[] = []): Problem[] {
  const wrong = toNames(problems)
  const checks = [checkExposure, checkOrigins, checkKeyNames, checkKeyLimits, checkFreeNeurons, checkTraces]
  const exposed = checks.flatMap(check => check(environment, wrong))
  if (environment.UPSTREAM === 'simulator' || wrong.has('UPSTREAM')) return exposed
  return [
    ...exposed,
    ...checkAccounts(environment, wrong),
    ...checkCredentials(environment, wrong, misspelled),
    ...checkAccountId(environment, wrong),
    ...checkGateway(environment, wrong)
  ]
}

/**
 * Refuses a base URL from `.env` whose secret comes from elsewhere. Otherwise a user who can write to the working directory
 * could send a token of the environment, or any file that `.env` names as a token, to any server.
 */
export function checkDestinations (environment: Environment, { values, origins, dotEnv }: RawSettings): Problem[] {
  return SETTINGS.flatMap(({ name, receives, default: byDefault }) => {
    if (dotEnv[name] === undefined || values[name]?.replace(/\/+$/, '') === byDefault || !isAsked(name, environment)) return []
    // With passthrough the secrets are the tokens of clients, which never come from `.env`.
    // What was said with the credentials is guarded as they are.
    const isToldContent = name.startsWith('OTEL_') && isTrue(environment.OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT)
    const guarded: readonly SettingName[] = isToldContent ? [...receives, 'CLOUDFLARE_API_TOKEN', 'CLOUDFLARE_ACCOUNTS'] : receives
    const secrets = environment.AUTH_MODE === 'passthrough' ? guarded.map(one => one === 'CLOUDFLARE_API_TOKEN' ? 'AUTH_MODE' : one) : guarded
    const secret = secrets.find(one => values[one] !== undefined && dotEnv[one] !== 'holds')
    if (secret === undefined) return []
    return [{
      name,
      message: `comes from ${origins[name]}, but ${toWhatIsSent(name, secret)}, comes from ${origins[secret]}`,
      hint: `Remove ${name} from .env, or set it where ${secret} is set.`
    }]
  })
}

function toWhatIsSent (name: SettingName, secret: SettingName): string {
  if (name === 'REDIS_URL') return `${secret}, by which the answers come that are kept there`
  if (name.startsWith('OTEL_') && !secret.startsWith('OTEL_')) return `${secret}, by which the prompts and answers come that are sent there`
  return secret === 'AUTH_MODE' ? "AUTH_MODE, which sends the clients' tokens there" : `${secret}, which is sent there`
}

/** Whether anything is sent to a base URL. */
function isAsked (name: SettingName, environment: Environment): boolean {
  if (name.startsWith('OTEL_')) return isTracing(environment)
  if (name === 'REDIS_URL') return true
  if (environment.UPSTREAM === 'simulator') return false
  if (name !== 'CLOUDFLARE_AI_GATEWAY_BASE_URL' || environment.CLOUDFLARE_AI_GATEWAY_ID !== undefined) return true
  return readAccounts(environment.CLOUDFLARE_ACCOUNTS ?? '')?.some(({ gateway }) => gateway !== undefined) === true
}

/** Number of processes; `auto` is one per core. */
export function toWorkerCount ({ WORKERS }: Pick<Environment, 'WORKERS'>): number {
  return WORKERS === 'auto' ? Math.min(availableParallelism(), MAX_WORKERS) : Number(WORKERS)
}

function findWrongValues ({ values, origins }: RawSettings): Problem[] {
  const { wrong } = toEnvironment(values)
  return SETTINGS.filter(({ name }) => wrong.has(name)).map(setting => ({
    name: setting.name,
    message: `got ${shown(setting, values[setting.name])} from ${origins[setting.name]}; expected ${setting.expected}`
  }))
}

/** Values of their types, with defaults for those that are missing; and the names of those that are not what they must be. */
function toEnvironment (values: RawSettings['values']): { environment: Environment, wrong: ReadonlySet<string> } {
  const environment: Record<string, unknown> = Object.fromEntries(SETTINGS.flatMap(({ name, kind }) => {
    const text = values[name]
    if (text === undefined) return []
    return [[name, kind === 'boolean' ? BOOLEANS.get(text.toLowerCase()) ?? text : text]]
  }))
  check ??= newCheck()
  check(environment)
  return { environment: environment as Environment, wrong: new Set(check.errors?.map(({ instancePath }) => instancePath.slice(1))) }
}

let check: ValidateFunction | undefined

/** Converts text to the type of each setting, in place. Code is not optimized, because that would delay every start. */
function newCheck (): ValidateFunction {
  const ajv = new Ajv({
    allErrors: true,
    useDefaults: true,
    coerceTypes: true,
    allowUnionTypes: true,
    validateSchema: false,
    code: { optimize: false }
  })
  for (const [name, { accepts }] of Object.entries(FORMATS)) ajv.addFormat(name, accepts)
  return ajv.addVocabulary(['group', 'unit', 'secret', 'aliases', 'howToGet', 'receives', 'details']).compile(Environment)
}

function shown ({ name, secret }: Setting, value = ''): string {
  // A wrong account id is usually an API token.
  if (secret || name === 'CLOUDFLARE_ACCOUNT_ID') return 'a value (hidden)'
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}...` : value)
}

function checkExposure ({ HOST, API_KEYS, ALLOW_UNAUTHENTICATED, AUTH_MODE }: Environment, wrong: ReadonlySet<string>): Problem[] {
  if (AUTH_MODE === 'passthrough') return checkPassthrough(API_KEYS)
  const open = !isLoopback(HOST) && API_KEYS === undefined && !ALLOW_UNAUTHENTICATED
  if (!open || wrong.has('API_KEYS') || wrong.has('ALLOW_UNAUTHENTICATED')) return []
  return [{
    name: 'HOST',
    message: `other machines can reach ${JSON.stringify(HOST)}, and there are no keys; ` +
      'set API_KEYS, use 127.0.0.1, or set ALLOW_UNAUTHENTICATED=true'
  }]
}

/** Without keys, every web page could use the proxy, even on loopback. */
function checkOrigins ({ CORS_ORIGINS, API_KEYS, ALLOW_UNAUTHENTICATED, AUTH_MODE }: Environment, wrong: ReadonlySet<string>): Problem[] {
  if (API_KEYS !== undefined || ALLOW_UNAUTHENTICATED || AUTH_MODE === 'passthrough') return []
  if (['CORS_ORIGINS', 'API_KEYS', 'ALLOW_UNAUTHENTICATED', 'AUTH_MODE'].some(name => wrong.has(name))) return []
  const open = toList(CORS_ORIGINS ?? '').find(matchesEverySite)
  if (open === undefined) return []
  return [{
    name: 'CORS_ORIGINS',
    message: `${JSON.stringify(open)} admits the pages of every web site, and there are no keys; ` +
      'set API_KEYS, list the origins, or set ALLOW_UNAUTHENTICATED=true'
  }]
}

/** With passthrough the token of a client is its key, so API_KEYS has no effect. */
function checkPassthrough (keys: string | undefined): Problem[] {
  if (keys === undefined) return []
  return [{ name: 'API_KEYS', message: 'cannot be combined with AUTH_MODE=passthrough, where clients send their Cloudflare token; expected one of the two' }]
}

/** It has to hold exactly, and each of several processes would count for itself. */
function checkFreeNeurons (environment: Environment, wrong: ReadonlySet<string>): Problem[] {
  if (wrong.has('FREE_NEURONS_GUARD') || environment.FREE_NEURONS_GUARD !== 'refuse') return []
  if (wrong.has('WORKERS') || wrong.has('REDIS_URL') || toWorkerCount(environment) === 1 || environment.REDIS_URL !== undefined) return []
  return [{
    name: 'FREE_NEURONS_GUARD',
    message: `refuse requires WORKERS=1 or REDIS_URL, because several processes would count each for itself; got WORKERS=${environment.WORKERS} without REDIS_URL`
  }]
}

/** What keys without a name go by in figures, and callers without a key. */
const RESERVED_NAMES = ['unnamed', 'none']

function checkKeyNames (environment: Environment, wrong: ReadonlySet<string>): Problem[] {
  return (['API_KEYS', 'ADMIN_KEYS'] as const).filter(setting => !wrong.has(setting)).flatMap(setting => {
    const name = toList(environment[setting] ?? '').map(text => toApiKey(text).name).find(one => one !== undefined && RESERVED_NAMES.includes(one))
    return name === undefined ? [] : [{ name: setting, message: `has a key named '${name}', which stands for ${name === 'none' ? 'callers without a key' : 'keys without a name'} in figures; expected another name` }]
  })
}

function checkTraces (environment: Environment, wrong: ReadonlySet<string>): Problem[] {
  return findTracesFaults(environment).filter(({ name }) => !wrong.has(name))
}

/** Limits have to hold exactly, and each of several processes would count for itself. */
function checkKeyLimits (environment: Environment, wrong: ReadonlySet<string>): Problem[] {
  const { KEY_LIMITS, API_KEYS, AUTH_MODE, REDIS_URL } = environment
  if (wrong.has('KEY_LIMITS') || wrong.has('API_KEYS') || wrong.has('AUTH_MODE')) return []
  const names = new Set(toList(API_KEYS ?? '').flatMap(text => toApiKey(text).name ?? []))
  const fault = findFault(KEY_LIMITS, names, AUTH_MODE === 'passthrough')
  if (fault !== undefined) return [{ name: 'KEY_LIMITS', message: fault }]
  if (wrong.has('WORKERS') || readKeyLimits(KEY_LIMITS)?.size === 0 || toWorkerCount(environment) === 1 || REDIS_URL !== undefined || wrong.has('REDIS_URL')) return []
  return [{
    name: 'KEY_LIMITS',
    message: `requires WORKERS=1 or REDIS_URL, because several processes would count each for itself; got WORKERS=${environment.WORKERS} without REDIS_URL`
  }]
}

function checkAccounts (environment: Environment, wrong: ReadonlySet<string>): Problem[] {
  const { CLOUDFLARE_ACCOUNTS: text, CLOUDFLARE_API_BASE_URL: api } = environment
  if (wrong.has('CLOUDFLARE_ACCOUNTS')) return []
  if (text === undefined) return environment.ACCOUNT_ROUTING === 'spread' ? [] : [{ name: 'ACCOUNT_ROUTING', message: 'requires CLOUDFLARE_ACCOUNTS, which is not set' }]
  const problem = (message: string) => [{ name: 'CLOUDFLARE_ACCOUNTS', message }]
  if (environment.AUTH_MODE === 'passthrough') return problem('cannot be combined with AUTH_MODE=passthrough, where clients send their Cloudflare token; expected one of the two')
  const other = OF_A_PAIR.find(name => environment[name] !== undefined || wrong.has(name))
  if (other !== undefined) return problem(`cannot be combined with ${other}, which is for a single account; expected one of the two`)
  const fault = findAccountsFault(text, { isCloudflare: !wrong.has('CLOUDFLARE_API_BASE_URL') && api.replace(/\/+$/, '') === CLOUDFLARE_API })
  return fault === undefined ? [] : problem(fault)
}

/** Settings of a single account. */
const OF_A_PAIR = ['CLOUDFLARE_ACCOUNT_ID', 'CLOUDFLARE_API_TOKEN', 'CLOUDFLARE_AI_GATEWAY_ID', 'CLOUDFLARE_AI_GATEWAY_TOKEN'] as const

function checkCredentials (environment: Environment, wrong: ReadonlySet<string>, misspelled: readonly Misspelling[]): Problem[] {
  if (environment.CLOUDFLARE_ACCOUNTS !== undefined || wrong.has('CLOUDFLARE_ACCOUNTS')) return []
  const needed = environment.AUTH_MODE === 'passthrough' ? ['CLOUDFLARE_ACCOUNT_ID'] as const : ['CLOUDFLARE_ACCOUNT_ID', 'CLOUDFLARE_API_TOKEN'] as const
  return needed
    .filter(name => environment[name] === undefined && !wrong.has(name))
    .map(name => {
      const misspelling = misspelled.find(({ meant }) => meant === name)
      return { name, message: 'not set', hint: misspelling === undefined ? toHowToGet(name) : toNotice(misspelling) }
    })
}

function checkAccountId ({ CLOUDFLARE_ACCOUNT_ID: id, CLOUDFLARE_API_BASE_URL: api }: Environment, wrong: ReadonlySet<string>): Problem[] {
  if (id === undefined || wrong.has('CLOUDFLARE_API_BASE_URL')) return []
  if (api.replace(/\/+$/, '') !== CLOUDFLARE_API || /^[\da-f]{32}$/i.test(id)) return []
  return [{
    name: 'CLOUDFLARE_ACCOUNT_ID',
    message: `got ${id.length} characters (hidden)${id.length >= 40 ? ', which may be an API token' : ''}; ` +
      'expected the 32 hexadecimal digits of an account id',
    hint: toHowToGet('CLOUDFLARE_ACCOUNT_ID')
  }]
}

function checkGateway (environment: Environment, wrong: ReadonlySet<string>): Problem[] {
  if (environment.CLOUDFLARE_AI_GATEWAY_ID !== undefined || wrong.has('CLOUDFLARE_AI_GATEWAY_ID')) return []
  if (wrong.has('CLOUDFLARE_ACCOUNTS') || readAccounts(environment.CLOUDFLARE_ACCOUNTS ?? '')?.some(({ gateway }) => gateway !== undefined)) return []
  return OF_A_GATEWAY.filter(name => environment[name] !== undefined && !wrong.has(name)).map(name => ({ name, message: 'requires CLOUDFLARE_AI_GATEWAY_ID, which is not set' }))
}

/** Settings that mean nothing without an AI Gateway. */
const OF_A_GATEWAY = [
  'CLOUDFLARE_AI_GATEWAY_TOKEN',
  'CLOUDFLARE_AI_GATEWAY_CACHE_TTL',
  'CLOUDFLARE_AI_GATEWAY_LOG_PAYLOAD',
  'CLOUDFLARE_AI_GATEWAY_METADATA',
  'CLOUDFLARE_AI_GATEWAY_ZDR'
] as const

function toHowToGet (name: SettingName): string | undefined {
  return SETTINGS.find(setting => setting.name === name)?.howToGet
}

function toNames (problems: readonly Problem[]): ReadonlySet<string> {
  return new Set(problems.flatMap(({ name, meant }) => meant === undefined ? [name] : [name, meant]))
}
