import { readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { SETTINGS } from '../../src/settings/schema.ts'
import { toSettingsPage } from '../settings-page.ts'

const root = new URL('../../', import.meta.url)

t.same(Object.fromEntries(SETTINGS.map(({ name, default: byDefault }) => [name, byDefault])), {
  HOST: '127.0.0.1',
  PORT: '8686',
  BODY_LIMIT_BYTES: String(32 * 1024 * 1024),
  WORKERS: '1',
  MAX_STREAMS: '2000',
  MAX_BODY_MEMORY_BYTES: undefined,
  CLIENT_IDLE_TIMEOUT_MS: '60000',
  DRAIN_DELAY_MS: '0',
  DRAIN_TIMEOUT_MS: '30000',
  METRICS: 'true',
  PAGE: 'true',
  LOG_LEVEL: 'info',
  LOG_FORMAT: 'auto',
  LOG_CONTENT: 'false',
  API_KEYS: undefined,
  ADMIN_KEYS: undefined,
  METRICS_PUBLIC: 'false',
  ALLOW_UNAUTHENTICATED: 'false',
  AUTH_MODE: 'keys',
  KEY_LIMITS: '{}',
  CORS_ORIGINS: undefined,
  ALLOWED_HOSTS: undefined,
  UPSTREAM: 'cloudflare',
  CLOUDFLARE_ACCOUNT_ID: undefined,
  CLOUDFLARE_API_TOKEN: undefined,
  CLOUDFLARE_ACCOUNTS: undefined,
  ACCOUNT_ROUTING: 'spread',
  CLOUDFLARE_API_BASE_URL: 'https://api.cloudflare.com/client/v4',
  CLOUDFLARE_AI_GATEWAY_ID: undefined,
  CLOUDFLARE_AI_GATEWAY_TOKEN: undefined,
  CLOUDFLARE_AI_GATEWAY_BASE_URL: 'https://gateway.ai.cloudflare.com/v1',
  CLOUDFLARE_AI_GATEWAY_CACHE_TTL: undefined,
  CLOUDFLARE_AI_GATEWAY_LOG_PAYLOAD: undefined,
  CLOUDFLARE_AI_GATEWAY_METADATA: undefined,
  CLOUDFLARE_AI_GATEWAY_ZDR: undefined,
  UPSTREAM_HEADERS_TIMEOUT_MS: '300000',
  UPSTREAM_IDLE_TIMEOUT_MS: '120000',
  MAX_RETRIES: '2',
  MODEL_ALIASES: '{}',
  MODEL_FALLBACKS: '{}',
  DEFAULT_MODEL: undefined,
  DEFAULT_MAX_TOKENS: '4096',
  MAX_CHOICES: '8',
  UNSUPPORTED_PARAMS: 'warn',
  RETIRED_MODELS: 'replace',
  EMULATE_TOOLS: 'true',
  FETCH_REMOTE_IMAGES: 'false',
  REJECT_IF_BUSY: 'false',
  REDIS_PREFIX: 'wap:',
  REDIS_TIMEOUT_MS: '250',
  ANSWER_CACHE_TTL_SECONDS: '0',
  ANSWER_CACHE_MAX_BYTES: String(64 * 1024 * 1024),
  ANSWER_CACHE_SHARED: 'false',
  STORE_PATH: undefined,
  FREE_NEURONS_PER_DAY: '10000',
  FREE_NEURONS_GUARD: 'off',
  STORE_MAX_BYTES: String(64 * 1024 * 1024),
  STORE_TTL_HOURS: '720',
  OTEL_EXPORTER_OTLP_ENDPOINT: undefined,
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: undefined,
  OTEL_EXPORTER_OTLP_TRACES_HEADERS: undefined,
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/protobuf',
  OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '10000',
  OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: 'none',
  OTEL_SERVICE_NAME: undefined,
  OTEL_RESOURCE_ATTRIBUTES: undefined,
  OTEL_TRACES_SAMPLER: 'parentbased_always_on',
  OTEL_TRACES_SAMPLER_ARG: undefined,
  OTEL_PROPAGATORS: 'tracecontext,baggage',
  OTEL_BSP_SCHEDULE_DELAY: '5000',
  OTEL_BSP_EXPORT_TIMEOUT: '30000',
  OTEL_BSP_MAX_QUEUE_SIZE: '2048',
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '512',
  OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: 'false',
  OTEL_TRACES_EXPORTER: 'otlp',
  OTEL_SDK_DISABLED: 'false',
  SIMULATOR_TOKENS_PER_SECOND: '40',
  SIMULATOR_RETIRED_MODELS: 'serve'
}, 'the defaults are the promised ones')

t.same(
  SETTINGS.filter(({ secret }) => secret).map(({ name }) => name),
  ['API_KEYS', 'ADMIN_KEYS', 'CLOUDFLARE_API_TOKEN', 'CLOUDFLARE_ACCOUNTS', 'CLOUDFLARE_AI_GATEWAY_TOKEN', 'REDIS_URL', 'OTEL_EXPORTER_OTLP_TRACES_HEADERS'],
  'keys and tokens are secret'
)

t.test('every setting has a doc that fits one line and says what it wants', async t => {
  for (const { name, doc, expected, group } of SETTINGS) {
    t.match(doc, /^\S.{10,92}\.$/, `${name} has a doc`)
    t.match(expected, /^\S.{3,}$/, `${name} says what it wants`)
    t.ok(group, `${name} has a heading`)
  }
})

t.test('.env.example has every setting with its doc and default, commented out', async t => {
  const example = readFileSync(new URL('.env.example', root), 'utf8')
  for (const { name, doc, default: byDefault } of SETTINGS) {
    t.ok(example.includes(`\n# ${doc}\n# ${name}=${byDefault ?? ''}\n`), name)
  }
  t.same(example.split('\n').filter(line => line !== '' && !line.startsWith('#')), [], 'nothing in it is active')
})

const readme = readFileSync(new URL('README.md', root), 'utf8')

t.test('docs/settings.md is made from the schema', t => {
  const file = new URL('docs/settings.md', root)
  const page = toSettingsPage()
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(file, page)
  t.equal(readFileSync(file, 'utf8'), page, 'UPDATE_DOCS=1 npx tap run --disable-coverage test/settings/schema.test.ts writes it anew')
  for (const { name } of SETTINGS) t.equal(page.split(`\n| \`${name}\` |`).length, 2, name)
  t.end()
})

t.test('the README shows the settings most people need, with their defaults, and leads to the others', t => {
  const rows = [...readme.matchAll(/^\| `([A-Z_]+)` \| (?:`([^`]*)`)? ?\|/gm)].map(([, name = '', byDefault]) => ({ name, default: byDefault }))
  t.ok(rows.length >= 5 && rows.length <= 10, `${rows.length} settings`)
  for (const row of rows) t.match(SETTINGS.find(({ name }) => name === row.name), row, row.name)
  t.match(readme, '(docs/settings.md)')
  t.end()
})

t.test('the README can be read in a few minutes', t => {
  t.ok(readme.split('\n').length <= 220, `${readme.split('\n').length} lines`)
  t.end()
})
