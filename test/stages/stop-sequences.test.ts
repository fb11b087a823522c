import fc from 'fast-check'
import t from 'tap'
import type { Batch, GenerationEvent } from '../../src/generation/event.ts'
import { StopSequences } from '../../src/stages/stop-sequences.ts'
import { runs } from '../property-runs.ts'

const FINISH: GenerationEvent = { type: 'finish', reason: null }

function text (...pieces: string[]): Batch {
  return pieces.map(piece => ({ type: 'text', text: piece }))
}

/** What each batch became, in one list. */
function through (stops: string[], batches: Batch[]): Batch {
  const stage = new StopSequences(stops)
  return batches.flatMap(batch => stage.push(batch))
}

function textOf (batch: Batch): string {
  return batch.map(event => event.type === 'text' ? event.text : '').join('')
}

t.test('the text ends before the stop sequence that begins earliest', t => {
  const cases = [
    { name: 'in the middle of a piece', stops: ['\n'], given: ['one\ntwo'], expected: 'one' },
    { name: 'cut over two pieces', stops: ['END'], given: ['one E', 'ND two'], expected: 'one ' },
    { name: 'cut over many pieces', stops: ['</s>'], given: ['one', '<', '/', 's', '>', 'two'], expected: 'one' },
    { name: 'at the very beginning', stops: ['one'], given: ['one two'], expected: '' },
    { name: 'at the very end', stops: ['two'], given: ['one two'], expected: 'one ' },
    { name: 'the earliest of several, whatever their order', stops: ['three', 'two'], given: ['one two three'], expected: 'one ' },
    { name: 'the longer one, when it begins earlier and ends later', stops: ['c', 'abcd'], given: ['xabc', 'd'], expected: 'x' },
    { name: 'the shorter one, when the longer one comes to nothing', stops: ['c', 'abcd'], given: ['xabc', 'e'], expected: 'xab' },
    { name: 'the shorter one, when the text ends first', stops: ['c', 'abcd'], given: ['xabc'], expected: 'xab' },
    { name: 'a beginning that repeats itself', stops: ['aab'], given: ['a', 'a', 'a', 'b'], expected: 'a' },
    { name: 'none of them', stops: ['END'], given: ['one EN', 'd EN'], expected: 'one ENd EN' },
    { name: 'a letter of several code units', stops: ['🙂'], given: ['one 😀', ' two 🙂 three'], expected: 'one 😀 two ' }
  ]
  for (const { name, stops, given, expected } of cases) {
    const out = through(stops, [...given.map(piece => text(piece)), [FINISH]])
    t.equal(textOf(out), expected, name)
    t.equal(out.filter(event => event.type === 'finish').length, 1, `${name}, and one finish`)
  }
  t.end()
})

t.test('what else is in the stream keeps its place', t => {
  const call: GenerationEvent = { type: 'tool_call', index: 0, id: 'call_1', name: 'f', arguments: '{"a":"END"}' }
  const usage: GenerationEvent = { type: 'usage', usage: { promptTokens: 3, completionTokens: 4 } }
  const error = new Error('broken')
  const cases: Array<{ name: string, given: Batch[], expected: Batch, done: boolean }> = [
    { name: 'reasoning is not searched', given: [[{ type: 'reasoning', text: 'END' }, ...text('yes'), FINISH]], expected: [{ type: 'reasoning', text: 'END' }, ...text('yes'), FINISH], done: false },
    { name: 'text that is held is told before a tool call, whose arguments are not searched', given: [text('one E'), [call, FINISH]], expected: [...text('one ', 'E'), call, FINISH], done: false },
    { name: 'text that is held is told before the finish', given: [text('one EN'), [usage, FINISH]], expected: [...text('one '), usage, ...text('EN'), FINISH], done: false },
    { name: 'text that is held is told before a failure', given: [text('one EN'), [{ type: 'failure', error }]], expected: [...text('one ', 'EN'), { type: 'failure', error }], done: false },
    { name: 'after a match only the usage of the same read still passes, before the finish', given: [[...text('one END two'), call, usage, FINISH]], expected: [...text('one '), usage, { type: 'finish', reason: 'stop', stop: 'END' }], done: true },
    { name: 'a match says that the rest is of no use', given: [text('END')], expected: [{ type: 'finish', reason: 'stop', stop: 'END' }], done: true },
    { name: 'nothing is told for pieces that are held', given: [text('E'), text('N')], expected: [], done: false }
  ]
  for (const { name, given, expected, done } of cases) {
    const stage = new StopSequences(['END'])
    t.strictSame(given.flatMap(batch => stage.push(batch)), expected, name)
    t.equal(stage.done, done, `${name} (done: ${done})`)
  }
  t.end()
})

t.test('no more is held back than may become a stop sequence', t => {
  const stage = new StopSequences(['END', 'stop'])
  const cases = [
    { given: 'one E', expected: 'one ' },
    { given: 'x', expected: 'Ex' },
    { given: ' sto', expected: ' ' },
    { given: 'ne EN', expected: 'stone ' },
    { given: 'E', expected: 'EN' }
  ]
  for (const { given, expected } of cases) t.equal(textOf(stage.push(text(given))), expected, `after ${JSON.stringify(given)}`)
  t.end()
})

t.test('however a text is cut, the same text comes out, and it never holds a stop sequence', t => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'é', '🙂'), maxLength: 30 })
  const stop = fc.string({ unit: fc.constantFrom('a', 'b', 'é', '🙂'), minLength: 1, maxLength: 4 })
  const given = fc.record({ whole: letters, stops: fc.array(stop, { minLength: 1, maxLength: 4 }), cuts: fc.array(fc.nat(60), { maxLength: 8 }) })
  t.doesNotThrow(() => fc.assert(fc.property(given, ({ whole, stops, cuts }) => {
    const places = [0, ...cuts.filter(cut => cut < whole.length).sort((one, other) => one - other), whole.length]
    const pieces = places.slice(1).map((end, index) => whole.slice(places[index], end))
    const shown = textOf(through(stops, [...pieces.map(piece => text(piece)), [FINISH]]))
    const first = Math.min(...stops.map(stop => whole.indexOf(stop)).filter(at => at !== -1), whole.length)
    return shown === whole.slice(0, first) && stops.every(stop => !shown.includes(stop))
  }), { numRuns: runs(2_000) }))

  t.doesNotThrow(() => fc.assert(fc.property(given, ({ whole, stops }) => {
    const stage = new StopSequences(stops)
    const first = Math.min(...stops.map(stop => whole.indexOf(stop)).filter(at => at !== -1), whole.length)
    let shown = ''
    for (const letter of whole.split('')) {
      shown += textOf(stage.push(text(letter)))
      if (shown !== whole.slice(0, shown.length) || shown.length > first) return false
    }
    return true
  }), { numRuns: runs(500) }), 'and no text beyond the cut is ever shown on the way')
  t.end()
})
