import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Agent, createServer as createHttpServer, request, type IncomingMessage } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { stripVTControlCharacters } from 'node:util'
import t, { type Test } from 'tap'
import { parseCommandLine } from '../src/cli/command-line.ts'
import { SettingsError } from '../src/settings/problem.ts'
import { readSettings } from '../src/settings/reader.ts'
import { accepts } from './servers/http-client.ts'
import { start } from './servers/program.ts'

// Each of its many starts takes a second or more where the machine has other work.
t.setTimeout(600_000)

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }

/** Starts a proxy in front of the simulator, and waits until it listens. */
async function serve (t: Test, env: Record<string, string> = {}) {
  const started = start(t, ['--upstream', 'simulator', '--port', '0'], { env })
  const url = await started.seen(/"msg":"listening at (http:[^"]+)"/)
  return { ...started, url, port: Number(new URL(url).port) }
}

/** Asks for as many words as given, streamed; resolves when the answer begins. */
async function stream (url: string, words: number, agent: Agent | false = false): Promise<IncomingMessage> {
  const asking = request(`${url}/v1/chat/completions`, { method: 'POST', agent, headers: { 'content-type': 'application/json' } })
  asking.end(JSON.stringify({
    model: '@cf/meta/llama-3.3-70b-instruct-fp8-fast',
    messages: [{ role: 'user', content: `say ${words} words` }],
    stream: true
  }))
  const [response] = await once(asking, 'response') as [IncomingMessage]
  if (response.statusCode !== 200) throw new Error(`${response.statusCode}: ${await text(response)}`)
  return response
}

/** Why the program does not start with this environment; nothing where it would. */
function toComplaint (env: Record<string, string>): string {
  try {
    readSettings({ commandLine: parseCommandLine([]), env, readFile: path => readFileSync(path, 'utf8') })
    return ''
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error
    return error.message
  }
}

/** Resolves when nobody accepts connections on the port any more. */
async function untilRefused (port: number): Promise<void> {
  while (await accepts(port));
}

t.test('--help says all, whatever else is wrong', async t => {
  const { code, stdout, stderr } = await start(t, ['--prot', '1', '--help'], { env: { PORT: 'x' } }).ended
  t.equal(code, 0)
  t.match(stdout, /^Usage: workers-ai-proxy/)
  t.equal(stderr, '')
})

t.test('--version is that of the package', async t => {
  const { code, stdout } = await start(t, ['--version']).ended
  t.equal(code, 0)
  t.equal(stdout, `${version}\n`)
})

t.test('--print-config shows where each value came from, and no secret', async t => {
  const { code, stdout } = await start(t, ['--print-config', '--port=1', '--config', 'proxy.yaml'], {
    env: { CLOUDFLARE_ACCOUNT_ID: '0123456789abcdef0123456789abcdef', CLOUDFLARE_API_TOKEN_FILE: 'token', MAX_RETRIES: '5' },
    files: { 'proxy.yaml': 'PORT: 2\nMAX_CHOICES: 3\n', token: 's3cret\n', '.env': 'MAX_RETRIES=4\nDEFAULT_MODEL=m\nNODE_TLS_REJECT_UNAUTHORIZED=0\n' }
  }).ended
  t.equal(code, 0)
  t.match(stdout, /^PORT +1 +--port$/m)
  t.match(stdout, /^MAX_CHOICES +3 +proxy\.yaml$/m)
  t.match(stdout, /^CLOUDFLARE_API_TOKEN +\*{4} +token \(CLOUDFLARE_API_TOKEN_FILE\)$/m)
  t.match(stdout, /^MAX_RETRIES +5 +the environment$/m, 'the real environment wins over .env')
  t.match(stdout, /^DEFAULT_MODEL +m +\.env$/m, '.env fills in the rest')
  t.match(stdout, /^NODE_TLS_REJECT_UNAUTHORIZED +- +ignored in \.env$/m, 'but for what is no setting')
  t.notMatch(stdout, /s3cret/)
})

