import { execFileSync } from 'node:child_process'
import t from 'tap'
import { toBanner, toCurl, toSdkLines } from '../src/banner.ts'

const open = { baseUrl: 'http://127.0.0.1:8686/v1', upstream: 'simulator', keyCount: 0, model: '@cf/meta/it\'s' }
const closed = { ...open, keyCount: 2 }

t.match(toBanner(open), /base URL {3}http:\/\/127\.0\.0\.1:8686\/v1\n {2}upstream {3}simulator\n {2}API keys {3}none/, 'the banner says where it serves, who answers and that everyone may ask')
t.match(toBanner(closed), /API keys {3}2\n/, 'the banner counts keys and shows none')
t.notMatch(toCurl(open), /authorization/, 'without keys the command sends none')
t.match(toCurl(closed), /-H "authorization: Bearer \$API_KEY"/, 'with keys the command takes one from the shell')
t.match(toSdkLines(open), /baseURL: 'http:\/\/127\.0\.0\.1:8686\/v1', apiKey: 'unused'/, 'the SDK lines carry the base URL')
t.match(toSdkLines(closed), /api_key=os\.environ\['API_KEY'\]/, 'with keys the SDK lines take one from the environment')

t.test('a shell hands the command on as it was meant', async t => {
  const body = execFileSync('sh', ['-c', toCurl(open).replace('curl', 'printf "%s\\n"')], { encoding: 'utf8' }).trim().split('\n').at(-1)
  t.same(JSON.parse(body ?? ''), { model: '@cf/meta/it\'s', messages: [{ role: 'user', content: 'Hello!' }] })
})
