import { readAccounts } from './accounts.ts'
import { isLoopback, type Address } from './address.ts'
import { toApiKey } from './api-keys.ts'
import { SETTINGS, type AccountSettings, type CloudflareSettings, type Environment, type GatewayOptions, type Settings } from './schema.ts'
import { readAliases, readFallbacks, readMetadata, toList } from './format.ts'
import { readKeyLimits } from './key-limits.ts'
import { memoryLimit } from './memory-limit.ts'
import type { Misspelling } from './misspellings.ts'
import { SettingsError, type Problem } from './problem.ts'
import { toTracesSettings } from './traces.ts'
import { gatherValues, type Environ, type Flags, type RawSettings, type ReadFile } from './sources.ts'
import { checkDestinations, checkEach, checkTogether, toWorkerCount } from './validation.ts'

export interface SettingsInput {
  /** What the command line says; nothing when absent. */
  commandLine?: Flags | undefined
  env: Environ
  /** The text of `.env`, when there is one. */
  dotEnv?: string | undefined
  /** Answers the text of a config or secret file, or throws as `readFileSync` does. */
  readFile: ReadFile
  /** What went wrong before anything was read. */
  problems?: readonly Problem[]
}

/** One setting with its value and where that came from. */
export interface ConfigLine {
  name: string
  /** As written; undefined when it is not set and has no default. */
  value: string | undefined
  secret: boolean
  /** Where the value came from, in words. */
  origin: string
}

export interface SettingsReading {
  settings: Settings
  /** Every setting with its value as written and where that came from, in the order of SETTINGS. */
  lines: ConfigLine[]
  /** Names in `.env` that are not read from there, though other programs would. */
  unread: string[]
  /** Variables in `.env` or the environment that are probably misspelled settings. */
  misspelled: Misspelling[]
}

/** The same of settings that may be wrong. */
export interface SettingsSurvey extends Omit<SettingsReading, 'settings'> {
  /** Undefined where there are problems. */
  settings: Settings | undefined
  problems: Problem[]
}

const NO_FLAGS: Flags = { flags: {}, config: undefined, demo: false, problems: [] }

/**
 * Reads every setting: flag before environment before `.env` before config file before default. Throws a SettingsError
 * with every problem there is.
 */
export function readSettings (input: SettingsInput): SettingsReading {
  const { settings, problems, lines, unread, misspelled } = surveySettings(input)
  if (settings === undefined) throw new SettingsError(problems)
  return { settings, lines, unread, misspelled }
}

/** Reads every setting, and also returns the valid ones beside the problems. Never throws. */
export function surveySettings ({ commandLine = NO_FLAGS, env, dotEnv, readFile, problems: earlier = [] }: SettingsInput): SettingsSurvey {
  const raw = gatherValues(commandLine, env, readFile, dotEnv)
  const { environment, problems: own } = checkEach(raw)
  const problems = [...earlier, ...own, ...checkTogether(environment, own, raw.misspelled), ...checkDestinations(environment, raw)]
  const wrong = new Set(problems.map(({ name }) => name))
  const lines = SETTINGS.map(({ name, secret, default: byDefault }) => ({
    name,
    value: raw.values[name] ?? (wrong.has(name) ? undefined : byDefault),
    // A wrong account id is most often an API token, and a wrong URL may have one in it.
    secret: secret || (wrong.has(name) && (name === 'CLOUDFLARE_ACCOUNT_ID' || name.startsWith('OTEL_'))),
    origin: `${raw.origins[name] ?? (byDefault === undefined || wrong.has(name) ? 'not set' : 'default')}${wrong.has(name) ? ', see below' : ''}`
  }))
  return {
    settings: problems.length > 0 ? undefined : toSettings(environment),
    problems,
    lines,
    unread: raw.unread,
    misspelled: raw.misspelled
  }
}

/**
 * Reads only where the proxy listens, whatever the other settings are: the health check of a container does not see
 * the flags its proxy was started with. Throws a SettingsError when that is wrong.
 */
export function readAddress (input: SettingsInput): Address {
  const { HOST: host, PORT: port } = checkSome(input, gather(input), ['HOST', 'PORT'])
  return { host, port }
}

