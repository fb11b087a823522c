import { availableParallelism } from 'node:os'
import t from 'tap'
import { SETTINGS } from '../../src/settings.ts'
import { SettingsError } from '../../src/settings/problem.ts'
import { readAddress, readSettings } from '../../src/settings/reader.ts'

const credentials = { CLOUDFLARE_ACCOUNT_ID: '0123456789abcdef0123456789abcdef', CLOUDFLARE_API_TOKEN: 't1' }

function readFile (path: string): string {
  if (path === 'config.yaml') return 'MAX_CHOICES: 3\nPORT: 4\n'
  throw new Error(`ENOENT: ${path}`)
}

t.same(readSettings({ argv: [], env: credentials, readFile }).settings, {
  host: '127.0.0.1',
  port: 8686,
  workers: 1,
  upstream: 'cloudflare',
  cloudflare: {
    accountId: '0123456789abcdef0123456789abcdef',
    apiToken: 't1',
    apiBaseUrl: 'https://api.cloudflare.com/client/v4'
  },
  authMode: 'keys',
  apiKeys: [],
  allowUnauthenticated: false,
  modelAliases: {},
  modelFallbacks: {},
  defaultMaxTokens: 4096,
  unsupportedParams: 'warn',
  emulateTools: true,
  fetchRemoteImages: false,
  rejectIfBusy: false,
  upstreamHeadersTimeoutMs: 300_000,
  upstreamIdleTimeoutMs: 120_000,
  maxRetries: 2,
  maxChoices: 8,
  bodyLimitBytes: 33_554_432,
  maxStreams: 2_000,
  drainDelayMs: 0,
  drainTimeoutMs: 30_000,
  corsOrigins: [],
  allowedHosts: [],
  logLevel: 'info',
  logContent: false,
  storeMaxBytes: 67_108_864,
  storeTtlHours: 720,
  simulatorTokensPerSecond: 40
}, 'account and token are enough, the rest has defaults')

t.same(readSettings({
  argv: [
    '--host=::1', '--port=0', '--api-keys=k1, app.1:k2', '--allow-unauthenticated', '--default-model=m', '--default-max-tokens=5',
    '--unsupported-params=reject', '--emulate-tools=false', '--fetch-remote-images', '--reject-if-busy', '--upstream-headers-timeout-ms=6', '--upstream-idle-timeout-ms=7', '--max-retries=1'
  ],
  env: {
    ...credentials,
    CLOUDFLARE_API_BASE_URL: 'http://127.0.0.1:1/client/v4/',
    CLOUDFLARE_AI_GATEWAY_ID: 'g',
    CLOUDFLARE_AI_GATEWAY_TOKEN: 't2',
    CLOUDFLARE_AI_GATEWAY_BASE_URL: 'http://127.0.0.1:2/v1/',
    MODEL_ALIASES: '{"a":"b"}',
    MODEL_FALLBACKS: '{"a":["c"]}',
    WORKERS: '3',
    MAX_STREAMS: '9',
    DRAIN_DELAY_MS: '10',
    BODY_LIMIT_BYTES: '2048',
    DRAIN_TIMEOUT_MS: '8',
    CORS_ORIGINS: 'https://a.example,https://b.example',
    ALLOWED_HOSTS: 'proxy.example',
    LOG_LEVEL: 'debug',
    LOG_CONTENT: 'true',
    STORE_PATH: '/data/responses.db',
    STORE_MAX_BYTES: '0',
    STORE_TTL_HOURS: '1',
    SIMULATOR_TOKENS_PER_SECOND: '0',
    CONFIG_FILE: 'config.yaml'
  },
  readFile
}).settings, {
  host: '::1',
  port: 0,
  workers: 3,
  upstream: 'cloudflare',
  cloudflare: {
    accountId: '0123456789abcdef0123456789abcdef',
    apiToken: 't1',
    apiBaseUrl: 'http://127.0.0.1:1/client/v4',
    gateway: { id: 'g', token: 't2', baseUrl: 'http://127.0.0.1:2/v1' }
  },
  authMode: 'keys',
  apiKeys: [{ key: 'k1' }, { key: 'k2', name: 'app.1' }],
  allowUnauthenticated: true,
  modelAliases: { a: 'b' },
  modelFallbacks: { a: ['c'] },
  defaultModel: 'm',
  defaultMaxTokens: 5,
  unsupportedParams: 'reject',
  emulateTools: false,
  fetchRemoteImages: true,
  rejectIfBusy: true,
  upstreamHeadersTimeoutMs: 6,
  upstreamIdleTimeoutMs: 7,
  maxRetries: 1,
  maxChoices: 3,
  bodyLimitBytes: 2048,
  maxStreams: 9,
  drainDelayMs: 10,
  drainTimeoutMs: 8,
  corsOrigins: ['https://a.example', 'https://b.example'],
  allowedHosts: ['proxy.example'],
  logLevel: 'debug',
  logContent: true,
  storePath: '/data/responses.db',
  storeMaxBytes: 0,
  storeTtlHours: 1,
  simulatorTokensPerSecond: 0
}, 'every setting reaches its place')

