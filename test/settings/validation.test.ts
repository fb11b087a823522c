import t from 'tap'
import type { SettingName } from '../../src/settings/schema.ts'
import { checkEach, checkTogether } from '../../src/settings/validation.ts'

type Values = Partial<Record<SettingName, string>>

function check (values: Values) {
  const origins = Object.fromEntries(Object.keys(values).map(name => [name, 'somewhere']))
  return checkEach({ values, origins, dotEnv: {}, unread: [], misspelled: [], problems: [] })
}

function complaintsAbout (values: Values): string[] {
  const { environment, problems } = check(values)
  return [...problems, ...checkTogether(environment, problems)].map(({ name, message, hint }) => [`${name} ${message}`, ...hint === undefined ? [] : [hint]].join('. '))
}

const integers: Array<{ name: SettingName, from: number, to: number, unit: string }> = [
  { name: 'PORT', from: 0, to: 65_535, unit: '' },
  { name: 'BODY_LIMIT_BYTES', from: 1024, to: 1_073_741_824, unit: ' of bytes' },
  { name: 'MAX_STREAMS', from: 1, to: 100_000, unit: '' },
  { name: 'DRAIN_DELAY_MS', from: 0, to: 300_000, unit: ' of milliseconds' },
  { name: 'DRAIN_TIMEOUT_MS', from: 0, to: 2_147_483_647, unit: ' of milliseconds' },
  { name: 'UPSTREAM_HEADERS_TIMEOUT_MS', from: 1, to: 2_147_483_647, unit: ' of milliseconds' },
  { name: 'UPSTREAM_IDLE_TIMEOUT_MS', from: 1, to: 2_147_483_647, unit: ' of milliseconds' },
  { name: 'MAX_RETRIES', from: 0, to: 5, unit: '' },
  { name: 'DEFAULT_MAX_TOKENS', from: 1, to: 1_000_000, unit: ' of tokens' },
  { name: 'MAX_CHOICES', from: 1, to: 128, unit: '' },
  { name: 'STORE_MAX_BYTES', from: 0, to: 1_099_511_627_776, unit: ' of bytes' },
  { name: 'STORE_TTL_HOURS', from: 1, to: 87_600, unit: ' of hours' }
]
for (const { name, from, to, unit } of integers) {
  t.test(`${name} is a whole number from ${from} to ${to}`, async t => {
    for (const value of [from, to]) t.equal(check({ [name]: `${value}` }).environment[name], value, `takes ${value}`)
    for (const value of [`${from - 1}`, `${to + 1}`, '1.5', 'many', '10s', 'true']) {
      t.same(check({ [name]: value }).problems, [
        { name, message: `got "${value}" from somewhere; expected a whole number${unit} from ${from} to ${to}` }
      ], `refuses ${value}`)
    }
  })
}

t.test('booleans come in four spellings each', async t => {
  for (const value of ['true', '1', 'on', 'yes', 'YES']) t.equal(check({ ALLOW_UNAUTHENTICATED: value }).environment.ALLOW_UNAUTHENTICATED, true, value)
  for (const value of ['false', '0', 'off', 'no', 'Off']) t.equal(check({ ALLOW_UNAUTHENTICATED: value }).environment.ALLOW_UNAUTHENTICATED, false, value)
  t.same(check({ ALLOW_UNAUTHENTICATED: 'perhaps' }).problems, [
    { name: 'ALLOW_UNAUTHENTICATED', message: 'got "perhaps" from somewhere; expected true or false' }
  ])
})

t.same(check({ SIMULATOR_TOKENS_PER_SECOND: '0.5' }).environment.SIMULATOR_TOKENS_PER_SECOND, 0.5, 'the pace may be less than one token per second')
t.equal(check({ WORKERS: 'auto' }).environment.WORKERS, 'auto', 'the machine may say how many workers')
t.same(check({ WORKERS: '65' }).problems, [{ name: 'WORKERS', message: 'got "65" from somewhere; expected a whole number from 1 to 64, or auto' }])
t.equal(check({ LOG_LEVEL: 'silent' }).environment.LOG_LEVEL, 'silent', 'the log may be silent')

