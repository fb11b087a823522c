import fc from 'fast-check'
import t from 'tap'
import { BracketScanner } from '../../src/json/bracket-scanner.ts'
import { cut, places } from '../streams/events.ts'

function read (pieces: string[]): number | undefined {
  const scanner = new BracketScanner()
  return pieces.map(piece => scanner.read(piece)).find(length => length !== undefined)
}

t.test('a body ends where its first brackets are closed', t => {
  const cases = [
    { name: 'an object', given: '{"a":1} rest', expected: '{"a":1}' },
    { name: 'brackets in brackets', given: '[{"a":[1,(2)]},{}]]', expected: '[{"a":[1,(2)]},{}]' },
    { name: 'after a name', given: 'f.call(a=1); g()', expected: 'f.call(a=1)' },
    { name: 'brackets in a string', given: '{"a":"}]{"}x', expected: '{"a":"}]{"}' },
    { name: 'quotes that are escaped', given: '{"a":"\\"}\\\\"}x', expected: '{"a":"\\"}\\\\"}' },
    { name: 'single quotes', given: "{'a': 'say \"}\"'}x", expected: "{'a': 'say \"}\"'}" },
    { name: 'an apostrophe in double quotes', given: '{"a":"it\'s }"}x', expected: '{"a":"it\'s }"}' },
    { name: 'an apostrophe in single quotes', given: "{'a': 'it's me'}x", expected: "{'a': 'it's me'}" },
    { name: 'quotes somebody forgot to escape', given: '{"a": "say "hi" to"}x', expected: '{"a": "say "hi" to"}' },
    { name: 'arguments of a call', given: "[f(a='x)', b=[1])]", expected: "[f(a='x)', b=[1])]" },
    { name: 'a tag inside of a string is text', given: '{"a":"</tool_call>"}x', expected: '{"a":"</tool_call>"}' },
    { name: 'or before a tag, which no value holds', given: '{"a":{"b":1}</tool_call>', expected: '{"a":{"b":1}' },
    { name: 'or not yet', given: '{"a":"}', expected: undefined },
    { name: 'nor when there is none', given: 'f', expected: undefined }
  ]
  for (const { name, given, expected } of cases) {
    t.equal(read([given]), expected?.length, name)
    t.equal(read(given.split('')), expected?.length, `${name}, a letter at a time`)
  }
  t.end()
})

t.test('brackets deeper than anybody means them end the search', t => {
  t.equal(read(['['.repeat(10_000)]), 501)
  t.equal(read(['['.repeat(500) + ']'.repeat(500)]), 1_000)
  t.end()
})

t.test('any JSON ends at its end, however it is cut', t => {
  t.doesNotThrow(() => fc.assert(fc.property(fc.oneof(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), fc.array(fc.jsonValue({ maxDepth: 3 }))), fc.boolean(), places, (value, isPretty, places) => {
    const json = isPretty ? JSON.stringify(value, null, 2) : JSON.stringify(value)
    return read(cut(`${json} {"more":1}`, places)) === json.length
  })))
  t.end()
})