t.test('wrong settings are told all at once, without a stack', async t => {
  const { code, stdout, stderr } = await start(t, ['--port=x', '--prot=1'], { env: { HOST: '0.0.0.0' } }).ended
  t.equal(code, 2)
  t.equal(stdout, '')
  t.match(stderr, /^workers-ai-proxy cannot start: 5 configuration errors$/m)
  t.match(stderr, /^ {2}PORT: got "x" from --port; expected a whole number from 0 to 65535$/m)
  t.match(stderr, /^ {2}unknown option --prot\. Did you mean --port\?$/m)
  t.match(stderr, /^ {2}HOST: other machines can reach "0\.0\.0\.0", and there are no keys/m)
  t.match(stderr, /^ {2}CLOUDFLARE_ACCOUNT_ID: not set\. Copy it from https:\/\/dash\.cloudflare\.com/m)
  t.match(stderr, /^ {2}CLOUDFLARE_API_TOKEN: not set\. Make one at https:\/\/dash\.cloudflare\.com\/profile\/api-tokens/m)
  t.match(stderr, /\nRun it with --help to list all settings, with doctor to check account and token, or with --demo to try it without an account\.\n$/)
  t.notMatch(stderr, / {4}at /)
})

t.test('no wrong setting starts a server, and each is named', async t => {
  const account = { CLOUDFLARE_ACCOUNT_ID: '0'.repeat(32), CLOUDFLARE_API_TOKEN: 's3cret-token' }
  const cases: Array<{ name: string, given: Record<string, string | undefined> }> = [
    { name: 'CLOUDFLARE_ACCOUNT_ID', given: { CLOUDFLARE_ACCOUNT_ID: '' } },
    { name: 'CLOUDFLARE_ACCOUNT_ID', given: { CLOUDFLARE_ACCOUNT_ID: '../x' } },
    { name: 'CLOUDFLARE_API_TOKEN', given: { CLOUDFLARE_API_TOKEN: '' } },
    { name: 'CLOUDFLARE_API_TOKEN', given: { CLOUDFLARE_API_TOKEN: 's3cret token' } },
    { name: 'CLOUDFLARE_API_TOKEN', given: { CLOUDFLARE_API_TOKEN: undefined, CLOUDFLARE_API_TOKEN_FILE: 'none' } },
    { name: 'CLOUDFLARE_API_BASE_URL', given: { CLOUDFLARE_API_BASE_URL: 'cloudflare' } },
    { name: 'CLOUDFLARE_API_BASE_URL', given: { CLOUDFLARE_API_BASE_URL: 'file:///etc' } },
    { name: 'PORT', given: { PORT: '65536' } },
    { name: 'PORT', given: { PORT: '-1' } },
    { name: 'HOST', given: { HOST: '' } },
    { name: 'HOST', given: { HOST: '0.0.0.0' } },
    { name: 'UPSTREAM', given: { UPSTREAM: 'nowhere' } },
    { name: 'API_KEYS', given: { API_KEYS: 's3cret key' } },
    { name: 'AUTH_MODE', given: { AUTH_MODE: 'some' } },
    { name: 'MODEL_ALIASES', given: { MODEL_ALIASES: '{' } },
    { name: 'MODEL_ALIASES', given: { MODEL_ALIASES: '["x"]' } },
    { name: 'MODEL_FALLBACKS', given: { MODEL_FALLBACKS: '{"a":1}' } },
    { name: 'KEY_LIMITS', given: { KEY_LIMITS: '{"nobody":{"rpm":1}}' } },
    { name: 'KEY_LIMITS', given: { KEY_LIMITS: '{"*":{"rpm":1}}', WORKERS: '2' } },
    { name: 'MAX_RETRIES', given: { MAX_RETRIES: 'many' } },
    { name: 'MAX_STREAMS', given: { MAX_STREAMS: '0' } },
    { name: 'BODY_LIMIT_BYTES', given: { BODY_LIMIT_BYTES: '10 MB' } },
    { name: 'UPSTREAM_IDLE_TIMEOUT_MS', given: { UPSTREAM_IDLE_TIMEOUT_MS: '-5' } },
    { name: 'DRAIN_TIMEOUT_MS', given: { DRAIN_TIMEOUT_MS: 'soon' } },
    { name: 'LOG_LEVEL', given: { LOG_LEVEL: 'loud' } },
    { name: 'CORS_ORIGINS', given: { CORS_ORIGINS: 'https://a.example/path' } }
  ]
  const toEnv = (given: Record<string, string | undefined>) =>
    Object.fromEntries(Object.entries({ PORT: '0', ...account, ...given }).flatMap(([key, value]) => value === undefined ? [] : [[key, value]]))
  for (const { name, given } of cases) {
    const is = JSON.stringify(given)
    const refused = toComplaint(toEnv(given))
    t.match(refused, name, is)
    t.notMatch(refused, / {4}at |s3cret/, is)
  }
  // A start takes as long as a hundred of those. So the program is shown several at a time, each setting once, and says the same.
  const rounds = Math.max(...cases.map(({ name }) => cases.filter(other => other.name === name).length))
  for (let round = 0; round < rounds; round++) {
    const wrong = cases.filter((one, index) => cases.slice(0, index).filter(({ name }) => name === one.name).length === round)
    const env = toEnv(Object.assign({}, ...wrong.map(({ given }) => given)))
    const { code, stdout, stderr } = await start(t, [], { env }).ended
    t.same({ code, stdout }, { code: 2, stdout: '' })
    t.ok(stderr.startsWith(`${toComplaint(env)}\nRun it with --help`), stderr)
  }
})

