import fc from 'fast-check'
import t from 'tap'
import { WordScanner } from '../../../src/stages/leaked-calls/word-scanner.ts'
import { cut, places } from '../../streams/events.ts'

function read (word: string, pieces: string[]): number | undefined {
  const scanner = new WordScanner(word)
  return pieces.map(piece => scanner.read(piece)).find(length => length !== undefined)
}

const cases = [
  { name: 'in the middle', given: ['one END two'], expected: 4 },
  { name: 'at the beginning', given: ['END'], expected: 0 },
  { name: 'cut', given: ['one E', 'N', 'D'], expected: 4 },
  { name: 'after something that began like it', given: ['EEN', 'EEN', 'D'], expected: 4 },
  { name: 'nowhere', given: ['one EN', ' D'], expected: undefined },
  { name: 'the first of two', given: ['END END'], expected: 0 }
]
for (const { name, given, expected } of cases) t.equal(read('END', given), expected, `a word ${name}`)
t.equal(read('|', ['a', '|']), 1, 'a word of one letter')

t.test('however a text is cut, the first word is found', t => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 40 })
  t.doesNotThrow(() => fc.assert(fc.property(letters, fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 4 }), places, (whole, word, places) => {
    const at = whole.indexOf(word)
    return read(word, cut(whole, places)) === (at === -1 ? undefined : at)
  })))
  t.end()
})
