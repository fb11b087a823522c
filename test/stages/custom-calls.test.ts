import t from 'tap'
import type { Batch, GenerationEvent } from '../../src/generation/event.ts'
import { newWorkBudget } from '../../src/json/work-budget.ts'
import { CustomCalls, toCustomInput } from '../../src/stages/custom-calls.ts'
import { FINISH, told } from '../streams/events.ts'

t.test('calls are told whole, by their input', t => {
  const call = (index: number, name: string | undefined, args: string): GenerationEvent => ({ type: 'tool_call', index, ...(name !== undefined && { id: `call_${index}`, name }), arguments: args })
  const custom = (index: number, input: string): GenerationEvent => ({ type: 'tool_call', index, id: `call_${index}`, name: 'shout', arguments: input, isCustom: true })
  const failure: GenerationEvent = { type: 'failure', error: new Error('broken') }
  const cases: Array<{ name: string, given: Batch, expected: Batch }> = [
    { name: 'in pieces', given: [call(0, 'shout', '{"input":'), call(0, undefined, '"HEY"}'), FINISH], expected: [custom(0, 'HEY'), FINISH] },
    { name: 'beside others', given: [call(0, 'shout', '{"input":"A"}'), call(1, 'clock', '{'), call(2, 'shout', '{"input":"B"}'), call(1, undefined, '}'), FINISH], expected: [call(1, 'clock', '{'), call(1, undefined, '}'), custom(0, 'A'), custom(2, 'B'), FINISH] },
    { name: 'what is no such argument', given: [call(0, 'shout', 'HEY'), FINISH], expected: [custom(0, 'HEY'), FINISH] },
    { name: 'none that broke', given: [call(0, 'shout', '{"input":'), failure], expected: [failure] }
  ]
  for (const { name, given, expected } of cases) t.strictSame(told(new CustomCalls(new Set(['shout']), newWorkBudget()), given), expected, name)
  t.end()
})

for (const { name, args, expected } of [
  { name: 'the argument is the input', args: '{"input":"x"}', expected: 'x' },
  { name: 'also in nearly JSON', args: "{'input': 'x',}", expected: 'x' },
  { name: 'other arguments are the input as they are', args: '{"patch":"x"}', expected: '{"patch":"x"}' },
  { name: 'an argument that is no text is not', args: '{"input":1}', expected: '{"input":1}' },
  { name: 'text without JSON is the input', args: 'x', expected: 'x' }
]) t.equal(toCustomInput(args, newWorkBudget()), expected, name)
