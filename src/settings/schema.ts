import { Type, type SchemaOptions, type Static, type TSchema } from '@sinclair/typebox'
import type { Account } from './accounts.ts'
import { FORMATS } from './format.ts'
import type { KeyLimits } from './key-limits.ts'
import { TRACES_PROPERTIES, type TracesSettings } from './traces.ts'

/** Where Cloudflare's API lives; only there is an account id certain to be 32 hexadecimal digits. */
export const CLOUDFLARE_API = 'https://api.cloudflare.com/client/v4'

// Node fires a longer timer at once.
const longestTimer = 2_147_483_647

/**
 * Every setting, once, as the environment names it: type, range, default and one line of doc. The flag is the name in
 * kebab case.
 * - `group` is its heading in --help, `unit` what its number counts.
 * - `secret` keeps its value out of logs and output, and allows `NAME_FILE` to name a file that contains it.
 * - `aliases` are the names that other Cloudflare tools use for the same value.
 * - `howToGet` says where to get a value that the user cannot choose.
 * - `receives` names the secrets that are sent to the address.
 * - `details` are further sentences of docs/settings.md, in Markdown.
 */
export const Environment = Type.Object({
  HOST: Type.String({
    group: 'Server',
    format: 'host',
    default: '127.0.0.1',
    description: 'Address to listen on; an address that others can reach requires API_KEYS.'
  }),
  PORT: Type.Integer({
    group: 'Server',
    minimum: 0,
    maximum: 65_535,
    default: 8686,
    description: 'Port to listen on; 0 takes any free port.'
  }),
  BODY_LIMIT_BYTES: Type.Integer({
    group: 'Server',
    unit: 'bytes',
    minimum: 1024,
    maximum: 1_073_741_824,
    default: 33_554_432,
    description: 'Maximum size of a decoded request body in bytes; a larger body gets 413.',
    details: 'gzip, deflate, br and (Node 22.15 or newer) zstd are decoded.'
  }),
  WORKERS: Type.String({
    group: 'Server',
    format: 'worker-count',
    default: '1',
    description: 'Number of server processes that share the port; auto starts one per core.',
    details: '1 to 64, or `auto`; see [running.md](running.md#several-processes).'
  }),
  MAX_STREAMS: Type.Integer({
    group: 'Server',
    minimum: 1,
    maximum: 100_000,
    default: 2_000,
    description: 'Maximum number of answers in progress; further requests get 503.',
    details: 'The limit covers all workers together.'
  }),
  MAX_BODY_MEMORY_BYTES: Type.Optional(Type.Integer({
    group: 'Server',
    unit: 'bytes',
    minimum: 1024,
    maximum: 1_099_511_627_776,
    description: 'Maximum memory for request bodies in flight; default: a quarter of the memory.',
    details: 'Counts decoded bodies, what their decoders take and the images fetched for them, in all workers together. Further requests get 503.'
  })),
  CLIENT_IDLE_TIMEOUT_MS: Type.Integer({
    group: 'Server',
    unit: 'milliseconds',
    minimum: 1_000,
    maximum: longestTimer,
    default: 60_000,
    description: 'How long a client may read nothing while data waits for it, in milliseconds.',
    details: 'After that time the proxy closes the connection. Time without waiting data does not count.'
  }),
  DRAIN_DELAY_MS: Type.Integer({
    group: 'Server',
    unit: 'milliseconds',
    minimum: 0,
    maximum: 300_000,
    default: 0,
    description: 'How long the port stays open after SIGTERM, in milliseconds.',
    details: '`/readyz` answers 503 during that time.'
  }),
  DRAIN_TIMEOUT_MS: Type.Integer({
    group: 'Server',
    unit: 'milliseconds',
    minimum: 0,
    maximum: longestTimer,
    default: 30_000,
    description: 'How long answers may continue after the port has closed, in milliseconds.'
  }),
  METRICS: Type.Boolean({
    group: 'Server',
    default: true,
    description: 'Counts requests, tokens and neurons for Prometheus, at /metrics.',
    details: 'See [running.md](running.md#metrics). What counts is loaded with the first request, not at the start.'
  }),
  PAGE: Type.Boolean({
    group: 'Server',
    default: true,
    description: 'Serves a page for browsers at /ui/, where models can be tried.',
    details: 'See [running.md](running.md#the-page).'
  }),
  LOG_LEVEL: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
    group: 'Server',
    default: 'info',
    description: 'Minimum level to log: trace, debug, info, warn, error, fatal or silent.',
    details: 'One line per request. Secrets are never logged.'
  }),
  LOG_FORMAT: oneOf(['auto', 'json', 'pretty'], {
    group: 'Server',
    default: 'auto',
    description: 'Log format: pretty for people, json for machines; auto: pretty at a terminal.',
    details: '`auto` writes JSON when the program is the main process of a container. `NO_COLOR` turns colours off.'
  }),
  LOG_CONTENT: Type.Boolean({
    group: 'Server',
    default: false,
    description: 'Logs prompts and answers in their native form; requires LOG_LEVEL=trace.',
    details: 'Without it, content is never logged.'
  }),
  API_KEYS: Type.Optional(Type.String({
    group: 'Access',
    format: 'key-list',
    secret: true,
    description: 'Keys that clients must send, separated by commas; name:key logs the name.',
    details: 'Clients send a key as `Authorization: Bearer`, `x-api-key` or `api-key`.'
  })),
  ADMIN_KEYS: Type.Optional(Type.String({
    group: 'Access',
    format: 'key-list',
    secret: true,
    description: 'Keys that show the figures of all, separated by commas; name:key logs the name.',
    details: 'They open `/metrics` and everybody\'s use, and no model unless they are in `API_KEYS` too; see [running.md](running.md#who-may-see-what).'
  })),
  METRICS_PUBLIC: Type.Boolean({
    group: 'Access',
    default: false,
    description: 'Opens /metrics without a key, for scrapers inside a cluster.'
  }),
  AUTH_MODE: oneOf(['keys', 'passthrough'], {
    group: 'Access',
    default: 'keys',
    description: 'Token for Cloudflare: keys uses the proxy\'s token, passthrough the client\'s.',
    details: 'With `passthrough` a client\'s key is its own Cloudflare token. The proxy needs no token, and `/v1/models` is the built-in list.'
  }),
  ALLOW_UNAUTHENTICATED: Type.Boolean({
    group: 'Access',
    default: false,
    description: 'Allows a server without API_KEYS that others, or every web page, can reach.'
  }),
  KEY_LIMITS: Type.String({
    group: 'Access',
    format: 'key-limits',
    default: '{}',
    description: 'JSON object of limits per key name, e.g. {"alice":{"rpm":60},"*":{"tpm":9000}}.',
    details: 'Members: `rpm`, `tpm`, `rpd`, `parallel`, `neurons_per_day`, `neurons_per_month`, `models`. `*` is for every key without an entry, each by itself. Requires `WORKERS=1` or `REDIS_URL`. See [running.md](running.md#limits-and-budgets).'
  }),
  CORS_ORIGINS: Type.Optional(Type.String({
    group: 'Access',
    format: 'origin-list',
    description: 'Origins of web pages that may call the proxy, separated by commas.',
    details: 'Examples: `https://app.example`, `https://*.app.example`, `http://localhost:*`, `app://obsidian.md*`, `app://*`, or `*`.'
  })),
  ALLOWED_HOSTS: Type.Optional(Type.String({
    group: 'Access',
    format: 'host-list',
    description: 'Host headers to accept; without API_KEYS, in addition to local names.',
    details: 'Local names are IP addresses, names without a dot, `*.localhost`, `*.local`, `*.internal` and `HOST`.'
  })),
  UPSTREAM: oneOf(['cloudflare', 'simulator'], {
    group: 'Cloudflare',
    default: 'cloudflare',
    description: 'Upstream: cloudflare, or the simulator inside this program (offline).',
    details: '`--demo` selects the simulator and shows one chat.'
  }),
  CLOUDFLARE_ACCOUNT_ID: Type.Optional(Type.String({
    group: 'Cloudflare',
    format: 'path-segment',
    aliases: ['CF_ACCOUNT_ID'],
    howToGet: 'Copy it from https://dash.cloudflare.com → AI → Workers AI → "Use REST API".',
    description: 'Cloudflare account id; required unless UPSTREAM=simulator.'
  })),
  CLOUDFLARE_API_TOKEN: Type.Optional(Type.String({
    group: 'Cloudflare',
    format: 'token',
    secret: true,
    aliases: ['CLOUDFLARE_AUTH_TOKEN', 'CF_API_TOKEN', 'CLOUDFLARE_API_KEY'],
    howToGet: 'Make one at https://dash.cloudflare.com/profile/api-tokens with the account permissions "Workers AI: Read" and "Workers AI: Edit".',
    description: 'API token with Workers AI permission; required unless UPSTREAM=simulator.',
    details: '`CLOUDFLARE_API_KEY` is read only if `CLOUDFLARE_EMAIL` is not set.'
  })),
  CLOUDFLARE_ACCOUNTS: Type.Optional(Type.String({
    group: 'Cloudflare',
    format: 'accounts',
    secret: true,
    description: 'JSON list of accounts that serve as one, in place of a single id and token.',
    details: 'Each is `{"name","account_id","api_token"}`, with `"plan"` (`free` or `paid`), `"weight"` and `"gateway": {"id","token"}` where wanted. See [running.md](running.md#several-accounts).'
  })),
  ACCOUNT_ROUTING: oneOf(['spread', 'order'], {
    group: 'Cloudflare',
    default: 'spread',
    description: 'Which account a call gets: spread by conversation, or order of the list.',
    details: 'Only with `CLOUDFLARE_ACCOUNTS`. With `order` the first account that is well serves everything.'
  }),
  CLOUDFLARE_API_BASE_URL: Type.String({
    group: 'Cloudflare',
    format: 'http-url',
    default: CLOUDFLARE_API,
    receives: ['CLOUDFLARE_API_TOKEN', 'CLOUDFLARE_ACCOUNTS'],
    description: 'Base URL of the Cloudflare API.'
  }),
  CLOUDFLARE_AI_GATEWAY_ID: Type.Optional(Type.String({
    group: 'Cloudflare',
    format: 'path-segment',
    description: 'AI Gateway of the same account to send the calls through.'
  })),
  CLOUDFLARE_AI_GATEWAY_TOKEN: Type.Optional(Type.String({
    group: 'Cloudflare',
    format: 'token',
    secret: true,
    howToGet: 'Make one at https://dash.cloudflare.com → AI → AI Gateway → your gateway → Settings.',
    description: 'Token of that AI Gateway, if it requires authentication.'
  })),
  CLOUDFLARE_AI_GATEWAY_BASE_URL: Type.String({
    group: 'Cloudflare',
    format: 'http-url',
    default: 'https://gateway.ai.cloudflare.com/v1',
    receives: ['CLOUDFLARE_API_TOKEN', 'CLOUDFLARE_AI_GATEWAY_TOKEN', 'CLOUDFLARE_ACCOUNTS'],
    description: 'Base URL of AI Gateway.'
  }),
  CLOUDFLARE_AI_GATEWAY_CACHE_TTL: Type.Optional(Type.String({
    group: 'Cloudflare',
    format: 'gateway-cache-ttl',
    description: 'Seconds for which that AI Gateway keeps answers and repeats them; 0 skips its cache.',
    details: 'At least 60, at most 2592000. Without it the settings of the gateway apply. A repeated answer costs no neurons.'
  })),
  CLOUDFLARE_AI_GATEWAY_LOG_PAYLOAD: Type.Optional(Type.Boolean({
    group: 'Cloudflare',
    description: 'Whether that AI Gateway logs prompts and answers; false logs only figures.',
    details: 'Without it the settings of the gateway apply.'
  })),
  CLOUDFLARE_AI_GATEWAY_METADATA: Type.Optional(Type.String({
    group: 'Cloudflare',
    format: 'gateway-metadata',
    description: 'JSON object of at most 5 labels in its logs, e.g. {"team":"web","key":"{key}"}.',
    details: 'Values are text, numbers or booleans. `{key}` in a text stands for the name of the caller\'s key, `{route}` for the path that was called.'
  })),
  CLOUDFLARE_AI_GATEWAY_ZDR: Type.Optional(Type.Boolean({
    group: 'Cloudflare',
    description: 'Asks that AI Gateway for zero data retention, or with false for none of it.',
    details: 'Cloudflare applies it to requests that it bills for third-party models. Without it the settings of the gateway apply.'
  })),
  UPSTREAM_HEADERS_TIMEOUT_MS: Type.Integer({
    group: 'Cloudflare',
    unit: 'milliseconds',
    minimum: 1,
    maximum: longestTimer,
    default: 300_000,
    description: 'Timeout for the first byte of an answer from Cloudflare, in milliseconds.'
  }),
  UPSTREAM_IDLE_TIMEOUT_MS: Type.Integer({
    group: 'Cloudflare',
    unit: 'milliseconds',
    minimum: 1,
    maximum: longestTimer,
    default: 120_000,
    description: 'Timeout for silence inside an answer from Cloudflare, in milliseconds.'
  }),
  MAX_RETRIES: Type.Integer({
    group: 'Cloudflare',
    minimum: 0,
    maximum: 5,
    default: 2,
    description: 'Maximum retries of a call; only before the first byte of its answer.'
  }),
  MODEL_ALIASES: Type.String({
    group: 'Models and parameters',
    format: 'model-aliases',
    default: '{}',
    description: 'JSON object, e.g. {"gpt-4o-mini":"@cf/meta/llama-3.3-70b-instruct-fp8-fast"}.',
    details: 'Maps further names to models.'
  }),
  DEFAULT_MODEL: Type.Optional(Type.String({
    group: 'Models and parameters',
    description: 'Model that serves unknown model names; without it they get 404.'
  })),
  MODEL_FALLBACKS: Type.String({
    group: 'Models and parameters',
    format: 'model-fallbacks',
    default: '{}',
    description: 'JSON object of models to try when one fails, e.g. {"@cf/a/b":["@cf/c/d"]}.',
    details: 'The proxy tries them in order, only before the first token.'
  }),
  DEFAULT_MAX_TOKENS: Type.Integer({
    group: 'Models and parameters',
    unit: 'tokens',
    minimum: 1,
    maximum: 1_000_000,
    default: 4096,
    description: 'Maximum tokens of an answer when the client sets no limit.',
    details: 'The proxy reduces it to what the context window leaves.'
  }),
  MAX_CHOICES: Type.Integer({
    group: 'Models and parameters',
    minimum: 1,
    maximum: 128,
    default: 8,
    description: 'Maximum n that a client may request; each choice is a separate call.'
  }),
  UNSUPPORTED_PARAMS: oneOf(['warn', 'reject'], {
    group: 'Models and parameters',
    default: 'warn',
    description: 'Unsupported parameters: warn drops and reports them, reject answers 400.'
  }),
  RETIRED_MODELS: oneOf(['replace', 'reject'], {
    group: 'Models and parameters',
    default: 'replace',
    description: 'Retired models: replace calls the successor, reject answers 404.',
    details: 'See [retired-models.md](retired-models.md).'
  }),
  EMULATE_TOOLS: Type.Boolean({
    group: 'Models and parameters',
    default: true,
    description: 'Offers tools by prompt to models without tool calling; false answers 400.'
  }),
  FETCH_REMOTE_IMAGES: Type.Boolean({
    group: 'Models and parameters',
    default: false,
    description: 'Fetches images from http(s) URLs, from public addresses only.'
  }),
  REJECT_IF_BUSY: Type.Boolean({
    group: 'Models and parameters',
    default: false,
    description: 'Makes Cloudflare answer 429 at once when a model is busy, not queue.'
  }),
  FREE_NEURONS_PER_DAY: Type.Number({
    group: 'Usage',
    unit: 'neurons',
    minimum: 0,
    maximum: 1_000_000_000,
    default: 10_000,
    description: 'Neurons of the account that are free on each UTC day.',
    details: '`GET /usage` and `workers-ai-proxy usage` show what is left of them; see [running.md](running.md#what-it-costs).'
  }),
  FREE_NEURONS_GUARD: oneOf(['off', 'warn', 'refuse'], {
    group: 'Usage',
    default: 'off',
    description: 'Free neurons of the day: refuse sends no call beyond them, warn tells clients.',
    details: '`warn` adds to `x-proxy-warnings` when 80 % are used. `refuse` answers 429 until 00:00 UTC, and requires `WORKERS=1` or `REDIS_URL`.'
  }),
  REDIS_URL: Type.Optional(Type.String({
    group: 'Replicas',
    format: 'redis-url',
    secret: true,
    aliases: ['VALKEY_URL'],
    receives: ['CLOUDFLARE_API_TOKEN', 'CLOUDFLARE_ACCOUNTS'],
    description: 'Redis or Valkey that replicas share, redis://:password@host:port/0; rediss for TLS.',
    details: 'Without it each process keeps its state for itself. See [running.md](running.md#replicas-with-redis).'
  })),
  REDIS_PREFIX: Type.String({
    group: 'Replicas',
    format: 'redis-prefix',
    default: 'wap:',
    description: 'Beginning of the names of all keys in Redis, one for each deployment.'
  }),
  REDIS_TIMEOUT_MS: Type.Integer({
    group: 'Replicas',
    unit: 'milliseconds',
    minimum: 10,
    maximum: 10_000,
    default: 250,
    description: 'How long each step of a request waits for Redis, in milliseconds.',
    details: 'After three failures in a row nobody waits until Redis is back.'
  }),
  ANSWER_CACHE_TTL_SECONDS: Type.Integer({
    group: 'Answer cache',
    unit: 'seconds',
    minimum: 0,
    maximum: 2_592_000,
    default: 0,
    description: 'Seconds to keep answers that would be the same each time; 0 keeps none.',
    details: 'Embeddings, and answers to requests with `temperature` 0. See [running.md](running.md#answer-cache).'
  }),
  ANSWER_CACHE_MAX_BYTES: Type.Integer({
    group: 'Answer cache',
    unit: 'bytes',
    minimum: 1_048_576,
    maximum: 1_099_511_627_776,
    default: 67_108_864,
    description: 'Maximum bytes of kept answers in the memory of each process.',
    details: 'Above the limit, those that were not used for longest go. With `REDIS_URL` they are in Redis, which has a limit of its own.'
  }),
  ANSWER_CACHE_SHARED: Type.Boolean({
    group: 'Answer cache',
    default: false,
    description: 'Keys have kept answers in common; false keeps them apart.',
    details: 'Then a key can find out whether another one has asked the same. Callers who bring their own tokens share nothing.'
  }),
  STORE_PATH: Type.Optional(Type.String({
    group: 'Stored responses',
    description: 'SQLite file for stored responses and usage; without it memory stores them.',
    details: 'What is in memory is lost when the process ends. Several `WORKERS` without a file store no responses. Not used with `REDIS_URL`.'
  })),
  STORE_MAX_BYTES: Type.Integer({
    group: 'Stored responses',
    unit: 'bytes',
    minimum: 0,
    maximum: 1_099_511_627_776,
    default: 67_108_864,
    description: 'Maximum bytes of stored responses; 0 stores none.',
    details: 'Above the limit, the key that stores most loses its least recently used responses. With `REDIS_URL` it is for all replicas together.'
  }),
  STORE_TTL_HOURS: Type.Integer({
    group: 'Stored responses',
    unit: 'hours',
    minimum: 1,
    maximum: 87_600,
    default: 720,
    description: 'Hours after its last use until a stored response expires.'
  }),
  ...TRACES_PROPERTIES,
  SIMULATOR_TOKENS_PER_SECOND: Type.Number({
    group: 'Simulator',
    unit: 'tokens per second',
    minimum: 0,
    maximum: 1_000_000,
    default: 40,
    description: 'Speed of the simulator in tokens per second; 0 is unlimited.'
  }),
  SIMULATOR_RETIRED_MODELS: oneOf(['serve', 'refuse'], {
    group: 'Simulator',
    default: 'serve',
    description: 'Retired models: serve runs them, refuse answers 5028 as Cloudflare does.'
  })
}, { additionalProperties: false })
export type Environment = Static<typeof Environment>

