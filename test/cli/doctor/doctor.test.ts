import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { startSimulator, type SimulatorOptions } from '../../../src/simulator/server.ts'

const main = fileURLToPath(new URL('../../../dist/main.js', import.meta.url))

const ACCOUNT_ID = '0123456789abcdef0123456789abcdef'
const API_TOKEN = 'v1_0-Zabcdefghijklmnopqrstuvwxyz01234567'
const GRANITE = '@cf/ibm-granite/granite-4.0-h-micro'

interface Report {
  code: number | null
  stdout: string
  stderr: string
}

/** Runs the built program in an empty directory with nothing in its environment but what is given, to its end. */
async function doctor (t: Test, argv: string[], env: Record<string, string> = {}): Promise<Report> {
  const child = spawn(process.execPath, [main, 'doctor', ...argv], { cwd: t.testdir(), env, stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  const [[code], stdout, stderr] = await Promise.all([once(child, 'close') as Promise<[number | null]>, text(child.stdout), text(child.stderr)])
  return { code, stdout, stderr }
}

/** Has the doctor look at an account of a simulator's. */
async function lookAt (t: Test, options: SimulatorOptions, { argv = [], env = {} }: { argv?: string[], env?: Record<string, string> } = {}): Promise<Report> {
  const simulator = await startSimulator({ accountId: ACCOUNT_ID, apiToken: API_TOKEN, ...options })
  t.teardown(() => simulator.close())
  const report = await doctor(t, argv, {
    CLOUDFLARE_ACCOUNT_ID: ACCOUNT_ID, CLOUDFLARE_API_TOKEN: API_TOKEN, CLOUDFLARE_API_BASE_URL: simulator.url, MAX_RETRIES: '0', ...env
  })
  t.equal(report.stderr, '')
  for (const secret of [ACCOUNT_ID, API_TOKEN, ...Object.values(env).filter(value => value.length > 30)]) t.notMatch(report.stdout, secret, 'neither account id nor token is shown')
  return report
}

/** The verdicts in the order of the checks. */
function verdictsOf ({ stdout }: Report): string {
  return [...stdout.matchAll(/^(ok|warning|failed|skipped) /gm)].map(([, verdict]) => verdict).join(' ')
}

const accounts: Array<{ name: string, options?: SimulatorOptions, argv?: string[], env?: Record<string, string>, code: number, verdicts: string, says: RegExp, next?: RegExp }> = [
  { name: 'an account without a fault', code: 0, verdicts: 'ok ok ok ok ok ok', says: new RegExp(`ok {7}run {7}${GRANITE} answered in \\d+ ms, for 0\\.\\d+ neurons\\.\n\nOK\n`) },
  { name: 'no run', argv: ['--no-run'], code: 0, verdicts: 'ok ok ok ok ok skipped', says: /runs none of them[^]*OK \(1 check skipped\)/ },
  { name: 'a wrong account id', env: { CLOUDFLARE_ACCOUNT_ID: 'fedcba9876543210fedcba9876543210' }, code: 3, verdicts: 'ok ok failed skipped skipped skipped', says: /does not know this account \(7003\)/, next: /Copy it from https:\/\/dash\.cloudflare\.com/ },
  { name: 'a token in its place', env: { CLOUDFLARE_ACCOUNT_ID: API_TOKEN }, code: 3, verdicts: 'ok ok failed skipped skipped skipped', says: /has 40 characters \(like an API token\)/, next: /Copy it from/ },
  { name: 'a wrong token', env: { CLOUDFLARE_API_TOKEN: 'a-token-that-is-long-enough-and-wrong-000' }, code: 3, verdicts: 'ok ok skipped failed skipped skipped', says: /refused the token \(10000\)/, next: /Make one at https:\/\/dash\.cloudflare\.com\/profile\/api-tokens/ },
  { name: 'a token that may run but not list', options: { mayList: false }, code: 0, verdicts: 'ok ok ok ok warning ok', says: /may run models but not list them[^]*OK, with 1 warning/, next: /"Workers AI: Read"/ },
  { name: 'a licence that is not accepted', options: { order: 'fail with code 5016' }, code: 5, verdicts: 'ok ok ok ok ok failed', says: /licence of @cf\/ibm-granite\/\S+ is not accepted \(5016\)/, next: /accept it once/ },
  { name: 'a model of the paid plan', options: { order: 'fail with code 5035' }, argv: ['--model', '@cf/moonshotai/kimi-k2.6'], code: 5, verdicts: 'ok ok ok ok ok failed', says: /kimi-k2\.6 needs the Workers Paid plan \(5035\)/, next: /Choose the plan/ },
  { name: 'no neurons left today', options: { order: 'fail with code 4006' }, code: 5, verdicts: 'ok ok ok ok ok failed', says: /has used its free neurons of the day \(4006\)/, next: /resets at 00:00 UTC, in \d+ h \d+ min/ },
  { name: 'no capacity', options: { order: 'fail with code 3040' }, code: 5, verdicts: 'ok ok ok ok ok failed', says: /no capacity for .* \(3040\)/, next: /MODEL_FALLBACKS/ },
  { name: 'a slow network', options: { delayMs: 3_100 }, argv: ['--no-run'], code: 0, verdicts: 'ok warning ok ok ok skipped', says: /took \d{4,} ms for its first answer; less than 3000 ms is usual/, next: /VPN/ }
]
for (const { name, options = {}, argv = [], env = {}, code, verdicts, says, next } of accounts) {
  t.test(name, async t => {
    const report = await lookAt(t, options, { argv, env })
    t.equal(verdictsOf(report), verdicts)
    t.equal(report.code, code)
    t.match(report.stdout, says)
    if (next) t.match(report.stdout, new RegExp(`\n {19}→ .*${next.source}`))
    t.notMatch(report.stdout, '\u001b', 'it is no terminal')
  })
}

t.test('each of several accounts is looked at, by its name', async t => {
  const other = { id: 'fedcba9876543210fedcba9876543210', token: 'another-token-of-another-account-000000' }
  const report = await lookAt(t, {}, {
    env: {
      CLOUDFLARE_ACCOUNT_ID: '',
      CLOUDFLARE_API_TOKEN: '',
      CLOUDFLARE_ACCOUNTS: JSON.stringify([
        { name: 'main', account_id: ACCOUNT_ID, api_token: API_TOKEN },
        { name: 'backup', account_id: other.id, api_token: other.token }
      ])
    }
  })
  t.equal(verdictsOf(report), 'ok ok ok ok ok ok ok failed skipped skipped skipped')
  t.equal(report.code, 3)
  t.match(report.stdout, /ok {7}account {3}main: /)
  t.match(report.stdout, /failed {3}account {3}backup: Cloudflare does not know this account \(7003\): its account_id has the form of an account id/)
  for (const secret of [other.id, other.token]) t.notMatch(report.stdout, secret)
})

const settings: Array<{ name: string, env: Record<string, string>, argv?: string[], says: RegExp }> = [
  { name: 'nothing is set, and a flag is wrong', env: {}, argv: ['--prot=1'], says: /unknown option --prot\.\n +→ Did you mean --port\?\nfailed {3}settings {2}CLOUDFLARE_ACCOUNT_ID: not set\.\n +→ Copy it from .*\nfailed {3}settings {2}CLOUDFLARE_API_TOKEN: not set\.\n +→ Make one at / },
  { name: 'a token that cannot be read', env: { CLOUDFLARE_ACCOUNT_ID: ACCOUNT_ID, CLOUDFLARE_API_TOKEN_FILE: '/nowhere/token' }, says: /cannot read the file that CLOUDFLARE_API_TOKEN_FILE names \(ENOENT.*\n +→ Check the path and the permissions of the file\./ },
  { name: 'a token in place of the account id of the real Cloudflare', env: { CLOUDFLARE_ACCOUNT_ID: API_TOKEN, CLOUDFLARE_API_TOKEN: API_TOKEN }, says: /CLOUDFLARE_ACCOUNT_ID: got 40 characters \(hidden\), which may be an API token;.*\n +→ Copy it from/ }
]
for (const { name, env, argv = [], says } of settings) {
  t.test(`settings: ${name}`, async t => {
    const { code, stdout, stderr } = await doctor(t, argv, env)
    t.same({ code, stderr }, { code: 2, stderr: '' })
    t.match(stdout, says)
    t.notMatch(stdout, API_TOKEN)
    t.notMatch(stdout, /network/, 'nobody is asked')
  })
}

t.test('nobody answers', async t => {
  const { code, stdout } = await doctor(t, [], { CLOUDFLARE_ACCOUNT_ID: ACCOUNT_ID, CLOUDFLARE_API_TOKEN: API_TOKEN, CLOUDFLARE_API_BASE_URL: 'http://127.0.0.1:1' })
  t.equal(code, 4)
  t.match(stdout, /failed {3}network {3}Cannot connect to 127\.0\.0\.1:1 \(ECONNREFUSED\)\.\n +→ .*firewall/)
  t.equal(verdictsOf({ code, stdout, stderr: '' }), 'ok failed skipped skipped skipped skipped')
})

t.test('somebody answers who speaks no TLS', async t => {
  const server = createServer(socket => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n').on('error', () => {}))
  t.teardown(() => server.close())
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const { code, stdout } = await doctor(t, [], { CLOUDFLARE_ACCOUNT_ID: ACCOUNT_ID, CLOUDFLARE_API_TOKEN: API_TOKEN, CLOUDFLARE_API_BASE_URL: `https://127.0.0.1:${port}` })
  t.equal(code, 4)
  t.match(stdout, /Cannot establish a TLS connection to 127\.0\.0\.1:\d+ \(\w+\)\.\n +→ .*NODE_EXTRA_CA_CERTS/)
})

t.test('the simulator says that it is one', async t => {
  const report = await doctor(t, ['--demo'])
  t.equal(report.code, 0)
  t.match(report.stdout, /^Lists the models of the simulator .* Nothing is billed\.[^]*UPSTREAM is simulator[^]*The simulator answered in/)
  t.equal(verdictsOf(report), 'ok ok ok ok ok ok')
})

t.test('a program reads JSON, and nothing else', async t => {
  const { code, stdout } = await doctor(t, ['--json', '--demo', '--no-run'])
  t.equal(code, 0)
  t.match(JSON.parse(stdout), { exitCode: 0, findings: [{ check: 'settings', verdict: 'ok' }, {}, {}, {}, {}, { check: 'run', verdict: 'skipped' }] })
})

t.test('doctor --help tells its flags and exit codes', async t => {
  const { code, stdout, stderr } = await doctor(t, ['--help'])
  t.same({ code, stderr }, { code: 0, stderr: '' })
  t.match(stdout, /^Usage: workers-ai-proxy doctor/)
})
