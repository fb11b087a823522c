import { availableParallelism } from 'node:os'
import t from 'tap'
import { parseCommandLine, toConfigTable } from '../../src/cli/command-line.ts'
import { SETTINGS } from '../../src/settings/schema.ts'
import { memoryLimit } from '../../src/settings/memory-limit.ts'
import { SettingsError } from '../../src/settings/problem.ts'
import { readAccess, readAddress, readSettings, surveySettings } from '../../src/settings/reader.ts'

const credentials = { CLOUDFLARE_ACCOUNT_ID: '0123456789abcdef0123456789abcdef', CLOUDFLARE_API_TOKEN: 't1' }

function readFile (path: string): string {
  if (path === 'config.yaml') return 'MAX_CHOICES: 3\nPORT: 4\n'
  throw new Error(`ENOENT: ${path}`)
}

t.same(readSettings({ env: credentials, readFile }).settings, {
  host: '127.0.0.1',
  port: 8686,
  workers: 1,
  upstream: 'cloudflare',
  cloudflare: {
    accountId: '0123456789abcdef0123456789abcdef',
    apiToken: 't1',
    apiBaseUrl: 'https://api.cloudflare.com/client/v4'
  },
  accountRouting: 'spread',
  authMode: 'keys',
  apiKeys: [],
  adminKeys: [],
  metrics: true,
  page: true,
  metricsPublic: false,
  keyLimits: {},
  allowUnauthenticated: false,
  modelAliases: {},
  modelFallbacks: {},
  defaultMaxTokens: 4096,
  unsupportedParams: 'warn',
  retiredModels: 'replace',
  emulateTools: true,
  fetchRemoteImages: false,
  rejectIfBusy: false,
  upstreamHeadersTimeoutMs: 300_000,
  upstreamIdleTimeoutMs: 120_000,
  maxRetries: 2,
  maxChoices: 8,
  bodyLimitBytes: 33_554_432,
  maxStreams: 2_000,
  maxBodyMemoryBytes: Math.floor(memoryLimit() / 4),
  clientIdleTimeoutMs: 60_000,
  drainDelayMs: 0,
  drainTimeoutMs: 30_000,
  corsOrigins: [],
  allowedHosts: [],
  logLevel: 'info',
  logFormat: 'auto',
  logContent: false,
  freeNeuronsPerDay: 10_000,
  freeNeuronsGuard: 'off',
  storeMaxBytes: 67_108_864,
  storeTtlHours: 720,
  simulatorTokensPerSecond: 40,
  simulatorRetiredModels: 'serve'
}, 'account and token are enough, the rest has defaults')

