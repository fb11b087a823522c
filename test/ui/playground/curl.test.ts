import { execFileSync } from 'node:child_process'
import t from 'tap'
import { toCurl, withoutImageBytes } from '../../../src/ui/playground/curl.ts'

t.test('a shell reads what was written', t => {
  const body = { model: '@cf/a/b', stream: true, messages: [{ role: 'user', content: "it's $HOME `id` \"x\" \\ é\n" }] }
  const command = toCurl('http://127.0.0.1:8686/v1/chat/completions', body, true)
  // Tells its arguments, in place of curl.
  const stdout = execFileSync('sh', ['-c', `curl () { printf '%s\\0' "$@"; }\n${command}`], { env: { API_KEY: 'key-1' }, encoding: 'utf8' })
  const words = stdout.split('\0').slice(0, -1)
  t.strictSame(words.slice(0, 6), ['-N', 'http://127.0.0.1:8686/v1/chat/completions', '-H', 'content-type: application/json', '-H', 'authorization: Bearer key-1'])
  t.strictSame(JSON.parse(words.at(-1) ?? ''), body)
  t.end()
})

t.test('no key where none is wanted', t => {
  const command = toCurl('http://a/v1', { model: 'm' }, false)
  t.notMatch(command, /authorization|-N/)
  t.match(toCurl('http://a/v1', {}, true), '$API_KEY')
  t.end()
})

t.equal(withoutImageBytes(`"data:image/png;base64,${'A'.repeat(100)}=="`), '"data:image/png;base64,…"')