t.test('a store that cannot be opened is a wrong setting, and nothing is left running', async t => {
  for (const upstream of ['simulator', 'cloudflare']) {
    const env = { STORE_PATH: 'far/responses.db', CLOUDFLARE_ACCOUNT_ID: '0'.repeat(32), CLOUDFLARE_API_TOKEN: 't' }
    const { code, stdout, stderr } = await start(t, ['--upstream', upstream, '--port', '0'], { env }).ended
    t.equal(code, 2)
    t.match(stderr, /STORE_PATH: cannot open it \(ENOENT.+expected a SQLite file/)
    t.equal(stdout, '')
  }
})

t.test('--print-config tells of wrong settings behind the others', async t => {
  const { code, stdout, stderr } = await start(t, ['--print-config', '--port=x', '--max-retries=1', '--demo']).ended
  t.equal(code, 2)
  t.match(stdout, /^PORT +x +--port, see below$/m)
  t.match(stdout, /^MAX_RETRIES +1 +--max-retries$/m)
  t.match(stderr, /^workers-ai-proxy cannot start: 1 configuration error\n {2}PORT: got "x"/)
})

t.test('a .env that is no file is told in a sentence', async t => {
  const started = start(t, ['--print-config'], { files: { '.env': {} as unknown as string } })
  const { code, stdout, stderr } = await started.ended
  t.equal(code, 2)
  t.match(stdout, /^PORT +8686 +default$/m, 'which hides nothing')
  t.match(stderr, /^ {2}cannot read \.env/m)
})

t.test('a .env sends no token of the environment elsewhere', async t => {
  const heard: string[] = []
  const evil = createHttpServer((request, response) => {
    heard.push(`${request.headers.authorization}`)
    response.end('{}')
  })
  t.teardown(() => evil.close())
  await new Promise<void>(resolve => evil.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(evil.address() as AddressInfo).port}/client/v4`
  const env = { CLOUDFLARE_ACCOUNT_ID: '0'.repeat(32), CLOUDFLARE_API_TOKEN: 's3cret' }
  const files = { '.env': `CLOUDFLARE_API_BASE_URL=${url}\nNODE_TLS_REJECT_UNAUTHORIZED=0\n` }
  for (const argv of [[], ['doctor'], ['--print-config'], ['--workers=2']]) {
    const { code, stdout, stderr } = await start(t, argv, { env, files }).ended
    t.equal(code, 2, argv.join())
    t.match(stdout + stderr, /CLOUDFLARE_API_BASE_URL: comes from \.env, but CLOUDFLARE_API_TOKEN, which is sent there, comes from the environment\./)
  }
  t.strictSame(heard, [])
})

t.test('nothing but settings is read from .env, and what a program might miss there is named', async t => {
  const env = { CLOUDFLARE_ACCOUNT_ID: 'a', CLOUDFLARE_API_TOKEN: 't', CLOUDFLARE_API_BASE_URL: 'https://127.0.0.1:1' }
  const files = { '.env': 'PORT=0\nNODE_TLS_REJECT_UNAUTHORIZED=0\nHTTPS_PROXY=http://127.0.0.1:2\nOTEL_LOGS_EXPORTER=http://127.0.0.1:3\nDATABASE_URL=x\n' }
  const { child, seen, ended } = start(t, [], { env, files })
  await seen(/"level":40[^\n]*"names":\["HTTPS_PROXY","NODE_TLS_REJECT_UNAUTHORIZED","OTEL_LOGS_EXPORTER"\],"msg":"these variables have no effect in \.env; only settings are read from it"/)
  child.kill()
  t.equal((await ended).stderr, '', 'Node warns of a TLS that nothing checks')
  const { code, stdout } = await start(t, ['doctor', '--no-run'], { env, files }).ended
  t.equal(code, 4)
  t.match(stdout, /^warning {2}settings [^\n]+\n +→ Only settings are read from \.env; HTTPS_PROXY, NODE_TLS_REJECT_UNAUTHORIZED, OTEL_LOGS_EXPORTER has no effect there\./m)
})

t.test('a port in use is told in one sentence', async t => {
  const other = createServer()
  t.teardown(() => other.close())
  await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as AddressInfo
  for (const argv of [['--upstream=simulator'], ['--demo']]) {
    const { code, stderr } = await start(t, [...argv, '--port', `${port}`]).ended
    t.equal(code, 2, argv.join())
    t.match(stderr, `Port ${port} on 127.0.0.1 is in use; choose another port with --port (PORT).\n`, argv.join())
    t.notMatch(stderr, / {4}at /, argv.join())
  }
})

t.test('the health check asks the proxy on the same HOST and PORT', async t => {
  const { child, port, ended } = await serve(t)
  const healthy = await start(t, ['healthcheck'], { env: { PORT: `${port}`, HOST: '0.0.0.0' } }).ended
  t.same(healthy, { code: 0, stdout: '', stderr: '' })
  child.kill()
  await ended
  const gone = await start(t, ['healthcheck', '--port', `${port}`]).ended
  t.equal(gone.code, 1)
  t.match(gone.stderr, `http://127.0.0.1:${port}/health cannot be reached`)
  const wrong = await start(t, ['healthcheck', '--port', 'x']).ended
  t.equal(wrong.code, 1)
  t.match(wrong.stderr, 'PORT: got "x"')
})

t.test('without a terminal it says so in the log only', async t => {
  const { child, url, ended } = await serve(t)
  t.match(url, /^http:\/\/127\.0\.0\.1:\d+$/)
  child.kill()
  const { code, stdout } = await ended
  t.equal(code, 0)
  for (const line of stdout.trim().split('\n')) t.type(JSON.parse(line), 'object', 'every line is JSON')
})

t.test('the simulator stands in for a gateway, too', async t => {
  const { url } = await serve(t, { CLOUDFLARE_AI_GATEWAY_ID: 'g', SIMULATOR_TOKENS_PER_SECOND: '0' })
  t.match(await text(await stream(url, 3)), /data: \[DONE\]\n\n$/)
})

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  t.test(`${signal} lets a stream end and takes no more requests`, async t => {
    const { child, url, port, ended } = await serve(t, { SIMULATOR_TOKENS_PER_SECOND: '20' })
    const agent = new Agent({ keepAlive: true })
    t.teardown(() => agent.destroy())
    const answer = await stream(url, 20, agent)
    child.kill(signal)
    await untilRefused(port)
    t.match(await text(answer), /data: \[DONE\]\n\n$/, 'the stream ended well')
    const before = Date.now()
    t.equal((await ended).code, 0)
    t.ok(Date.now() - before < 10_000, 'a connection that is kept alive does not hold it up')
  })
}