/**
 * The same with a key of the proxy, where it has any: one that sees everything before one that sees its own.
 * Throws a SettingsError when something of that is wrong, or when `.env` would have the key sent to another machine.
 */
export function readAccess (input: SettingsInput): { address: Address, key: string | undefined } {
  const raw = gather(input)
  const environment = checkSome(input, raw, ['HOST', 'PORT', ...KEYS])
  const { HOST: host, PORT: port } = environment
  const name = KEYS.find(one => environment[one] !== undefined)
  const [key] = name === undefined ? [] : toList(environment[name] ?? '').map(toApiKey)
  if (name !== undefined && raw.dotEnv.HOST !== undefined && raw.dotEnv[name] !== 'holds' && !isOfThisMachine(host)) {
    throw new SettingsError([{
      name: 'HOST',
      message: `comes from ${raw.origins.HOST}, but ${name}, which would be sent there, comes from ${raw.origins[name]}`,
      hint: `Remove HOST from .env, or set it where ${name} is set.`
    }])
  }
  return { address: { host, port }, key: key?.key }
}

/** Settings with keys of the proxy; the first sees most. */
const KEYS = ['ADMIN_KEYS', 'API_KEYS'] as const

function isOfThisMachine (host: string): boolean {
  return isLoopback(host) || host === '0.0.0.0' || host === '::'
}

function gather ({ commandLine = NO_FLAGS, env, dotEnv, readFile }: SettingsInput): RawSettings {
  return gatherValues(commandLine, env, readFile, dotEnv)
}

/** The settings, of which only these are right: a problem of any other is nobody's business here. */
function checkSome (input: SettingsInput, raw: RawSettings, names: readonly string[]): Environment {
  const { commandLine = NO_FLAGS, problems: earlier = [] } = input
  const { environment, problems } = checkEach(raw)
  const decisive = [...names, 'CONFIG_FILE', ...commandLine.problems.map(({ name }) => name)]
  const own = [...earlier, ...problems.filter(({ name }) => decisive.includes(name))]
  if (own.length > 0) throw new SettingsError(own)
  return environment
}

function toSettings (environment: Environment): Settings {
  const traces = toTracesSettings(environment)
  const accounts = toAccounts(environment)
  return {
    host: environment.HOST,
    port: environment.PORT,
    workers: toWorkerCount(environment),
    upstream: environment.UPSTREAM,
    cloudflare: toCloudflareSettings(environment),
    ...(accounts && { accounts }),
    accountRouting: environment.ACCOUNT_ROUTING,
    authMode: environment.AUTH_MODE,
    apiKeys: toList(environment.API_KEYS ?? '').map(toApiKey),
    adminKeys: toList(environment.ADMIN_KEYS ?? '').map(toApiKey),
    metrics: environment.METRICS,
    page: environment.PAGE,
    metricsPublic: environment.METRICS_PUBLIC,
    keyLimits: Object.fromEntries(readKeyLimits(environment.KEY_LIMITS) ?? []),
    allowUnauthenticated: environment.ALLOW_UNAUTHENTICATED,
    modelAliases: readAliases(environment.MODEL_ALIASES) ?? {},
    modelFallbacks: readFallbacks(environment.MODEL_FALLBACKS) ?? {},
    ...(environment.DEFAULT_MODEL !== undefined && { defaultModel: environment.DEFAULT_MODEL }),
    defaultMaxTokens: environment.DEFAULT_MAX_TOKENS,
    unsupportedParams: environment.UNSUPPORTED_PARAMS,
    retiredModels: environment.RETIRED_MODELS,
    emulateTools: environment.EMULATE_TOOLS,
    fetchRemoteImages: environment.FETCH_REMOTE_IMAGES,
    rejectIfBusy: environment.REJECT_IF_BUSY,
    upstreamHeadersTimeoutMs: environment.UPSTREAM_HEADERS_TIMEOUT_MS,
    upstreamIdleTimeoutMs: environment.UPSTREAM_IDLE_TIMEOUT_MS,
    maxRetries: environment.MAX_RETRIES,
    maxChoices: environment.MAX_CHOICES,
    bodyLimitBytes: environment.BODY_LIMIT_BYTES,
    maxStreams: environment.MAX_STREAMS,
    maxBodyMemoryBytes: environment.MAX_BODY_MEMORY_BYTES ?? Math.floor(memoryLimit() / 4),
    clientIdleTimeoutMs: environment.CLIENT_IDLE_TIMEOUT_MS,
    drainDelayMs: environment.DRAIN_DELAY_MS,
    drainTimeoutMs: environment.DRAIN_TIMEOUT_MS,
    corsOrigins: toList(environment.CORS_ORIGINS ?? ''),
    allowedHosts: toList(environment.ALLOWED_HOSTS ?? ''),
    logLevel: environment.LOG_LEVEL,
    logFormat: environment.LOG_FORMAT,
    logContent: environment.LOG_CONTENT,
    freeNeuronsPerDay: environment.FREE_NEURONS_PER_DAY,
    freeNeuronsGuard: environment.FREE_NEURONS_GUARD,
    ...(environment.REDIS_URL !== undefined && {
      redis: { url: environment.REDIS_URL, prefix: environment.REDIS_PREFIX, timeoutMs: environment.REDIS_TIMEOUT_MS }
    }),
    ...(environment.ANSWER_CACHE_TTL_SECONDS > 0 && {
      answerCache: {
        ttlSeconds: environment.ANSWER_CACHE_TTL_SECONDS,
        maxBytes: environment.ANSWER_CACHE_MAX_BYTES,
        isShared: environment.ANSWER_CACHE_SHARED
      }
    }),
    ...(environment.STORE_PATH !== undefined && { storePath: environment.STORE_PATH }),
    storeMaxBytes: environment.STORE_MAX_BYTES,
    storeTtlHours: environment.STORE_TTL_HOURS,
    ...(traces && { traces }),
    simulatorTokensPerSecond: environment.SIMULATOR_TOKENS_PER_SECOND,
    simulatorRetiredModels: environment.SIMULATOR_RETIRED_MODELS
  }
}

