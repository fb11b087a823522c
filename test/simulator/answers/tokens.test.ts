import t from 'tap'
import { estimateTokens, toTokens } from '../../../src/simulator/answers/tokens.ts'

const cases = [
  { name: 'words keep the space before them', given: 'Hello there you', expected: ['Hello', ' there', ' you'] },
  { name: 'long words come in pieces of six letters', given: 'a deterministic', expected: ['a', ' determ', 'inisti', 'c'] },
  { name: 'digits come in groups of three, without their space', given: 'in 2026', expected: ['in', ' ', '202', '6'] },
  { name: 'punctuation is a piece of its own', given: '{"a": 1}', expected: ['{"', 'a', '":', ' ', '1', '}'] },
  { name: 'line breaks are pieces', given: 'a\n\nb', expected: ['a', '\n', '\n', 'b'] },
  { name: 'characters beyond 16 bits stay whole', given: '😀😀', expected: ['😀😀'] },
  { name: 'nothing has no pieces', given: '', expected: [] }
]
for (const { name, given, expected } of cases) t.strictSame(toTokens(given), expected, name)

for (const text of ['Ünïcödé – “quotes” … 漢字かな 👩‍👩‍👧 \uD800 \u2028 \t\r\n', 'x'.repeat(1000)]) {
  t.equal(toTokens(text).join(''), text, 'the pieces put together are the text')
}

t.strictSame(['', 'abcd', 'abcde'].map(estimateTokens), [0, 1, 2], 'a guess is four characters a token, rounded up')