t.test('a connection that is kept alive does not hold up the end', async t => {
  const { child, url, ended } = await serve(t, { SIMULATOR_TOKENS_PER_SECOND: '0' })
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())
  await text(await stream(url, 1, agent))
  const before = Date.now()
  child.kill()
  t.equal((await ended).code, 0)
  t.ok(Date.now() - before < 10_000)
})

t.test('a stream that does not end in time is told that it is cut', async t => {
  const { child, url, ended } = await serve(t, { SIMULATOR_TOKENS_PER_SECOND: '5', DRAIN_TIMEOUT_MS: '300' })
  const answer = await stream(url, 200)
  child.kill()
  const last = (await text(answer)).trimEnd().split('\n\n').at(-1) ?? ''
  t.match(JSON.parse(last.replace('data: ', '')), { error: { type: 'server_error', code: 'server_stopping' } })
  t.equal((await ended).code, 0)
})

t.test('a second signal ends it at once', async t => {
  const { child, url, seen, ended } = await serve(t, { SIMULATOR_TOKENS_PER_SECOND: '5' })
  const answer = await stream(url, 200)
  const cut = t.rejects(text(answer), { message: 'aborted' })
  child.kill('SIGTERM')
  await seen(/"msg":"stopping"/)
  child.kill('SIGTERM')
  t.equal((await ended).code, 143)
  await cut
})

