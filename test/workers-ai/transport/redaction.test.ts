import t from 'tap'
import { redactor } from '../../../src/workers-ai/transport/redaction.ts'

const TOKEN = 'v1.0-abcdefghijklmnopqrstuvwxyz_0123456789-XYZ'
const OTHER = 'other/secret+with=signs'

t.test('a secret stays here, however it is written', t => {
  const cases = [
    { name: 'whole', given: `token ${TOKEN} is invalid`, expected: 'token [redacted] is invalid' },
    { name: 'alone', given: TOKEN, expected: '[redacted]' },
    { name: 'twice', given: `${TOKEN},${TOKEN}`, expected: '[redacted],[redacted]' },
    { name: 'twice without a gap', given: TOKEN + TOKEN, expected: '[redacted][redacted]' },
    { name: 'its beginning', given: `${TOKEN.slice(0, 8)}…`, expected: '[redacted]…' },
    { name: 'its end', given: `…${TOKEN.slice(-8)}`, expected: '…[redacted]' },
    { name: 'both ends of a mask', given: `${TOKEN.slice(0, 10)}***${TOKEN.slice(-10)}`, expected: '[redacted]***[redacted]' },
    { name: 'another secret', given: `a ${OTHER} b`, expected: 'a [redacted] b' },
    { name: 'in a URL', given: `?key=${encodeURIComponent(OTHER)}&x`, expected: '?key=[redacted]&x' },
    { name: 'seven of its characters', given: TOKEN.slice(0, 7), expected: TOKEN.slice(0, 7) },
    { name: 'nothing', given: '', expected: '' },
    { name: 'other words', given: 'Authentication error', expected: 'Authentication error' }
  ]
  for (const { name, given, expected } of cases) t.equal(redactor([TOKEN, OTHER])(given), expected, name)
  t.end()
})

t.test('nor does it leave in base64, wherever in a text it stood', t => {
  for (const secret of [TOKEN, OTHER]) {
    for (const before of ['', 'x', 'user:', 'Bearer ', 'token=']) {
      for (const encoding of ['base64', 'base64url'] as const) {
        const encoded = Buffer.from(`${before}${secret} and more`).toString(encoding)
        const told = redactor([TOKEN, OTHER])(encoded)
        t.match(told, '[redacted]')
        const left = told.split('[redacted]').map(piece => Buffer.from(piece, encoding).toString('latin1')).join()
        t.equal(partsOf(secret).some(part => left.includes(part)), false, `${before}, ${encoding}`)
      }
    }
  }
  t.end()
})

t.test('a placeholder is no secret', t => {
  for (const secret of ['', 'unused', 'tests', 'x'.repeat(7)]) t.equal(redactor([secret])('unused tests xxxxxxxx'), 'unused tests xxxxxxxx')
  t.end()
})

t.test('a long text is no trouble', t => {
  const began = Date.now()
  t.equal(redactor([TOKEN])('a'.repeat(1_000_000) + TOKEN).length, 1_000_000 + '[redacted]'.length)
  t.ok(Date.now() - began < 5_000)
  t.end()
})

function partsOf (text: string): string[] {
  return Array.from({ length: text.length - 7 }, (_, at) => text.slice(at, at + 8))
}