const whereTheAccountIs = 'Copy it from https://dash.cloudflare.com → AI → Workers AI → "Use REST API".'
const unpaired = { CLOUDFLARE_ACCOUNT_ID: '0123456789abcdef0123456789ABCDEF', CLOUDFLARE_API_TOKEN: 't' }
const several = JSON.stringify([{ name: 'main', account_id: unpaired.CLOUDFLARE_ACCOUNT_ID, api_token: 't', gateway: { id: 'g' } }])
const complaints: Array<{ name: string, given: Values, expected: string[] }> = [
  { name: 'several accounts are enough', given: { CLOUDFLARE_ACCOUNTS: several, ACCOUNT_ROUTING: 'order', CLOUDFLARE_AI_GATEWAY_ZDR: 'true' }, expected: [] },
  { name: 'a simulator needs none of them', given: { UPSTREAM: 'simulator', CLOUDFLARE_ACCOUNTS: '[]' }, expected: [] },
  { name: 'an empty list of accounts', given: { CLOUDFLARE_ACCOUNTS: '[]' }, expected: ['CLOUDFLARE_ACCOUNTS has no account; expected at least one'] },
  { name: 'what is no list of accounts', given: { CLOUDFLARE_ACCOUNTS: 's3cret' }, expected: ['CLOUDFLARE_ACCOUNTS got a value (hidden) from somewhere; expected a JSON list of accounts, such as [{"name":"main","account_id":"…","api_token":"…"}]'] },
  ...(['CLOUDFLARE_ACCOUNT_ID', 'CLOUDFLARE_API_TOKEN'] as const).map(name => ({
    name: `several accounts beside ${name}`,
    given: { CLOUDFLARE_ACCOUNTS: several, [name]: unpaired[name] },
    expected: [`CLOUDFLARE_ACCOUNTS cannot be combined with ${name}, which is for a single account; expected one of the two`]
  })),
  {
    name: 'several accounts beside a gateway of one',
    given: { CLOUDFLARE_ACCOUNTS: several, CLOUDFLARE_AI_GATEWAY_ID: 'g' },
    expected: ['CLOUDFLARE_ACCOUNTS cannot be combined with CLOUDFLARE_AI_GATEWAY_ID, which is for a single account; expected one of the two']
  },
  {
    name: 'several accounts for tokens of clients',
    given: { CLOUDFLARE_ACCOUNTS: several, AUTH_MODE: 'passthrough' },
    expected: ['CLOUDFLARE_ACCOUNTS cannot be combined with AUTH_MODE=passthrough, where clients send their Cloudflare token; expected one of the two']
  },
  { name: 'an order of accounts without any', given: { ...unpaired, ACCOUNT_ROUTING: 'order' }, expected: ['ACCOUNT_ROUTING requires CLOUDFLARE_ACCOUNTS, which is not set'] },
  { name: 'account and token are enough', given: unpaired, expected: [] },
  { name: 'the simulator needs nothing', given: { UPSTREAM: 'simulator', CLOUDFLARE_AI_GATEWAY_TOKEN: 't', CLOUDFLARE_ACCOUNT_ID: 'x' }, expected: [] },
  {
    name: 'without account and token it says where to get each',
    given: {},
    expected: [
      `CLOUDFLARE_ACCOUNT_ID not set. ${whereTheAccountIs}`,
      'CLOUDFLARE_API_TOKEN not set. Make one at https://dash.cloudflare.com/profile/api-tokens with the account permissions "Workers AI: Read" and "Workers AI: Edit".'
    ]
  },
  {
    name: 'only what is missing is named',
    given: { CLOUDFLARE_API_TOKEN: 't' },
    expected: [`CLOUDFLARE_ACCOUNT_ID not set. ${whereTheAccountIs}`]
  },
  {
    name: 'an account id has 32 hexadecimal digits',
    given: { ...unpaired, CLOUDFLARE_ACCOUNT_ID: 'my-account' },
    expected: [`CLOUDFLARE_ACCOUNT_ID got 10 characters (hidden); expected the 32 hexadecimal digits of an account id. ${whereTheAccountIs}`]
  },
  {
    name: 'a token in place of the account id is recognised and not shown',
    given: { ...unpaired, CLOUDFLARE_ACCOUNT_ID: 'v1_0-Zabcdefghijklmnopqrstuvwxyz01234567' },
    expected: [`CLOUDFLARE_ACCOUNT_ID got 40 characters (hidden), which may be an API token; expected the 32 hexadecimal digits of an account id. ${whereTheAccountIs}`]
  },
  {
    name: 'an account id that fits no URL is not shown either',
    given: { ...unpaired, CLOUDFLARE_ACCOUNT_ID: 'Bearer s3cret' },
    expected: ['CLOUDFLARE_ACCOUNT_ID got a value (hidden) from somewhere; expected letters, digits, "-" and "_" only']
  },
  { name: 'another API may have other account ids', given: { ...unpaired, CLOUDFLARE_ACCOUNT_ID: 'test', CLOUDFLARE_API_BASE_URL: 'http://127.0.0.1:1' }, expected: [] },
  {
    name: 'a slash at its end does not make it another API',
    given: { ...unpaired, CLOUDFLARE_ACCOUNT_ID: 'test', CLOUDFLARE_API_BASE_URL: 'https://api.cloudflare.com/client/v4/' },
    expected: [`CLOUDFLARE_ACCOUNT_ID got 4 characters (hidden); expected the 32 hexadecimal digits of an account id. ${whereTheAccountIs}`]
  },
  {
    name: 'a gateway token wants a gateway',
    given: { ...unpaired, CLOUDFLARE_AI_GATEWAY_TOKEN: 's3cret' },
    expected: ['CLOUDFLARE_AI_GATEWAY_TOKEN requires CLOUDFLARE_AI_GATEWAY_ID, which is not set']
  },
  {
    name: 'what a gateway is asked for wants a gateway',
    given: { ...unpaired, CLOUDFLARE_AI_GATEWAY_CACHE_TTL: '60', CLOUDFLARE_AI_GATEWAY_LOG_PAYLOAD: 'false', CLOUDFLARE_AI_GATEWAY_METADATA: '{"a":"b"}', CLOUDFLARE_AI_GATEWAY_ZDR: 'true' },
    expected: ['CACHE_TTL', 'LOG_PAYLOAD', 'METADATA', 'ZDR'].map(name => `CLOUDFLARE_AI_GATEWAY_${name} requires CLOUDFLARE_AI_GATEWAY_ID, which is not set`)
  },
  { name: 'a gateway wants no token', given: { ...unpaired, CLOUDFLARE_AI_GATEWAY_ID: 'g' }, expected: [] },
  {
    name: 'a secret is not shown when it is wrong',
    given: { ...unpaired, CLOUDFLARE_API_TOKEN: 'Bearer s3cret', API_KEYS: 'my key' },
    expected: [
      'API_KEYS got a value (hidden) from somewhere; expected one or more keys separated by commas, without spaces inside a key',
      'CLOUDFLARE_API_TOKEN got a value (hidden) from somewhere; expected a token without spaces or line breaks'
    ]
  },
  {
    name: 'a host that others can reach wants keys',
    given: { ...unpaired, HOST: '0.0.0.0' },
    expected: ['HOST other machines can reach "0.0.0.0", and there are no keys; set API_KEYS, use 127.0.0.1, or set ALLOW_UNAUTHENTICATED=true']
  },
  {
    name: 'so does the simulator',
    given: { UPSTREAM: 'simulator', HOST: '::' },
    expected: ['HOST other machines can reach "::", and there are no keys; set API_KEYS, use 127.0.0.1, or set ALLOW_UNAUTHENTICATED=true']
  },
  {
    name: 'keys do not have the names of labels',
    given: { ...unpaired, API_KEYS: 'unnamed:k,j', ADMIN_KEYS: 'none:a' },
    expected: [
      "API_KEYS has a key named 'unnamed', which stands for keys without a name in figures; expected another name",
      "ADMIN_KEYS has a key named 'none', which stands for callers without a key in figures; expected another name"
    ]
  },
  {
    name: 'limits want names that keys have',
    given: { ...unpaired, API_KEYS: 'alice:k', KEY_LIMITS: '{"alise":{"rpm":1}}' },
    expected: ['KEY_LIMITS has an entry for "alise", but the names in API_KEYS are alice; did you mean alice?']
  },
  {
    name: 'limits want numbers',
    given: { ...unpaired, API_KEYS: 'alice:k', KEY_LIMITS: '{"alice":{"rpm":0}}' },
    expected: ['KEY_LIMITS "alice" has a wrong rpm (0); expected a whole number from 1 to 1000000000']
  },
  {
    name: 'free neurons are guarded by one process',
    given: { ...unpaired, FREE_NEURONS_GUARD: 'refuse', WORKERS: '2' },
    expected: ['FREE_NEURONS_GUARD refuse requires WORKERS=1 or REDIS_URL, because several processes would count each for itself; got WORKERS=2 without REDIS_URL']
  },
  { name: 'several processes may hold free neurons together', given: { ...unpaired, FREE_NEURONS_GUARD: 'refuse', WORKERS: '2', REDIS_URL: 'redis://a' }, expected: [] },
  {
    name: 'limits are counted by one process',
    given: { ...unpaired, KEY_LIMITS: '{"*":{"rpm":1}}', WORKERS: '2' },
    expected: ['KEY_LIMITS requires WORKERS=1 or REDIS_URL, because several processes would count each for itself; got WORKERS=2 without REDIS_URL']
  },
  { name: 'several processes may count together', given: { ...unpaired, KEY_LIMITS: '{"*":{"rpm":1}}', WORKERS: '2', REDIS_URL: 'redis://a' }, expected: [] },
  { name: 'several processes may have no limits', given: { ...unpaired, KEY_LIMITS: '{}', WORKERS: '2' }, expected: [] },
  { name: 'one process may have limits', given: { ...unpaired, API_KEYS: 'alice:k', KEY_LIMITS: '{"alice":{"rpm":"60"},"*":{}}' }, expected: [] },
  {
    name: 'with passthrough no key has a name',
    given: { ...unpaired, AUTH_MODE: 'passthrough', KEY_LIMITS: '{"alice":{"rpm":1}}' },
    expected: [
      'KEY_LIMITS has an entry for "alice", but with AUTH_MODE=passthrough no key has a name; expected only "*", which limits each token by itself'
    ]
  },
  { name: 'with keys every host is fine', given: { ...unpaired, HOST: '0.0.0.0', API_KEYS: 'k' }, expected: [] },
  { name: 'an open proxy is fine when it is wanted', given: { ...unpaired, HOST: '0.0.0.0', ALLOW_UNAUTHENTICATED: 'true' }, expected: [] },
  {
    name: 'wrong keys are not called missing as well',
    given: { ...unpaired, HOST: '0.0.0.0', API_KEYS: ',' },
    expected: ['API_KEYS got a value (hidden) from somewhere; expected one or more keys separated by commas, without spaces inside a key']
  },
  {
    name: 'an empty host is wrong, not public',
    given: { ...unpaired, HOST: '' },
    expected: ['HOST got "" from somewhere; expected a host name or an IP address, without scheme, port or brackets']
  },
  {
    name: 'with a wrong upstream nobody knows what it needs',
    given: { UPSTREAM: 'openai' },
    expected: ['UPSTREAM got "openai" from somewhere; expected one of cloudflare, simulator']
  },
  {
    name: 'a long value is cut',
    given: { ...unpaired, MODEL_ALIASES: 'x'.repeat(100) },
    expected: [`MODEL_ALIASES got "${'x'.repeat(80)}..." from somewhere; expected a JSON object of model names, such as {"gpt-4o-mini":"@cf/meta/llama-3.3-70b-instruct-fp8-fast"}`]
  }
]
for (const { name, given, expected } of complaints) {
  t.same(complaintsAbout(given), expected, name)
}
