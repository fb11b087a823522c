import t from 'tap'
import type { Change } from '../../src/generation/change.ts'
import type { Batch, GenerationEvent } from '../../src/generation/event.ts'
import { newWorkBudget } from '../../src/json/work-budget.ts'
import { loadCheckers } from '../../src/json/json-schema.ts'
import { ForcedArguments } from '../../src/stages/forced-arguments.ts'
import { FINISH, merged, text, told } from '../streams/events.ts'
import { cpuTime } from '../cpu-time.ts'

await loadCheckers()

const city = { type: 'object', properties: { city: { type: 'string' }, days: { type: 'integer' } }, required: ['city'] }
const thought = (text: string): GenerationEvent => ({ type: 'reasoning', text })
const called = (args: string): GenerationEvent => ({ type: 'tool_call', index: 0, id: 'call_1', name: 'get_weather', arguments: args })

function stageOf (schema: Record<string, unknown>, changes: Change[] = []): ForcedArguments {
  return new ForcedArguments({ name: 'get_weather', schema, newCallId: () => 'call_1', changes, workBudget: newWorkBudget() })
}

const PARIS = '{"city":"Paris"}'

t.test('arguments without their call are the call, when they fit', t => {
  const length: GenerationEvent = { type: 'finish', reason: 'length' }
  const native: GenerationEvent = { type: 'tool_call', index: 0, id: 'native', name: 'get_weather', arguments: '{}' }
  const failure: GenerationEvent = { type: 'failure', error: new Error('broken') }
  const cases: Array<{ name: string, schema?: Record<string, unknown>, given: Batch, expected: Batch }> = [
    { name: 'as the whole answer', given: [...text(PARIS), FINISH], expected: [called(PARIS), FINISH] },
    { name: 'as the whole answer, behind thinking', given: [thought('Hm.'), ...text(`\n${PARIS}\n`), FINISH], expected: [thought('Hm.'), called(PARIS), FINISH] },
    { name: 'in a fence', given: [...text('```json\n' + PARIS + '\n```'), FINISH], expected: [called(PARIS), FINISH] },
    { name: 'as nearly JSON', given: [...text("{'city': 'Paris',}"), FINISH], expected: [called(PARIS), FINISH] },
    { name: 'as nearly JSON, with all its digits', given: [...text("{'city': 'Paris', 'days': 12345678901234567890, 'price': 1.10,}"), FINISH], expected: [called('{"city":"Paris","days":12345678901234567890,"price":1.10}'), FINISH] },
    { name: 'with a mark behind them', given: [...text(`${PARIS}<|call|>`), FINISH], expected: [called(PARIS), FINISH] },
    { name: 'as the end of the thinking', given: [thought(`We call it with {"x": 1}: ${PARIS}`), FINISH], expected: [thought(`We call it with {"x": 1}: ${PARIS}`), called(PARIS), FINISH] },
    { name: 'as the end of the thinking, with a mark behind', given: [thought(`So ${PARIS}<|call|>\n`), ...text(' '), FINISH], expected: [thought(`So ${PARIS}<|call|>\n`), called(PARIS), FINISH] },
    { name: 'with objects inside', schema: { type: 'object', properties: { place: { type: 'object' } } }, given: [thought('So {"place":{"city":"Paris"}}'), FINISH], expected: [thought('So {"place":{"city":"Paris"}}'), called('{"place":{"city":"Paris"}}'), FINISH] },
    { name: 'none, of a tool that takes none', schema: {}, given: [...text('{}'), FINISH], expected: [called('{}'), FINISH] },
    { name: 'not in the middle of the thinking', given: [thought(`Maybe ${PARIS}, or not.`), FINISH], expected: [thought(`Maybe ${PARIS}, or not.`), FINISH] },
    { name: 'not in thinking before an answer', given: [thought(PARIS), ...text('No.'), FINISH], expected: [thought(PARIS), ...text('No.'), FINISH] },
    { name: 'not with prose before them', given: [...text(`Here: ${PARIS}`), FINISH], expected: [...text(`Here: ${PARIS}`), FINISH] },
    { name: 'not with prose behind them', given: [...text(`${PARIS} is it.`), FINISH], expected: [...text(`${PARIS} is it.`), FINISH] },
    { name: 'not when something is missing', given: [...text('{"days":1}'), FINISH], expected: [...text('{"days":1}'), FINISH] },
    { name: 'not of another type', given: [...text('{"city":1}'), FINISH], expected: [...text('{"city":1}'), FINISH] },
    { name: 'not when they have nothing of what the tool takes', schema: { type: 'object', properties: { city: {} } }, given: [...text('{"answer":1}'), FINISH], expected: [...text('{"answer":1}'), FINISH] },
    { name: 'not for a schema that is none', schema: { type: 'any', properties: { city: {} } }, given: [...text(PARIS), FINISH], expected: [...text(PARIS), FINISH] },
    { name: 'not when they are a list', given: [...text(`[${PARIS}]`), FINISH], expected: [...text(`[${PARIS}]`), FINISH] },
    { name: 'not when they are cut', given: [...text('{"city":"Paris"'), FINISH], expected: [...text('{"city":"Paris"'), FINISH] },
    { name: 'not when the tokens ran out', given: [...text(PARIS), length], expected: [...text(PARIS), length] },
    { name: 'not when all broke', given: [...text(PARIS), failure], expected: [...text(PARIS), failure] },
    { name: 'not beside a call', given: [...text(PARIS), native, FINISH], expected: [...text(PARIS), native, FINISH] },
    { name: 'not when nothing was said', given: [thought('Hm.'), FINISH], expected: [thought('Hm.'), FINISH] }
  ]
  for (const { name, schema = city, given, expected } of cases) {
    t.strictSame(told(stageOf(schema), given), expected, name)
    const letters = given.flatMap((event): Batch => event.type === 'text' || event.type === 'reasoning' ? event.text.split('').map(text => ({ type: event.type, text })) : [event])
    t.strictSame(merged(told(stageOf(schema), letters)), expected, `${name}, a letter at a time`)
  }
  const changes: Change[] = []
  told(stageOf(city, changes), [...text(PARIS), FINISH])
  t.strictSame(changes, [{ param: 'tool_choice', action: 'repaired', repair: 'forced_call', reason: 'the model wrote the arguments of the forced call without the call' }])
  t.end()
})

t.test('an answer that is no object is told as it comes', t => {
  const stage = stageOf(city)
  t.strictSame(stage.push(text('``')), [])
  t.strictSame(stage.push(text('x')), text('``x'))
  t.strictSame(stage.push(text('{')), text('{'))
  t.end()
})

t.test('long answers cost no more than their length', t => {
  for (const given of [`${' '.repeat(300_000)}x`, `{"city":"${'x'.repeat(300_000)}`, '{'.repeat(100_000), '<|a|>'.repeat(50_000)]) {
    const start = cpuTime()
    told(stageOf(city), [...(given.match(/[^]{1,50}/g) ?? []).flatMap(piece => [thought(piece)]), FINISH])
    told(stageOf(city), [...text(given), FINISH])
    const duration = cpuTime() - start
    t.ok(duration < 2_000, `${JSON.stringify(given.slice(0, 5))}: ${Math.round(duration)} ms`)
  }
  t.end()
})
