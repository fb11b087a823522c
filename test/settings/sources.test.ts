import t from 'tap'
import { parseCommandLine } from '../../src/cli/command-line.ts'
import { gatherValues } from '../../src/settings/sources.ts'

const files: Record<string, string> = {
  token: 's3cret\r\n',
  keys: 'k1\nk2\n',
  empty: '\n',
  'config.json': '{\n\t"$schema": "x",\n\t"PORT": 1,\n\t"DEFAULT_MODEL": null,\n\t"ALLOW_UNAUTHENTICATED": true\n}',
  'config.yaml': 'PORT: 2\nHOST:\nAPI_KEYS: [k1, 0123]\nMODEL_ALIASES:\n  a: b\n  c: "0"\n',
  'spelling.yaml': 'port: 1\nlog-level: info\napiKeys: k\nDefault_Model: m\naccount-id: a\ncolour: red\n',
  'unknown.yaml': 'PROT: 2\nPORT: 3\nCONFIG_FILE: x\n',
  'shapes.yaml': 'PORT: [1]\nHOST: {a: b}\nMODEL_ALIASES: [a]\nDEFAULT_MODEL: [m]\n',
  'secrets.yaml': 'CLOUDFLARE_API_TOKEN_FILE: token\nCF_ACCOUNT_ID: a1\n',
  'broken.yaml': 'PORT: 1\nPORT: 2\n',
  'text.yaml': 'PORT',
  'nothing.yaml': ''
}

function readFile (path: string): string {
  const text = files[path]
  if (text === undefined) throw new Error(`ENOENT: no such file or directory, open '${path}'`)
  return text
}

function gather (argv: string[], env: Record<string, string> = {}, dotEnv?: string) {
  return gatherValues(parseCommandLine(argv), env, readFile, dotEnv)
}

