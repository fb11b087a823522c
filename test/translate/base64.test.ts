import t from 'tap'
import { toByteLength } from '../../src/translate/base64.ts'

t.test('the bytes of a base64 text are told by its length', t => {
  for (const bytes of [0, 1, 2, 3, 4, 5, 6, 1_000]) {
    t.equal(toByteLength(Buffer.alloc(bytes, 0xfb).toString('base64')), bytes, `${bytes} bytes`)
  }
  t.end()
})

t.test('what is not well-formed base64 has no length', t => {
  const cases = [
    { name: 'no padding', given: 'AA' },
    { name: 'too little padding', given: 'AA=' },
    { name: 'too much padding', given: 'A===' },
    { name: 'nothing but padding', given: '====' },
    { name: 'padding inside', given: 'AA==AAAA' },
    { name: 'something behind the padding', given: 'AAA=AAA ' },
    { name: 'a line break', given: 'AAAA\nAAA' },
    { name: 'the alphabet for URLs', given: 'AA-_' },
    { name: 'percent-encoding', given: 'AAA%3D%3' },
    { name: 'another letter', given: 'AAÄA' }
  ]
  for (const { name, given } of cases) t.equal(toByteLength(given), undefined, name)
  t.end()
})
