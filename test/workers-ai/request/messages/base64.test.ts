import t from 'tap'
import { toByteLength, toStandardBase64 } from '../../../../src/workers-ai/request/messages/base64.ts'

t.test('the bytes of a base64 text are told by its length', t => {
  for (const bytes of [0, 1, 2, 3, 4, 5, 6, 1_000]) {
    t.equal(toByteLength(Buffer.alloc(bytes, 0xfb).toString('base64')), bytes, `${bytes} bytes`)
  }
  t.end()
})

t.test('other ways to write base64 are brought into the standard form', t => {
  const cases = [
    { name: 'the standard form', given: '+/8=', expected: '+/8=' },
    { name: 'nothing', given: '', expected: '' },
    { name: 'lines, as MIME has them', given: 'AAAA\r\nAAAA\r\n', expected: 'AAAAAAAA' },
    { name: 'no padding', given: '+/8', expected: '+/8=' },
    { name: 'too much padding', given: '+/8====', expected: '+/8=' },
    { name: 'the alphabet for URLs', given: '-_8', expected: '+/8=' },
    { name: 'percent escapes', given: '%2B%2F8%3D', expected: '+/8=' },
    { name: 'a letter too many', given: 'AAAAA', expected: undefined },
    { name: 'padding inside', given: 'AA==AAAA', expected: undefined },
    { name: 'a percent sign that escapes nothing', given: 'AAA%', expected: undefined },
    { name: 'another letter', given: 'AAÄA', expected: undefined }
  ]
  for (const { name, given, expected } of cases) t.equal(toStandardBase64(given), expected, name)
  const begun = performance.now()
  t.equal(toStandardBase64(`${'='.repeat(2_000_000)}x`), undefined, 'a long run of padding is none')
  t.ok(performance.now() - begun < 2_000, 'and is gone through once')
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