t.same(readSettings({
  commandLine: parseCommandLine([
    '--host=::1', '--port=0', '--api-keys=k1, app.1:k2', '--admin-keys=ops:k3', '--metrics=false', '--metrics-public', '--allow-unauthenticated', '--default-model=m', '--default-max-tokens=5',
    '--unsupported-params=reject', '--retired-models=reject', '--simulator-retired-models=refuse', '--emulate-tools=false', '--fetch-remote-images', '--reject-if-busy', '--upstream-headers-timeout-ms=6', '--upstream-idle-timeout-ms=7', '--max-retries=1'
  ]),
  env: {
    ...credentials,
    CLOUDFLARE_API_BASE_URL: 'http://127.0.0.1:1/client/v4/',
    CLOUDFLARE_AI_GATEWAY_ID: 'g',
    CLOUDFLARE_AI_GATEWAY_TOKEN: 't2',
    CLOUDFLARE_AI_GATEWAY_BASE_URL: 'http://127.0.0.1:2/v1/',
    CLOUDFLARE_AI_GATEWAY_CACHE_TTL: '3600',
    CLOUDFLARE_AI_GATEWAY_LOG_PAYLOAD: 'false',
    CLOUDFLARE_AI_GATEWAY_METADATA: '{"team":"web","beta":true}',
    CLOUDFLARE_AI_GATEWAY_ZDR: 'true',
    MODEL_ALIASES: '{"a":"b"}',
    MODEL_FALLBACKS: '{"a":["c"]}',
    WORKERS: '3',
    MAX_STREAMS: '9',
    MAX_BODY_MEMORY_BYTES: '4096',
    CLIENT_IDLE_TIMEOUT_MS: '1500',
    DRAIN_DELAY_MS: '10',
    BODY_LIMIT_BYTES: '2048',
    DRAIN_TIMEOUT_MS: '8',
    CORS_ORIGINS: 'https://a.example,https://b.example',
    ALLOWED_HOSTS: 'proxy.example',
    LOG_LEVEL: 'debug',
    LOG_FORMAT: 'json',
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
    gateway: {
      id: 'g',
      token: 't2',
      baseUrl: 'http://127.0.0.1:2/v1',
      options: { cacheTtlSeconds: 3600, logPayload: false, metadata: { team: 'web', beta: true }, zdr: true }
    }
  },
  accountRouting: 'spread',
  authMode: 'keys',
  apiKeys: [{ key: 'k1' }, { key: 'k2', name: 'app.1' }],
  adminKeys: [{ key: 'k3', name: 'ops' }],
  metrics: false,
  page: true,
  metricsPublic: true,
  keyLimits: {},
  allowUnauthenticated: true,
  modelAliases: { a: 'b' },
  modelFallbacks: { a: ['c'] },
  defaultModel: 'm',
  defaultMaxTokens: 5,
  unsupportedParams: 'reject',
  retiredModels: 'reject',
  emulateTools: false,
  fetchRemoteImages: true,
  rejectIfBusy: true,
  upstreamHeadersTimeoutMs: 6,
  upstreamIdleTimeoutMs: 7,
  maxRetries: 1,
  maxChoices: 3,
  bodyLimitBytes: 2048,
  maxStreams: 9,
  maxBodyMemoryBytes: 4096,
  clientIdleTimeoutMs: 1_500,
  drainDelayMs: 10,
  drainTimeoutMs: 8,
  corsOrigins: ['https://a.example', 'https://b.example'],
  allowedHosts: ['proxy.example'],
  logLevel: 'debug',
  logFormat: 'json',
  logContent: true,
  storePath: '/data/responses.db',
  freeNeuronsPerDay: 10_000,
  freeNeuronsGuard: 'off',
  storeMaxBytes: 0,
  storeTtlHours: 1,
  simulatorTokensPerSecond: 0,
  simulatorRetiredModels: 'refuse'
}, 'every setting reaches its place')

t.equal(
  readSettings({ commandLine: parseCommandLine(['--workers=auto']), env: credentials, readFile }).settings.workers,
  Math.min(availableParallelism(), 64),
  'auto is a worker for each core'
)

t.same(
  readSettings({ commandLine: parseCommandLine(['--demo']), env: {}, readFile }).settings.cloudflare,
  { accountId: '', apiToken: '', apiBaseUrl: 'https://api.cloudflare.com/client/v4' },
  'the demo needs no account'
)

t.test('each value is told with where it came from', async t => {
  const { lines } = readSettings({ commandLine: parseCommandLine(['--port=80', '--config=config.yaml']), env: credentials, readFile })
  t.same(lines.map(({ name }) => name), SETTINGS.map(({ name }) => name), 'in the order of the settings')
  const byName = Object.fromEntries(lines.map(({ name, ...line }) => [name, line]))
  t.same(byName['PORT'], { value: '80', secret: false, origin: '--port' })
  t.same(byName['CLOUDFLARE_API_TOKEN'], { value: 't1', secret: true, origin: 'the environment' })
  t.same(byName['MAX_CHOICES'], { value: '3', secret: false, origin: 'config.yaml' })
  t.same(byName['MAX_RETRIES'], { value: '2', secret: false, origin: 'default' })
  t.same(byName['DEFAULT_MODEL'], { value: undefined, secret: false, origin: 'not set' })
})

t.test('what is right is told beside what is wrong, and no secret', t => {
  const { settings, problems, lines } = surveySettings({
    commandLine: parseCommandLine(['--port=x', '--max-retries=1']),
    env: { CLOUDFLARE_ACCOUNT_ID: 'this-may-be-a-token-of-forty-characters-', API_KEYS: 'k 1' },
    readFile
  })
  t.equal(settings, undefined)
  t.same(problems.map(({ name }) => name), ['PORT', 'API_KEYS', 'CLOUDFLARE_API_TOKEN', 'CLOUDFLARE_ACCOUNT_ID'])
  const byName = Object.fromEntries(lines.map(({ name, ...line }) => [name, line]))
  t.same(byName['MAX_RETRIES'], { value: '1', secret: false, origin: '--max-retries' })
  t.same(byName['PORT'], { value: 'x', secret: false, origin: '--port, see below' })
  t.same(byName['CLOUDFLARE_API_TOKEN'], { value: undefined, secret: true, origin: 'not set, see below' })
  t.match(byName['CLOUDFLARE_ACCOUNT_ID'], { secret: true, origin: 'the environment, see below' }, 'a wrong account id may be a token')
  t.equal(toConfigTable(lines, []).includes('token-of-forty'), false)
  t.end()
})

t.test('one mistake is one message', t => {
  const named = (argv: string[], env: Record<string, string> = {}, files: Record<string, string> = {}) =>
    surveySettings({ commandLine: parseCommandLine(argv), env, readFile: path => files[path] ?? '' }).problems.map(({ name }) => name)
  const id = 'f'.repeat(32)
  t.same(named(['--dmeo']), ['--dmeo'], 'a mistyped demo needs no account')
  t.same(named(['doctro']), ['"doctro"'], 'nor does a mistyped command')
  t.same(named(['--cloudflare-acount-id', id, '--token', 't']), ['--cloudflare-acount-id', '--token'], 'what was meant is not missing as well')
  t.same(named(['--host=0.0.0.0', '--api-key=k'], credentials), ['--api-key'], 'nor is it missed beside others')
  t.same(named(['--config=c'], {}, { c: `accountId: ${id}\napi-token: t\n` }), ['accountId', 'api-token'], 'in a config file neither')
  t.end()
})

t.test('every problem of every kind is in one error', async t => {
  const failure = t.throws(() => readSettings({
    commandLine: parseCommandLine(['--prot=1', '--max-retries=-1', '--config=nowhere']),
    env: { HOST: '0.0.0.0', CLOUDFLARE_AI_GATEWAY_TOKEN: 't', API_KEYS: '' },
    readFile
  }), SettingsError)
  t.same((failure as SettingsError).problems.map(({ name }) => name), [
    '--prot', 'CONFIG_FILE', 'MAX_RETRIES', 'HOST', 'CLOUDFLARE_ACCOUNT_ID', 'CLOUDFLARE_API_TOKEN', 'CLOUDFLARE_AI_GATEWAY_TOKEN'
  ])
})

t.test('nothing that gets credentials, or what came by them, is in .env where they are not', t => {
  const files: Record<string, string> = { accounts: JSON.stringify([{ name: 'main', account_id: '0'.repeat(32), api_token: 's3cret' }]), url: 'redis://127.0.0.1:1' }
  const telling = { OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: 'true' }
  const receivers: Array<{ name: string, dotEnv?: string, env?: Record<string, string> }> = [
    ...SETTINGS.filter(({ receives }) => receives.includes('CLOUDFLARE_API_TOKEN')).map(({ name }) => ({ name })),
    { name: 'REDIS_URL', dotEnv: 'VALKEY_URL=redis://127.0.0.1:1' },
    { name: 'REDIS_URL', dotEnv: 'REDIS_URL_FILE=url' },
    { name: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', env: telling },
    { name: 'OTEL_EXPORTER_OTLP_ENDPOINT', env: telling }
  ]
  const credentials: Array<Record<string, string>> = [
    { CLOUDFLARE_ACCOUNT_ID: '0'.repeat(32), CLOUDFLARE_API_TOKEN: 's3cret', CLOUDFLARE_AI_GATEWAY_ID: 'g' },
    { CLOUDFLARE_ACCOUNTS: JSON.stringify([{ name: 'main', account_id: '0'.repeat(32), api_token: 's3cret', gateway: { id: 'g' } }]) },
    { CLOUDFLARE_ACCOUNTS_FILE: 'accounts' }
  ]
  for (const { name, dotEnv = `${name}=${name === 'REDIS_URL' ? 'redis' : 'http'}://127.0.0.1:1`, env } of receivers) {
    for (const secret of credentials) {
      // Nothing is sent to a gateway that nobody has.
      if (name === 'CLOUDFLARE_AI_GATEWAY_BASE_URL' && secret['CLOUDFLARE_ACCOUNTS_FILE'] !== undefined) continue
      const { problems } = surveySettings({ env: { ...secret, ...env }, dotEnv, readFile: path => files[path] ?? '' })
      t.match(problems, [{ name, message: /^comes from .*, but CLOUDFLARE_(API_TOKEN|ACCOUNTS), / }], `${dotEnv}, ${Object.keys(secret).at(-1)}`)
    }
  }
  t.end()
})

const mock = 'http://127.0.0.1:1/v4'
const elsewhere = 'which is sent there, comes from'
const destinations: Array<{ name: string, env?: Record<string, string>, argv?: string[], dotEnv: string, message?: string }> = [
  { name: 'with a token of the environment', env: credentials, dotEnv: `CLOUDFLARE_API_BASE_URL=${mock}`, message: `CLOUDFLARE_API_BASE_URL: comes from .env, but CLOUDFLARE_API_TOKEN, ${elsewhere} the environment. Remove CLOUDFLARE_API_BASE_URL from .env, or set it where CLOUDFLARE_API_TOKEN is set.` },
  { name: 'with a token by an alias', env: { ...credentials, CLOUDFLARE_API_TOKEN: '', CF_API_TOKEN: 't1' }, dotEnv: `CLOUDFLARE_API_BASE_URL=${mock}`, message: `${elsewhere} CF_API_TOKEN in the environment` },
  { name: 'with a token of a flag', env: credentials, argv: ['--cloudflare-api-token=t3'], dotEnv: `CLOUDFLARE_API_BASE_URL=${mock}`, message: `${elsewhere} --cloudflare-api-token` },
  { name: 'with a token of a file', env: { ...credentials, CLOUDFLARE_API_TOKEN: '', CLOUDFLARE_API_TOKEN_FILE: 'config.yaml' }, dotEnv: `CLOUDFLARE_API_BASE_URL=${mock}`, message: `${elsewhere} config.yaml (CLOUDFLARE_API_TOKEN_FILE)` },
  { name: 'with a file .env takes for a token', env: { CLOUDFLARE_ACCOUNT_ID: 'a' }, dotEnv: `CLOUDFLARE_API_BASE_URL=${mock}\nCLOUDFLARE_API_TOKEN_FILE=token`, message: `${elsewhere} token (CLOUDFLARE_API_TOKEN_FILE in .env)` },
  { name: 'by a config file that .env names', env: credentials, dotEnv: 'CONFIG_FILE=base.yaml', message: `CLOUDFLARE_API_BASE_URL: comes from base.yaml (CONFIG_FILE in .env), but CLOUDFLARE_API_TOKEN, ${elsewhere} the environment.` },
  { name: 'of the gateway', env: { ...credentials, CLOUDFLARE_AI_GATEWAY_ID: 'g' }, dotEnv: `CLOUDFLARE_AI_GATEWAY_BASE_URL=${mock}`, message: `CLOUDFLARE_AI_GATEWAY_BASE_URL: comes from .env, but CLOUDFLARE_API_TOKEN, ${elsewhere} the environment.` },
  { name: 'of the gateway, whose token is from elsewhere', env: { CLOUDFLARE_AI_GATEWAY_TOKEN: 't2' }, dotEnv: `CLOUDFLARE_AI_GATEWAY_ID=g\nCLOUDFLARE_AI_GATEWAY_BASE_URL=${mock}\nCLOUDFLARE_ACCOUNT_ID=${credentials.CLOUDFLARE_ACCOUNT_ID}\nCLOUDFLARE_API_TOKEN=t`, message: `but CLOUDFLARE_AI_GATEWAY_TOKEN, ${elsewhere} the environment.` },
  { name: 'with callers\' tokens', env: { ...credentials, AUTH_MODE: 'passthrough' }, dotEnv: `CLOUDFLARE_API_BASE_URL=${mock}\nCLOUDFLARE_API_TOKEN=t`, message: 'CLOUDFLARE_API_BASE_URL: comes from .env, but AUTH_MODE, which sends the clients\' tokens there, comes from the environment.' },
  { name: 'with its token beside it', env: { CLOUDFLARE_ACCOUNT_ID: 'a' }, dotEnv: `CLOUDFLARE_API_BASE_URL=${mock}\nCLOUDFLARE_API_TOKEN=t` },
  { name: 'that the environment overrules', env: { ...credentials, CLOUDFLARE_API_BASE_URL: mock }, dotEnv: 'CLOUDFLARE_API_BASE_URL=http://127.0.0.1:2' },
  { name: 'that is Cloudflare\'s own', env: credentials, dotEnv: 'CLOUDFLARE_API_BASE_URL=https://api.cloudflare.com/client/v4/' },
  { name: 'of a gateway nobody uses', env: credentials, dotEnv: `CLOUDFLARE_AI_GATEWAY_BASE_URL=${mock}` },
  { name: 'that the simulator does not need', env: credentials, argv: ['--demo'], dotEnv: `CLOUDFLARE_API_BASE_URL=${mock}` }
]
for (const { name, env = {}, argv = [], dotEnv, message } of destinations) {
  t.test(`a base URL in .env ${name}`, async t => {
    const files: Record<string, string> = { 'config.yaml': 's3cret', 'base.yaml': `CLOUDFLARE_API_BASE_URL: ${mock}\n`, token: 's3cret' }
    const read = () => readSettings({ commandLine: parseCommandLine(argv), env, dotEnv, readFile: path => files[path] ?? '' })
    if (message === undefined) {
      t.doesNotThrow(read)
      return
    }
    const failure = t.throws(read, SettingsError) as SettingsError
    t.equal(failure.problems.length, 1)
    t.ok(failure.message.includes(message), failure.message)
  })
}

t.same(
  readAddress({ commandLine: parseCommandLine(['healthcheck']), env: { PORT: '80' }, dotEnv: 'HOST=::1\nPORT=81\nCLOUDFLARE_API_BASE_URL=http://evil.example\n', readFile }),
  { host: '::1', port: 80 },
  'the address is read from .env, too'
)
t.same(
  readAddress({ commandLine: parseCommandLine(['healthcheck']), env: { HOST: '0.0.0.0', PORT: '80', MAX_RETRIES: 'many' }, readFile }),
  { host: '0.0.0.0', port: 80 },
  'the address is read whatever the other settings are'
)
t.same(
  readAddress({ commandLine: parseCommandLine(['healthcheck', '--config=config.yaml']), env: {}, readFile }),
  { host: '127.0.0.1', port: 4 },
  'the address is read from the same sources'
)

t.test('the proxy is reached with its first key', t => {
  const cases = [
    { name: 'none', env: {}, expected: { address: { host: '127.0.0.1', port: 8686 }, key: undefined } },
    { name: 'the first', env: { API_KEYS: 'ann:k1,k2', PORT: '80', MAX_RETRIES: 'many' }, expected: { address: { host: '127.0.0.1', port: 80 }, key: 'k1' } },
    { name: 'one that sees everything before it', env: { API_KEYS: 'k1', ADMIN_KEYS: 'ops:a1,a2' }, expected: { address: { host: '127.0.0.1', port: 8686 }, key: 'a1' } },
    { name: 'one that .env brings with its address', env: {}, dotEnv: 'HOST=10.0.0.1\nAPI_KEYS=k3\n', expected: { address: { host: '10.0.0.1', port: 8686 }, key: 'k3' } },
    { name: 'one for this machine', env: { API_KEYS: 'k1' }, dotEnv: 'HOST=0.0.0.0\n', expected: { address: { host: '0.0.0.0', port: 8686 }, key: 'k1' } }
  ]
  for (const { name, env, dotEnv, expected } of cases) {
    t.strictSame(readAccess({ commandLine: parseCommandLine(['usage']), env, dotEnv, readFile }), expected, name)
  }
  const failure = t.throws(() => readAccess({ commandLine: parseCommandLine(['usage']), env: { API_KEYS: 'secret-1' }, dotEnv: 'HOST=evil.example\n', readFile }), SettingsError) as SettingsError
  t.match(failure.message, /HOST: comes from \.env, but API_KEYS, which would be sent there, comes from the environment/)
  t.notMatch(failure.message, 'secret-1')
  t.end()
})

const misread = [
  { name: 'a wrong port', argv: [], env: { PORT: 'x' }, expected: ['PORT'] },
  { name: 'a wrong host', argv: ['--host=a b'], env: {}, expected: ['HOST'] },
  { name: 'a wrong flag', argv: ['--prot=1'], env: {}, expected: ['--prot'] },
  { name: 'a config file that is not there', argv: ['--config=nowhere'], env: {}, expected: ['CONFIG_FILE'] }
]
for (const { name, argv, env, expected } of misread) {
  t.test(`there is no address with ${name}`, async t => {
    const failure = t.throws(() => readAddress({ commandLine: parseCommandLine(argv), env, readFile }), SettingsError)
    t.same((failure as SettingsError).problems.map(problem => problem.name), expected)
  })
}

t.test('several accounts are read from a file of their own, or from a list in the config file', async t => {
  const id = '0123456789abcdef0123456789abcdef'
  const expected = [
    { name: 'main', accountId: id, apiToken: 't1', plan: 'free', weight: 1, apiBaseUrl: 'https://api.cloudflare.com/client/v4' },
    {
      name: 'lab',
      accountId: id.replace('0', 'f'),
      apiToken: 't2',
      plan: 'paid',
      weight: 2,
      apiBaseUrl: 'https://api.cloudflare.com/client/v4',
      gateway: { id: 'g', token: 't3', baseUrl: 'https://gateway.ai.cloudflare.com/v1', options: { zdr: true } }
    }
  ]
  const json = JSON.stringify([
    { name: 'main', account_id: id, api_token: 't1' },
    { name: 'lab', account_id: id.replace('0', 'f'), api_token: 't2', plan: 'paid', weight: 2, gateway: { id: 'g', token: 't3' } }
  ])
  const files: Record<string, string> = { 'accounts.json': json, 'config.yaml': `CLOUDFLARE_ACCOUNTS: ${json}\nCLOUDFLARE_AI_GATEWAY_ZDR: true\n` }
  const readFile = (path: string) => files[path] ?? ''
  for (const env of [{ CLOUDFLARE_ACCOUNTS_FILE: 'accounts.json', CLOUDFLARE_AI_GATEWAY_ZDR: 'true' }, { CONFIG_FILE: 'config.yaml' }]) {
    const { settings, lines } = readSettings({ env, readFile })
    t.strictSame(settings.accounts, expected)
    t.match(settings.cloudflare, { accountId: '', apiToken: '' })
    t.match(lines.find(({ name }) => name === 'CLOUDFLARE_ACCOUNTS'), { secret: true })
  }
  const { settings } = readSettings({ env: { CLOUDFLARE_ACCOUNTS: json, UPSTREAM: 'simulator' }, readFile })
  t.equal(settings.accounts, undefined, 'the simulator is one account')
  t.throws(() => readSettings({ env: { CLOUDFLARE_ACCOUNTS: json }, dotEnv: 'CLOUDFLARE_API_BASE_URL=http://127.0.0.1:1', readFile }), /CLOUDFLARE_API_BASE_URL: comes from \.env, but CLOUDFLARE_ACCOUNTS/)
})