const found = [
  { name: 'nothing is found where nothing is', argv: [], env: {}, values: {}, origins: {} },
  { name: 'a flag wins over the environment', argv: ['--port=1'], env: { PORT: '2' }, values: { PORT: '1' }, origins: { PORT: '--port' } },
  { name: 'the environment wins over the config file', argv: ['--config=config.yaml'], env: { PORT: '1', API_KEYS: 'k', MODEL_ALIASES: '{}' }, values: { PORT: '1', API_KEYS: 'k', MODEL_ALIASES: '{}' }, origins: { PORT: 'the environment', API_KEYS: 'the environment', MODEL_ALIASES: 'the environment' } },
  { name: 'a config file may be YAML, with real lists and objects, and its numbers stay as written', argv: ['--config', 'config.yaml'], env: {}, values: { PORT: '2', API_KEYS: 'k1,0123', MODEL_ALIASES: '{"a":"b","c":"0"}' }, origins: { PORT: 'config.yaml', API_KEYS: 'config.yaml', MODEL_ALIASES: 'config.yaml' } },
  { name: 'a config file may be JSON, and null is not set', argv: [], env: { CONFIG_FILE: 'config.json' }, values: { PORT: '1', ALLOW_UNAUTHENTICATED: 'true' }, origins: { PORT: 'config.json', ALLOW_UNAUTHENTICATED: 'config.json' } },
  { name: 'a config file may be empty', argv: ['--config=nothing.yaml'], env: {}, values: {}, origins: {} },
  { name: '--config wins over CONFIG_FILE', argv: ['--config=nothing.yaml'], env: { CONFIG_FILE: 'config.json' }, values: {}, origins: {} },
  { name: 'a config file may use aliases and secret files', argv: ['--config=secrets.yaml'], env: {}, values: { CLOUDFLARE_API_TOKEN: 's3cret', CLOUDFLARE_ACCOUNT_ID: 'a1' }, origins: { CLOUDFLARE_API_TOKEN: 'token (CLOUDFLARE_API_TOKEN_FILE)', CLOUDFLARE_ACCOUNT_ID: 'CF_ACCOUNT_ID in secrets.yaml' } },
  { name: 'an empty variable is not set', argv: [], env: { PORT: '', API_KEYS: ' ' }, values: {}, origins: {} },
  { name: 'an empty HOST is not passed over', argv: [], env: { HOST: '' }, values: { HOST: '' }, origins: { HOST: 'the environment' } },
  { name: 'blanks around a value do not count', argv: ['--log-level', ' debug'], env: { PORT: ' 80\n' }, values: { PORT: '80', LOG_LEVEL: 'debug' }, origins: { PORT: 'the environment', LOG_LEVEL: '--log-level' } },
  { name: 'a secret may stand in a file', argv: [], env: { CLOUDFLARE_API_TOKEN_FILE: 'token', API_KEYS_FILE: 'keys' }, values: { CLOUDFLARE_API_TOKEN: 's3cret', API_KEYS: 'k1\nk2' }, origins: { CLOUDFLARE_API_TOKEN: 'token (CLOUDFLARE_API_TOKEN_FILE)', API_KEYS: 'keys (API_KEYS_FILE)' } },
  { name: 'a value that is no secret is not looked for in a file', argv: [], env: { PORT_FILE: 'token' }, values: {}, origins: {} },
  { name: 'the demo chooses the simulator', argv: ['--demo'], env: { UPSTREAM: 'cloudflare' }, values: { UPSTREAM: 'simulator' }, origins: { UPSTREAM: '--demo' } },
  { name: 'older names of the account and the token count', argv: [], env: { CF_ACCOUNT_ID: 'a1', CF_API_TOKEN: 't1' }, values: { CLOUDFLARE_ACCOUNT_ID: 'a1', CLOUDFLARE_API_TOKEN: 't1' }, origins: { CLOUDFLARE_ACCOUNT_ID: 'CF_ACCOUNT_ID in the environment', CLOUDFLARE_API_TOKEN: 'CF_API_TOKEN in the environment' } },
  { name: 'the name of Cloudflare\'s own samples wins over the older one', argv: [], env: { CLOUDFLARE_AUTH_TOKEN: 't2', CF_API_TOKEN: 't1' }, values: { CLOUDFLARE_API_TOKEN: 't2' }, origins: { CLOUDFLARE_API_TOKEN: 'CLOUDFLARE_AUTH_TOKEN in the environment' } },
  { name: 'an alias never wins over the name', argv: [], env: { CLOUDFLARE_API_TOKEN: 't3', CLOUDFLARE_AUTH_TOKEN: 't2' }, values: { CLOUDFLARE_API_TOKEN: 't3' }, origins: { CLOUDFLARE_API_TOKEN: 'the environment' } },
  { name: 'an API key alone is taken for a token', argv: [], env: { CLOUDFLARE_API_KEY: 't1' }, values: { CLOUDFLARE_API_TOKEN: 't1' }, origins: { CLOUDFLARE_API_TOKEN: 'CLOUDFLARE_API_KEY in the environment' } },
  { name: 'an API key with an e-mail address beside it is the global key, no token', argv: [], env: { CLOUDFLARE_API_KEY: 't1', CLOUDFLARE_EMAIL: 'me@example.com' }, values: {}, origins: {} }
]
for (const { name, argv, env, values, origins } of found) {
  t.same(gather(argv, env), { values, origins, dotEnv: {}, unread: [], misspelled: [], problems: [] }, name)
}

