import { execFileSync } from 'node:child_process'
import t from 'tap'
import { toBanner, toCurl, toNextStep, toSdkLines, type ServerInfo } from '../../src/cli/banner.ts'

const open: ServerInfo = { version: '1.2.3', baseUrl: 'http://127.0.0.1:8686/v1', upstream: 'simulator', access: 'open', keyCount: 0, models: { count: { all: 43, chat: 36 } }, model: '@cf/meta/it\'s' }
const closed: ServerInfo = { ...open, upstream: 'cloudflare', access: 'keys', keyCount: 2, models: {} }
const passing: ServerInfo = { ...closed, access: 'tokens', keyCount: 0 }

t.equal(toBanner(open), `
  workers-ai-proxy 1.2.3 is running

  base URL   http://127.0.0.1:8686/v1
  upstream   the simulator inside this program
  models     43, of which 36 are for chat; listed at http://127.0.0.1:8686/v1/models
  API keys   none; every client is accepted
`, 'the banner says where it serves, who answers, which models there are and that everyone may ask')
t.match(toBanner(closed), /upstream {3}Cloudflare Workers AI\n {2}models {5}listed at http:\S+\n {2}API keys {3}2; set API_KEY to one of them/, 'models nobody has counted are not counted, and keys are not shown')
t.equal(toBanner({ ...closed, models: { failure: 'token' } }), `
  workers-ai-proxy 1.2.3 is running

  base URL   http://127.0.0.1:8686/v1
  upstream   Cloudflare Workers AI
  models     unknown: Cloudflare refused the API token
  API keys   2; set API_KEY to one of them for the lines below

Cloudflare refused CLOUDFLARE_API_TOKEN when the proxy requested the list of models. Either the
token is wrong, expired or for another account; then every request will fail with 401. Or it may
run models but not list them; then the proxy serves requests with its built-in list of models.
Run the same command line with doctor to find the cause.
`, 'a token that was refused is told, with what that means')
for (const failure of ['account', 'network', 'other'] as const) t.match(toBanner({ ...closed, models: { failure } }), /models {5}unknown: Cloudflare .+[^]+with doctor to find the cause/, failure)
t.match(toBanner(passing), /API keys {3}none; clients send their own Cloudflare API token\n/, 'tokens of clients are no keys of the proxy')
t.notMatch(toCurl(open), /authorization/, 'without keys the command sends none')
t.match(toCurl(closed), /-H "authorization: Bearer \$API_KEY"/, 'with keys the command takes one from the shell')
t.match(toCurl(passing), /-H "authorization: Bearer \$CLOUDFLARE_API_TOKEN"/, 'where clients bring tokens it takes that')
t.match(toSdkLines(open), /baseURL: 'http:\/\/127\.0\.0\.1:8686\/v1', apiKey: 'unused'/, 'the SDK lines carry the base URL')
t.match(toSdkLines(closed), /api_key=os\.environ\['API_KEY'\]/, 'with keys the SDK lines take one from the environment')
t.match(toNextStep(open), /CLOUDFLARE_ACCOUNT_ID {2}Copy it from https:\/\/dash\.cloudflare\.com.+\n {2}CLOUDFLARE_API_TOKEN {3}Make one at https:\/\/dash\.cloudflare\.com/, 'the simulator says what a real answer takes, and where that is')
t.match(toNextStep(closed), /doctor/, 'an account that fails has a doctor')

t.test('a shell hands the command on as it was meant', async t => {
  const body = execFileSync('sh', ['-c', toCurl(open).replace('curl', 'printf "%s\\n"')], { encoding: 'utf8' }).trim().split('\n').at(-1)
  t.same(JSON.parse(body ?? ''), { model: '@cf/meta/it\'s', messages: [{ role: 'user', content: 'Hello!' }] })
})