t.test('the demo shows a chat and what to try next, then serves', async t => {
  const { child, seen, ended } = start(t, ['--demo', '--port=0'], { env: { SIMULATOR_TOKENS_PER_SECOND: '0' } })
  const url = await seen(/base URL {3}(http:\S+)\/v1/)
  await seen(/Press Ctrl-C to stop/)
  t.match(await text(await stream(url, 1)), /\[DONE\]/, 'it serves')
  child.kill('SIGINT')
  const { code, stdout, stderr } = await ended
  t.equal(code, 0)
  t.notMatch(stderr, /failed/)
  t.match(stdout, /> What is a proxy\? Answer in two sentences\.\n {2}\S[^]+\d+ prompt tokens, \d+ completion tokens, \d+ in total/)
  t.match(stdout, `curl ${url}/v1/chat/completions`)
  t.match(stdout, `new OpenAI({ baseURL: '${url}/v1'`)
  t.match(stdout, /models {5}\d+, of which \d+ are for chat; listed at/)
  t.match(stdout, /CLOUDFLARE_ACCOUNT_ID {2}Copy it from/, 'it says what real answers take')
  t.notMatch(/> What is a proxy[^]+in all/.exec(stdout)?.[0], /"level":/, 'no log line runs into the answer')
  t.ok(stdout.indexOf('"msg":"listening') < stdout.indexOf('base URL'), 'that it listens comes first')
  t.match(stdout.match(/"method":"[A-Z]+","route":"[^"]+","status":\d+/g), ['"method":"POST","route":"/v1/chat/completions","status":200', '"method":"POST","route":"/v1/chat/completions","status":200'], 'a line for each request, and none for the count of models')
})

t.test('a log for a person has a line without colours for each request, also of workers', async t => {
  for (const workers of ['1', '2']) {
    const { child, seen, ended } = start(t, ['--upstream=simulator', '--port=0', '--log-format=pretty', `--workers=${workers}`], { env: { SIMULATOR_TOKENS_PER_SECOND: '0' } })
    const url = await seen(/^\d\d:\d\d:\d\d listening at (http:\S+)/m)
    await text(await stream(url, 1))
    await seen(/^\d\d:\d\d:\d\d POST \/v1\/chat\/completions {2}200 {2}\d+(?:\.\d)? m?s {2}llama-3\.3-70b-instruct-fp8-fast {2}\d+\+1 tokens {2}streamed, first after .+$/m)
    child.kill()
    const { stdout } = await ended
    t.notMatch(stdout, '"level"', `${workers} workers`)
    t.equal(stripVTControlCharacters(stdout), stdout)
  }
})

t.test('the demo uses a key when there are keys, and an alias when there are aliases', async t => {
  const { seen } = start(t, ['--demo', '--port=0', '--api-keys=k1,k2'], {
    env: { SIMULATOR_TOKENS_PER_SECOND: '0', MODEL_ALIASES: '{"gpt-4o-mini":"@cf/meta/llama-3.3-70b-instruct-fp8-fast"}' }
  })
  t.match(await seen(/POST .*/), /gpt-4o-mini$/)
  await seen(/prompt tokens/)
  t.match(await seen(/curl .*/), /Bearer \$API_KEY/, 'the key is not shown')
})

t.test('SIGTERM lets the chat of the demo end', async t => {
  const { child, seen, ended } = start(t, ['--demo', '--port=0'], { env: { SIMULATOR_TOKENS_PER_SECOND: '60' } })
  await seen(/two sentences\.\n {2}\S/)
  child.kill('SIGTERM')
  const { code, stdout } = await ended
  t.equal(code, 0)
  t.match(stdout, /prompt tokens/)
})