function toCloudflareSettings (environment: Environment): CloudflareSettings {
  const { CLOUDFLARE_AI_GATEWAY_ID: id, CLOUDFLARE_AI_GATEWAY_TOKEN: token } = environment
  return {
    accountId: environment.CLOUDFLARE_ACCOUNT_ID ?? '',
    apiToken: environment.CLOUDFLARE_API_TOKEN ?? '',
    apiBaseUrl: withoutSlash(environment.CLOUDFLARE_API_BASE_URL),
    ...(id !== undefined && {
      gateway: {
        id,
        baseUrl: withoutSlash(environment.CLOUDFLARE_AI_GATEWAY_BASE_URL),
        ...(token !== undefined && { token }),
        options: toGatewayOptions(environment)
      }
    })
  }
}

/** @returns undefined where there is one pair of account and token, or a simulator, which has one */
function toAccounts (environment: Environment): AccountSettings[] | undefined {
  const { CLOUDFLARE_ACCOUNTS: text, UPSTREAM, CLOUDFLARE_AI_GATEWAY_BASE_URL: gatewayUrl } = environment
  if (text === undefined || UPSTREAM === 'simulator') return undefined
  return readAccounts(text)?.map(({ gateway, ...account }) => ({
    ...account,
    apiBaseUrl: withoutSlash(environment.CLOUDFLARE_API_BASE_URL),
    ...(gateway && { gateway: { ...gateway, baseUrl: withoutSlash(gatewayUrl), options: toGatewayOptions(environment) } })
  }))
}

function toGatewayOptions (environment: Environment): GatewayOptions {
  const {
    CLOUDFLARE_AI_GATEWAY_CACHE_TTL: ttl,
    CLOUDFLARE_AI_GATEWAY_LOG_PAYLOAD: logPayload,
    CLOUDFLARE_AI_GATEWAY_METADATA: text,
    CLOUDFLARE_AI_GATEWAY_ZDR: zdr
  } = environment
  const metadata = text === undefined ? undefined : readMetadata(text)
  return {
    ...(ttl !== undefined && { cacheTtlSeconds: Number(ttl) }),
    ...(logPayload !== undefined && { logPayload }),
    ...(metadata !== undefined && { metadata }),
    ...(zdr !== undefined && { zdr })
  }
}

function withoutSlash (url: string): string {
  return url.replace(/\/+$/, '')
}
