import fc from 'fast-check'
import t from 'tap'
import { ArgumentMarks, hasDamagedMark, withoutMarks } from '../../src/stages/argument-marks.ts'
import type { Change } from '../../src/generation/change.ts'
import type { Batch, GenerationEvent } from '../../src/generation/event.ts'
import { cut, FINISH, places, text, told } from '../streams/events.ts'
import { runs } from '../property-runs.ts'

t.test('marks around texts are taken out', t => {
  const cases = [
    { name: 'around a value', given: '{"city": "<|\\"|>Paris<|\\"|>"}', expected: '{"city": "Paris"}' },
    { name: 'around values of every depth', given: '{"a":["<|\\"|>b<|\\"|>",{"c":"<|\\"|>d \\"e\\" \\\\<|\\"|>"}],"f":1.10}', expected: '{"a":["b",{"c":"d \\"e\\" \\\\"}],"f":1.10}' },
    { name: 'around keys', given: '{"<|\\"|>city<|\\"|>":"<|\\"|><|\\"|>"}', expected: '{"city":""}' },
    { name: 'of functiongemma', given: '{"city":"<escape>Paris<escape>"}', expected: '{"city":"Paris"}' },
    { name: 'as they are', given: '{"city":<|"|>Paris "X"<|"|>}', expected: '{"city":"Paris \\"X\\""}' },
    { name: 'but not inside of a text', given: '{"a":"write <|\\"|>x<|\\"|> there"}', expected: '{"a":"write <|\\"|>x<|\\"|> there"}' },
    { name: 'nor behind a quote inside of a text', given: '{"a":"say \\"<|\\"|>x<|\\"|>\\""}', expected: '{"a":"say \\"<|\\"|>x<|\\"|>\\""}' },
    { name: 'nor half of them', given: '{"a":"<|\\"|>x"}', expected: '{"a":"<|\\"|>x"}' },
    { name: 'nor half of them, as they are', given: '{"a":<|"|>x}', expected: '{"a":<|"|>x}' },
    { name: 'nor anything else', given: '{"a":"<b>","c":"|"}', expected: '{"a":"<b>","c":"|"}' }
  ]
  for (const { name, given, expected } of cases) t.equal(withoutMarks(given), expected, name)
  t.end()
})

t.test('half a mark is damage', t => {
  for (const given of ['{"itemId":"<|\\"|"}', '{"a":"<|\\"|>x"}', '{"a":"x<|\\"|>"}', '{"a":"<|\\"|>x<|\\"|>","b":"<|\\""}', '{"a":"x<|\\"|>" , "b":1}']) t.ok(hasDamagedMark(given), given)
  for (const given of ['{"a":"<|\\"|>x<|\\"|>"}', '{}', '', '{"a":"the <|\\"|> mark"}', '{"a":"<|","b":"|>"}', '{"a":"<escape>"}']) t.notOk(hasDamagedMark(given), given)
  t.end()
})

const begun: GenerationEvent = { type: 'tool_call', index: 0, id: 'call_1', name: 'f', arguments: '' }
const more = (args: string, index = 0): GenerationEvent => ({ type: 'tool_call', index, arguments: args })

/** The arguments of each call. */
function argumentsOf (events: Batch): string[] {
  const calls: string[] = []
  for (const event of events) if (event.type === 'tool_call') calls[event.index] = (calls[event.index] ?? '') + event.arguments
  return calls
}

t.test('arguments pass as they come up to a text that begins with a mark', t => {
  const changes: Change[] = []
  const stage = new ArgumentMarks(changes)
  t.strictSame(stage.push([begun]), [begun])
  t.strictSame(stage.push([more('{"a":1,"b":"x')]), [more('{"a":1,"b":"x')])
  t.strictSame(stage.push([more('","city":"')]), [more('","city":')], 'a quote that opens a text waits for what comes')
  t.strictSame(stage.push([more('<')]), [])
  t.strictSame(stage.push([more('b>","d":"')]), [more('"<b>","d":')])
  t.strictSame(stage.push([more('<|\\"|>Par')]), [])
  t.strictSame(stage.push([more('is<|\\"|>"}')]), [])
  t.strictSame(stage.push([FINISH]), [more('"Paris"}'), FINISH])
  t.strictSame(changes, [{ param: 'tool_calls', action: 'repaired', repair: 'arguments', reason: 'the model wrote tokens of its chat template into the arguments' }])
  t.end()
})

t.test('what is held is told before anything else', t => {
  const second: GenerationEvent = { ...begun, index: 1, id: 'call_2' } as GenerationEvent
  const failure: GenerationEvent = { type: 'failure', error: new Error('broken') }
  const cases: Array<{ name: string, given: Batch, expected: Batch }> = [
    { name: 'another call', given: [begun, more('{"a":"<|\\"|>x<|\\"|>"}'), second, more('{}', 1), FINISH], expected: [begun, more('{"a":'), more('"x"}'), second, more('{}', 1), FINISH] },
    { name: 'text', given: [begun, more('{"a":"'), ...text('Hi'), FINISH], expected: [begun, more('{"a":'), more('"'), ...text('Hi'), FINISH] },
    { name: 'a failure', given: [begun, more('{"a":"<|\\"|>x'), failure], expected: [begun, more('{"a":'), more('"<|\\"|>x'), failure] },
    { name: 'the end of damage', given: [begun, more('{"a":"<|\\"|"}'), FINISH], expected: [begun, more('{"a":'), more('"<|\\"|"}'), FINISH] }
  ]
  for (const { name, given, expected } of cases) t.strictSame(told(new ArgumentMarks([]), given), expected, name)
  t.end()
})

t.test('however arguments are cut, the same come out', t => {
  const fragment = fc.constantFrom('"', '\\"', '<', '|', '>', '<|\\"|>', '"<|\\"|>', '<|\\"|>"', '{', '}', ':', ',', 'a', '\\\\')
  const whole = fc.array(fragment, { maxLength: 30 }).map(parts => `{${parts.join('')}`)
  t.doesNotThrow(() => fc.assert(fc.property(whole, places, (whole, places) => {
    const [one, other] = [[whole], cut(whole, places)].map(pieces => argumentsOf(told(new ArgumentMarks([]), [begun, ...pieces.map(piece => more(piece)), FINISH])).join())
    return one === other && (whole.includes('<|\\"') || one === whole)
  }), { numRuns: runs(3_000) }))
  t.end()
})