export type SettingName = keyof Environment

/** What --help, the config table, the checks and the docs' tests need to know of one setting. */
export interface Setting {
  name: SettingName
  /** Without the leading dashes. */
  flag: string
  kind: 'text' | 'list' | 'map' | 'maps' | 'number' | 'boolean'
  group: string
  doc: string
  /** What docs/settings.md adds; empty for most settings. */
  details: string
  /** As one would write it in the environment; undefined when there is none. */
  default: string | undefined
  secret: boolean
  aliases: readonly string[]
  /** The secrets that are sent to this address. */
  receives: readonly SettingName[]
  /** The end of the sentence "expected …". */
  expected: string
  /** A sentence about where to get it; undefined for what anybody can make up. */
  howToGet: string | undefined
}

/** The settings in the order --help shows them. */
export const SETTINGS: readonly Setting[] = Object.entries(Environment.properties)
  .map(([name, schema]) => toSetting(name as SettingName, schema))

/** The settings as the rest of the program reads them: checked, typed, defaults filled in. */
export interface Settings {
  host: string
  /** 0 to 65535; 0 takes any free port. */
  port: number
  /** 1 to 64 processes. Only the program itself starts them: an app that is embedded is always one. */
  workers: number
  upstream: Environment['UPSTREAM']
  cloudflare: CloudflareSettings
  /** The accounts that serve as one, in place of the pair in `cloudflare`, which is then empty; absent where there is one pair. */
  accounts?: AccountSettings[]
  accountRouting: Environment['ACCOUNT_ROUTING']
  authMode: Environment['AUTH_MODE']
  apiKeys: ApiKey[]
  /** Keys that show the figures of all. */
  adminKeys: ApiKey[]
  /** Requests are counted, where `/metrics` may be asked at all. */
  metrics: boolean
  /** Browsers are served a page at `/ui/`. */
  page: boolean
  /** `/metrics` is open to everybody. */
  metricsPublic: boolean
  /** What keys may use, by their names; `*` is for every key without an entry. Empty where nothing is limited. */
  keyLimits: Record<string, KeyLimits>
  allowUnauthenticated: boolean
  modelAliases: Record<string, string>
  /** Models to try, in order, when the one that was asked for fails before its first token. */
  modelFallbacks: Record<string, string[]>
  defaultModel?: string
  defaultMaxTokens: number
  unsupportedParams: Environment['UNSUPPORTED_PARAMS']
  retiredModels: Environment['RETIRED_MODELS']
  emulateTools: boolean
  fetchRemoteImages: boolean
  rejectIfBusy: boolean
  upstreamHeadersTimeoutMs: number
  upstreamIdleTimeoutMs: number
  maxRetries: number
  maxChoices: number
  bodyLimitBytes: number
  maxStreams: number
  /** Bytes that bodies in flight may have together, decoded, with the images fetched for them. */
  maxBodyMemoryBytes: number
  /** How long a client may take nothing of what waits for it. */
  clientIdleTimeoutMs: number
  drainDelayMs: number
  drainTimeoutMs: number
  corsOrigins: string[]
  allowedHosts: string[]
  logLevel: Environment['LOG_LEVEL']
  logFormat: Environment['LOG_FORMAT']
  /** Prompts and answers are logged at the level `trace`. */
  logContent: boolean
  /** Neurons of the account that are free on each UTC day. */
  freeNeuronsPerDay: number
  freeNeuronsGuard: Environment['FREE_NEURONS_GUARD']
  /** What replicas share; absent where each process keeps its state for itself. */
  redis?: RedisSettings
  /** Absent where no answers are kept. */
  answerCache?: { ttlSeconds: number, maxBytes: number, isShared: boolean }
  /** The SQLite file that keeps responses and usage; they are kept in memory without it. */
  storePath?: string
  storeMaxBytes: number
  storeTtlHours: number
  /** How traces are made; they are not without it. */
  traces?: TracesSettings
  simulatorTokensPerSecond: number
  simulatorRetiredModels: Environment['SIMULATOR_RETIRED_MODELS']
}

