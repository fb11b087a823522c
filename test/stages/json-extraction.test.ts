import fc from 'fast-check'
import t from 'tap'
import type { Change } from '../../src/generation/change.ts'
import type { Batch, GenerationEvent } from '../../src/generation/event.ts'
import { JsonText } from '../../src/stages/json-extraction.ts'
import { cut, FINISH, places, text, textOf, told, usage } from '../streams/events.ts'
import { runs } from '../property-runs.ts'
import { cpuTime } from '../cpu-time.ts'

function read (pieces: string[], isList = false): { text: string, isChanged: boolean } {
  const changes: Change[] = []
  const events = told(new JsonText(changes, { isList }), [...text(...pieces), FINISH])
  return { text: textOf(events), isChanged: changes.length > 0 }
}

t.test('only the JSON of an answer is left', t => {
  const cases = [
    { name: 'an object alone', given: '{"a":1}', expected: '{"a":1}', isChanged: false },
    { name: 'white space around it', given: '\n {"a":1} \n', expected: '{"a":1}', isChanged: false },
    { name: 'a fence around it', given: '```json\n{"a":1}\n```', expected: '{"a":1}', isChanged: false },
    { name: 'a fence without a language', given: '```\n{"a":1}\n```\n', expected: '{"a":1}', isChanged: false },
    { name: 'prose before it', given: 'Here you are: {"a":1}', expected: '{"a":1}', isChanged: true },
    { name: 'prose after it', given: '{"a":1}\nI hope this helps.', expected: '{"a":1}', isChanged: true },
    { name: 'prose with braces before it', given: 'The {answer} { is }: {"a":1}', expected: '{"a":1}', isChanged: true },
    { name: 'a quoted word before it', given: 'The "answer": {"a":1}', expected: '{"a":1}', isChanged: true },
    { name: 'another object after it', given: '{"a":1}\n{"b":2}', expected: '{"a":1}', isChanged: true },
    { name: 'braces in strings', given: '{"a":"}\\"}","b":["{"]} x', expected: '{"a":"}\\"}","b":["{"]}', isChanged: true },
    { name: 'an empty object', given: 'It is { }.', expected: '{ }', isChanged: true },
    { name: 'an object on several lines', given: '{\n  "a": {\n    "b": []\n  }\n}', expected: '{\n  "a": {\n    "b": []\n  }\n}', isChanged: false },
    { name: 'an object that is not finished', given: 'So: {"a":{"b', expected: '{"a":{"b', isChanged: true },
    { name: 'no object', given: 'I cannot {do} that. {', expected: 'I cannot {do} that. {', isChanged: false },
    { name: 'a list where an object was wanted', given: '[1, 2]', expected: '[1, 2]', isChanged: false },
    { name: 'nothing', given: '', expected: '', isChanged: false },
    { name: 'a list', isList: true, given: 'Here you are [sic]: [{"a":[1]},{}]!', expected: '[{"a":[1]},{}]', isChanged: true },
    { name: 'an empty list', isList: true, given: '```json\n[ ]\n```', expected: '[ ]', isChanged: false },
    { name: 'an object where a list was wanted', isList: true, given: '{"a":1}', expected: '{"a":1}', isChanged: false }
  ]
  for (const { name, given, isList = false, expected, isChanged } of cases) {
    t.strictSame(read([given], isList), { text: expected, isChanged }, name)
    t.strictSame(read(given.split(''), isList), { text: expected, isChanged }, `${name}, a letter at a time`)
  }
  t.end()
})

t.test('JSON is told as it comes', t => {
  const stage = new JsonText([], { isList: false })
  const cases = [
    { given: 'Here: ', expected: '' },
    { given: '{', expected: '' },
    { given: '"a', expected: '{"a' },
    { given: '":1', expected: '":1' },
    { given: '} and', expected: '}' },
    { given: ' more', expected: '' }
  ]
  for (const { given, expected } of cases) t.equal(textOf(stage.push(text(given))), expected, JSON.stringify(given))
  t.end()
})

t.test('other events keep their place', t => {
  const call: GenerationEvent = { type: 'tool_call', index: 0, id: 'call_1', name: 'f', arguments: '{}' }
  const failure: GenerationEvent = { type: 'failure', error: new Error('broken') }
  const cases: Array<{ name: string, given: Batch, expected: Batch }> = [
    { name: 'what turns out to be no JSON comes last', given: [...text('Hello'), { type: 'reasoning', text: '{"a":1}' }, call, usage(1), FINISH], expected: [{ type: 'reasoning', text: '{"a":1}' }, call, usage(1), ...text('Hello'), FINISH] },
    { name: 'also before a failure', given: [...text('Hello {'), failure], expected: [...text('Hello {'), failure] },
    { name: 'nothing is added after JSON', given: [...text('{"a":1} '), usage(1), FINISH], expected: [...text('{"a":1}'), usage(1), FINISH] }
  ]
  for (const { name, given, expected } of cases) t.strictSame(told(new JsonText([], { isList: false }), given), expected, name)
  t.end()
})

t.test('however an answer is cut, the same comes out', t => {
  const part = fc.constantFrom('{', '}', '[', ']', '"', '\\', '"a":', '1', ',', ' ', '\n', '```json', '```', 'json', '`', 'x', '{"', '🙂')
  const whole = fc.array(part, { maxLength: 25 }).map(parts => parts.join(''))
  t.doesNotThrow(() => fc.assert(fc.property(whole, fc.boolean(), places, (whole, isList, places) => {
    return JSON.stringify(read(cut(whole, places), isList)) === JSON.stringify(read([whole], isList))
  }), { numRuns: runs(3_000) }))
  t.doesNotThrow(() => fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.boolean(), places, (value, isPretty, places) => {
    const json = JSON.stringify(value, null, isPretty ? 2 : 0)
    const given = read(cut(`Here [{you}] are:\n\`\`\`json\n${json}\n\`\`\``, places))
    return given.text === json && given.isChanged
  }), { numRuns: runs(1_000) }))
  t.end()
})

t.test('long answers cost no more than their length', t => {
  for (const given of ['{ x '.repeat(50_000), `{${' '.repeat(200_000)}`, `{"a":${'"}",'.repeat(50_000)}`, `{}${'```'.repeat(60_000)}`]) {
    const start = cpuTime()
    read(given.match(/[^]{1,5}/g) ?? [])
    const duration = cpuTime() - start
    t.ok(duration < 1_000, `${JSON.stringify(given.slice(0, 12))}: ${Math.round(duration)} ms`)
  }
  t.end()
})

t.test('very long prose is told while it comes, and what follows it as it is', t => {
  const stage = new JsonText([], { isList: false })
  const piece = (given: string): Batch => [{ type: 'text', text: given }]
  t.strictSame(stage.push(piece('x'.repeat(65_000))), [])
  t.strictSame(textOf(stage.push(piece('x'.repeat(1_000)))).length, 66_000)
  t.strictSame(stage.push(piece('{"a":1} x')), piece('{"a":1} x'))
  t.strictSame(stage.push([FINISH]), [FINISH])
  t.end()
})
