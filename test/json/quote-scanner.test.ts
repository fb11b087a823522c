import fc from 'fast-check'
import t from 'tap'
import { QuoteScanner } from '../../src/json/quote-scanner.ts'
import { cut, places } from '../streams/events.ts'
import { runs } from '../property-runs.ts'

/** What is read of a text up to the end of its brackets; undefined when that does not come. */
function read (...pieces: string[]): string | undefined {
  const scanner = new QuoteScanner('<|"|>')
  for (const piece of pieces) {
    const length = scanner.read(piece)
    if (length !== undefined) return pieces.join('').slice(0, length)
  }
  return undefined
}

t.test('the end of brackets is found, whatever stands between the quotes', t => {
  const cases = [
    { given: '{} more', expected: '{}' },
    { given: '{a:{b:[1]}}}', expected: '{a:{b:[1]}}' },
    { given: '{a:<|"|>}]{[" <b> <|" \\<|"|>}<tool_call|>', expected: '{a:<|"|>}]{[" <b> <|" \\<|"|>}' },
    { given: '{a:<|"|><<|"|>}', expected: '{a:<|"|><<|"|>}' },
    { given: '{a:1<tool_call|>', expected: '{a:1' },
    { given: '{a:1', expected: undefined },
    { given: '{a:<|"|>}', expected: undefined },
    { given: '{a:<|"', expected: undefined }
  ]
  for (const { given, expected } of cases) {
    t.equal(read(given), expected, given)
    t.equal(read(...given.split('')), expected, `${given}, a letter at a time`)
  }
  t.end()
})

t.test('however a text is cut, its end is the same', t => {
  const text = fc.array(fc.constantFrom('{', '}', '[', ']', '<', '|', '"', '>', '<|"|>', 'a', ','), { maxLength: 40 }).map(parts => `{${parts.join('')}`)
  t.doesNotThrow(() => fc.assert(fc.property(text, places, (whole, places) => read(whole) === read(...cut(whole, places))), { numRuns: runs(3_000) }))
  t.end()
})