const inDotEnv: Array<{ name: string, argv?: string[], env?: Record<string, string>, text: string, values: object, origins: object, dotEnv: object, unread?: string[] }> = [
  { name: '.env stands behind the environment and before the config file', argv: ['--config=config.json'], env: { HOST: '::1' }, text: 'HOST=::2\nPORT=5\n', values: { HOST: '::1', PORT: '5', ALLOW_UNAUTHENTICATED: 'true' }, origins: { HOST: 'the environment', PORT: '.env', ALLOW_UNAUTHENTICATED: 'config.json' }, dotEnv: { PORT: 'holds' } },
  { name: 'it is written as Node reads it, with quotes, comments and exports', text: '# x\nexport DEFAULT_MODEL="a b" # y\nAPI_KEYS=\'k\'\n', values: { DEFAULT_MODEL: 'a b', API_KEYS: 'k' }, origins: { DEFAULT_MODEL: '.env', API_KEYS: '.env' }, dotEnv: { DEFAULT_MODEL: 'holds', API_KEYS: 'holds' } },
  { name: 'aliases and secret files count in it', text: 'CF_ACCOUNT_ID=a1\nCLOUDFLARE_API_TOKEN_FILE=token\n', values: { CLOUDFLARE_ACCOUNT_ID: 'a1', CLOUDFLARE_API_TOKEN: 's3cret' }, origins: { CLOUDFLARE_ACCOUNT_ID: 'CF_ACCOUNT_ID in .env', CLOUDFLARE_API_TOKEN: 'token (CLOUDFLARE_API_TOKEN_FILE in .env)' }, dotEnv: { CLOUDFLARE_ACCOUNT_ID: 'holds', CLOUDFLARE_API_TOKEN: 'names' } },
  { name: 'an alias in the environment wins over the name in .env', env: { CF_API_TOKEN: 't1' }, text: 'CLOUDFLARE_API_TOKEN=t2\n', values: { CLOUDFLARE_API_TOKEN: 't1' }, origins: { CLOUDFLARE_API_TOKEN: 'CF_API_TOKEN in the environment' }, dotEnv: {} },
  { name: 'it may name the config file', text: 'CONFIG_FILE=secrets.yaml\n', values: { CLOUDFLARE_API_TOKEN: 's3cret', CLOUDFLARE_ACCOUNT_ID: 'a1' }, origins: { CLOUDFLARE_API_TOKEN: 'token (CLOUDFLARE_API_TOKEN_FILE)', CLOUDFLARE_ACCOUNT_ID: 'CF_ACCOUNT_ID in secrets.yaml (CONFIG_FILE in .env)' }, dotEnv: { CLOUDFLARE_API_TOKEN: 'names', CLOUDFLARE_ACCOUNT_ID: 'names' } },
  { name: 'a config file that is named elsewhere is none of .env\'s', env: { CONFIG_FILE: 'config.json' }, text: 'CONFIG_FILE=secrets.yaml\n', values: { PORT: '1', ALLOW_UNAUTHENTICATED: 'true' }, origins: { PORT: 'config.json', ALLOW_UNAUTHENTICATED: 'config.json' }, dotEnv: {} },
  { name: 'an e-mail address in one place makes the key in another a global one', env: { CLOUDFLARE_EMAIL: 'me@example.com' }, text: 'CLOUDFLARE_API_KEY=t1\n', values: {}, origins: {}, dotEnv: {} },
  { name: 'what Node, TLS, proxies and telemetry go by is not read, and named', text: 'NODE_OPTIONS=x\nNODE_TLS_REJECT_UNAUTHORIZED=0\nhttps_proxy=x\nHTTP_PROXY=x\nNO_PROXY=x\nSSL_CERT_FILE=x\nOTEL_LOGS_EXPORTER=x\nDATABASE_URL=x\nPATH=x\n', values: {}, origins: {}, dotEnv: {}, unread: ['HTTP_PROXY', 'NODE_OPTIONS', 'NODE_TLS_REJECT_UNAUTHORIZED', 'NO_PROXY', 'OTEL_LOGS_EXPORTER', 'SSL_CERT_FILE', 'https_proxy'] }
]
for (const { name, argv = [], env = {}, text, values, origins, dotEnv, unread = [] } of inDotEnv) {
  t.same(gather(argv, env, text), { values, origins, dotEnv, unread, misspelled: [], problems: [] }, name)
}

