import t from 'tap'
import { toLoggedPath, toPlainPath } from '../../src/telemetry/logged-path.ts'

const cases = [
  { name: 'a path stays', given: '/v1/models/@cf/meta/llama-3.3-70b-instruct-fp8-fast', plain: '/v1/models/@cf/meta/llama-3.3-70b-instruct-fp8-fast' },
  { name: 'a query is left out', given: '/v1/models?key=secret', plain: '/v1/models' },
  { name: 'what would break a line does not stand in one', given: '/v1/\r\n"x', plain: '/v1/???x' },
  { name: 'a long one is cut', given: `/${'a/'.repeat(200)}`, plain: `/${'a/'.repeat(200)}`.slice(0, 200) },
  { name: 'what looks like a key is told to its sender, not to the log', given: '/v1/sk-1234/chat', plain: '/v1/sk-1234/chat', logged: '/v1/…/chat' },
  { name: 'a token does, too', given: '/v1/abcdefghij0123456789ABCDEFGHIJ0123456789/chat', plain: '/v1/abcdefghij0123456789ABCDEFGHIJ0123456789/chat', logged: '/v1/…/chat' }
]
for (const { name, given, plain, logged = plain } of cases) {
  t.equal(toPlainPath(given), plain, name)
  t.equal(toLoggedPath(given), logged, `${name}, in the log`)
}