/** A Redis or Valkey. */
export interface RedisSettings {
  /** A secret: it may have a password. */
  url: string
  /** How the names of all keys begin. */
  prefix: string
  /** How long anybody waits for an answer, in milliseconds. */
  timeoutMs: number
}

/** A key clients may send, and the name it goes by in logs; a key without a name has none. */
export interface ApiKey {
  key: string
  name?: string
}

/** Where the native calls go. Account and token are empty until a simulator that is the upstream has started. */
export interface CloudflareSettings {
  accountId: string
  apiToken: string
  /** Without a slash at its end. */
  apiBaseUrl: string
  gateway?: { id: string, token?: string, baseUrl: string, options?: GatewayOptions }
}

/** One of several accounts. */
export interface AccountSettings extends CloudflareSettings, Pick<Account, 'name' | 'plan' | 'weight'> {}

/** What AI Gateway is asked for with each run. It goes by its own settings in what is absent. */
export interface GatewayOptions {
  /** How long it keeps answers; 0 skips its cache. */
  cacheTtlSeconds?: number
  /** Whether it logs prompts and answers. */
  logPayload?: boolean
  /** Labels of its log, at most five. `{key}` and `{route}` in a text stand for those of the request. */
  metadata?: Record<string, string | number | boolean>
  /** Zero data retention. */
  zdr?: boolean
}