const wrong = [
  { name: 'a mistake on the command line is handed on', argv: ['--prot=1'], env: {}, problems: [{ name: '--prot', message: 'unknown option --prot', hint: 'Did you mean --port?', meant: 'PORT' }] },
  {
    name: 'a config file that is not there is a problem',
    argv: ['--config=nowhere.yaml'],
    env: {},
    problems: [{ name: 'CONFIG_FILE', message: 'cannot read nowhere.yaml (ENOENT: no such file or directory, open \'nowhere.yaml\')' }]
  },
  {
    name: 'a config file that does not parse is a problem with its place',
    argv: ['--config=broken.yaml'],
    env: {},
    problems: [{ name: 'CONFIG_FILE', message: 'cannot read broken.yaml (Map keys must be unique at line 2, column 1)' }]
  },
  {
    name: 'a config file without names is a problem',
    argv: ['--config=text.yaml'],
    env: {},
    problems: [{ name: 'CONFIG_FILE', message: 'cannot read text.yaml (expected an object with the names of settings)' }]
  },
  {
    name: 'every unknown name in a config file is a problem',
    argv: ['--config=unknown.yaml'],
    env: {},
    problems: [
      { name: 'PROT', message: 'unknown setting PROT in unknown.yaml', hint: 'Did you mean PORT?', meant: 'PORT' },
      { name: 'CONFIG_FILE', message: 'unknown setting CONFIG_FILE in unknown.yaml' }
    ]
  },
  {
    name: 'a name in another spelling is told',
    argv: ['--config=spelling.yaml'],
    env: {},
    problems: [
      { name: 'port', hint: 'The name is PORT.', meant: 'PORT' },
      { name: 'log-level', hint: 'The name is LOG_LEVEL.', meant: 'LOG_LEVEL' },
      { name: 'apiKeys', hint: 'The name is API_KEYS.', meant: 'API_KEYS' },
      { name: 'Default_Model', hint: 'The name is DEFAULT_MODEL.', meant: 'DEFAULT_MODEL' },
      { name: 'account-id', hint: 'Did you mean CLOUDFLARE_ACCOUNT_ID?', meant: 'CLOUDFLARE_ACCOUNT_ID' },
      { name: 'colour' }
    ].map(problem => ({ ...problem, message: `unknown setting ${problem.name} in spelling.yaml` }))
  },
  {
    name: 'a list or an object where none belongs is a problem',
    argv: ['--config=shapes.yaml'],
    env: {},
    problems: [
      { name: 'HOST', message: 'got an object from shapes.yaml; expected a host name or an IP address, without scheme, port or brackets' },
      { name: 'PORT', message: 'got a list from shapes.yaml; expected a whole number from 0 to 65535' },
      { name: 'MODEL_ALIASES', message: 'got a list from shapes.yaml; expected a JSON object of model names, such as {"gpt-4o-mini":"@cf/meta/llama-3.3-70b-instruct-fp8-fast"}' },
      { name: 'DEFAULT_MODEL', message: 'got a list from shapes.yaml; expected text' }
    ]
  },
  {
    name: 'a secret file that is not there is a problem',
    argv: [],
    env: { API_KEYS_FILE: 'nowhere' },
    problems: [{ name: 'API_KEYS', message: 'cannot read the file that API_KEYS_FILE names (ENOENT: no such file or directory, open \'nowhere\')', hint: 'Check the path and the permissions of the file.' }]
  },
  {
    name: 'a secret file that is empty is a problem',
    argv: [],
    env: { API_KEYS_FILE: 'empty' },
    problems: [{ name: 'API_KEYS', message: 'API_KEYS_FILE names empty, which is empty' }]
  },
  {
    name: 'a secret that is set twice is a problem',
    argv: [],
    env: { API_KEYS: 'k', API_KEYS_FILE: 'keys' },
    problems: [{ name: 'API_KEYS', message: 'API_KEYS and API_KEYS_FILE are both set in the environment; expected only one of them' }]
  }
]
for (const { name, argv, env, problems } of wrong) {
  t.same(gather(argv, env).problems, problems, name)
}