t.equal(
  readSettings({ argv: ['--workers=auto'], env: credentials, readFile }).settings.workers,
  Math.min(availableParallelism(), 64),
  'auto is a worker for each core'
)

t.same(
  readSettings({ argv: ['--demo'], env: {}, readFile }).settings.cloudflare,
  { accountId: '', apiToken: '', apiBaseUrl: 'https://api.cloudflare.com/client/v4' },
  'the demo needs no account'
)

t.test('each value is told with where it came from', async t => {
  const { lines } = readSettings({ argv: ['--port=80', '--config=config.yaml'], env: credentials, readFile })
  t.same(lines.map(({ name }) => name), SETTINGS.map(({ name }) => name), 'in the order of the settings')
  const byName = Object.fromEntries(lines.map(({ name, ...line }) => [name, line]))
  t.same(byName['PORT'], { value: '80', secret: false, origin: '--port' })
  t.same(byName['CLOUDFLARE_API_TOKEN'], { value: 't1', secret: true, origin: 'the environment' })
  t.same(byName['MAX_CHOICES'], { value: '3', secret: false, origin: 'config.yaml' })
  t.same(byName['MAX_RETRIES'], { value: '2', secret: false, origin: 'default' })
  t.same(byName['DEFAULT_MODEL'], { value: undefined, secret: false, origin: 'not set' })
})

t.test('every problem of every kind is in one error', async t => {
  const failure = t.throws(() => readSettings({
    argv: ['--prot=1', '--max-retries=-1', '--config=nowhere'],
    env: { HOST: '0.0.0.0', CLOUDFLARE_AI_GATEWAY_TOKEN: 't', API_KEYS: '' },
    readFile
  }), SettingsError)
  t.same((failure as SettingsError).problems.map(({ name }) => name), [
    '--prot', 'CONFIG_FILE', 'MAX_RETRIES', 'HOST', 'CLOUDFLARE_ACCOUNT_ID', 'CLOUDFLARE_API_TOKEN', 'CLOUDFLARE_AI_GATEWAY_TOKEN'
  ])
})

t.same(
  readAddress({ argv: ['healthcheck'], env: { HOST: '0.0.0.0', PORT: '80', MAX_RETRIES: 'many' }, readFile }),
  { host: '0.0.0.0', port: 80 },
  'the address is read whatever the other settings are'
)
t.same(
  readAddress({ argv: ['healthcheck', '--config=config.yaml'], env: {}, readFile }),
  { host: '127.0.0.1', port: 4 },
  'the address is read from the same sources'
)

const misread = [
  { name: 'a wrong port', argv: [], env: { PORT: 'x' }, expected: ['PORT'] },
  { name: 'a wrong host', argv: ['--host=a b'], env: {}, expected: ['HOST'] },
  { name: 'a wrong flag', argv: ['--prot=1'], env: {}, expected: ['--prot'] },
  { name: 'a config file that is not there', argv: ['--config=nowhere'], env: {}, expected: ['CONFIG_FILE'] }
]
for (const { name, argv, env, expected } of misread) {
  t.test(`there is no address with ${name}`, async t => {
    const failure = t.throws(() => readAddress({ argv, env, readFile }), SettingsError)
    t.same((failure as SettingsError).problems.map(problem => problem.name), expected)
  })
}