function oneOf<const Value extends string> (values: readonly Value[], options: SchemaOptions) {
  return Type.Unsafe<Value>({ ...options, type: 'string', enum: values })
}

function toSetting (name: SettingName, schema: TSchema): Setting {
  return {
    name,
    flag: name.toLowerCase().replaceAll('_', '-'),
    kind: toKind(schema),
    group: schema['group'],
    doc: schema.description ?? '',
    details: schema['details'] ?? '',
    default: schema.default === undefined ? undefined : String(schema.default),
    secret: schema['secret'] === true,
    aliases: schema['aliases'] ?? [],
    receives: schema['receives'] ?? [],
    expected: toExpected(schema),
    howToGet: schema['howToGet']
  }
}

function toKind (schema: TSchema): Setting['kind'] {
  if (schema['type'] === 'boolean') return 'boolean'
  if (schema['type'] !== 'string') return 'number'
  return FORMATS[schema['format']]?.shape ?? 'text'
}

function toExpected (schema: TSchema): string {
  if (schema['type'] === 'boolean') return 'true or false'
  if (schema['enum']) return `one of ${schema['enum'].join(', ')}`
  if (schema['type'] === 'string') return FORMATS[schema['format']]?.expected ?? 'text'
  const number = schema['type'] === 'integer' ? 'a whole number' : 'a number'
  const unit = schema['unit'] ? ` of ${schema['unit']}` : ''
  return `${number}${unit} from ${schema['minimum']} to ${schema['maximum']}`
}
