import t from 'tap'
import type { Batch, GenerationEvent } from '../../../src/generation/event.ts'
import { ToolCallReader } from '../../../src/workers-ai/answer/tool-call-reader.ts'

function newReader (): ToolCallReader {
  let calls = 0
  return new ToolCallReader(() => `call_${++calls}`)
}

/** The events of each frame, in one list. */
function read (frames: unknown[]): Batch {
  const reader = newReader()
  const batch: Batch = []
  for (const frame of frames) reader.read(frame, batch)
  reader.end(batch)
  return batch
}

/** The calls as a client puts them together. */
function calls (frames: unknown[]): unknown[] {
  const made: Array<{ id: string | undefined, name: string | undefined, arguments: string }> = []
  for (const event of read(frames)) {
    if (event.type !== 'tool_call') continue
    const call = made[event.index] ??= { id: event.id, name: event.name, arguments: '' }
    call.arguments += event.arguments
  }
  return made
}

t.test('every shape of a call becomes one call with an id, a name and arguments as JSON text', t => {
  const call = { id: 'call_1', name: 'weather', arguments: '{"city":"Oslo"}' }
  const cases = [
    { name: 'flat, with an object', given: [[{ name: 'weather', arguments: { city: 'Oslo' } }]], expected: [call] },
    { name: 'flat, with text', given: [[{ name: 'weather', arguments: '{"city":"Oslo"}' }]], expected: [call] },
    { name: 'flat, its arguments called parameters', given: [[{ name: 'weather', parameters: { city: 'Oslo' } }]], expected: [call] },
    { name: 'wrapped, with an object', given: [[{ id: 'x', type: 'function', function: { name: 'weather', arguments: { city: 'Oslo' } } }]], expected: [call] },
    { name: 'wrapped, with text', given: [[{ id: 'x', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } }]], expected: [call] },
    { name: 'wrapped, its arguments called parameters', given: [[{ function: { name: 'weather', parameters: { city: 'Oslo' } } }]], expected: [call] },
    { name: 'text that is encoded twice', given: [[{ name: 'weather', arguments: '"{\\"city\\":\\"Oslo\\"}"' }]], expected: [call] },
    { name: 'text that is encoded twice, in fragments', given: [[{ index: 0, function: { name: 'weather', arguments: '"{\\"ci' } }], [{ index: 0, function: { arguments: 'ty\\":\\"Oslo\\"}"' } }]], expected: [call] },
    { name: 'text that only begins with a quote stays what the model wrote', given: [[{ name: 'f', arguments: '"Oslo"' }]], expected: [{ id: 'call_1', name: 'f', arguments: '"Oslo"' }] },
    { name: 'text that is cut off stays what the model wrote', given: [[{ name: 'f', arguments: '{"city":' }]], expected: [{ id: 'call_1', name: 'f', arguments: '{"city":' }] },
    { name: 'numbers that became text stay text', given: [[{ name: 'f', arguments: { count: '4' } }]], expected: [{ id: 'call_1', name: 'f', arguments: '{"count":"4"}' }] },
    { name: 'no arguments', given: [[{ name: 'f' }]], expected: [{ id: 'call_1', name: 'f', arguments: '{}' }] },
    { name: 'arguments that are null', given: [[{ name: 'f', arguments: null }]], expected: [{ id: 'call_1', name: 'f', arguments: '{}' }] },
    { name: 'arguments that are empty', given: [[{ function: { name: 'f', arguments: '' } }]], expected: [{ id: 'call_1', name: 'f', arguments: '{}' }] },
    { name: 'arguments that are white space', given: [[{ name: 'f', arguments: ' \n' }]], expected: [{ id: 'call_1', name: 'f', arguments: '{}' }] },
    { name: 'arguments with white space in front', given: [[{ index: 0, name: 'f', arguments: ' ' }], [{ index: 0, arguments: '{"a":1}' }]], expected: [{ id: 'call_1', name: 'f', arguments: ' {"a":1}' }] },
    { name: 'an empty object', given: [[{ name: 'f', arguments: {} }]], expected: [{ id: 'call_1', name: 'f', arguments: '{}' }] }
  ]
  for (const { name, given, expected } of cases) t.strictSame(calls(given), expected, name)
  t.end()
})

t.test('fragments find their call', t => {
  const one = { id: 'call_1', name: 'f', arguments: '{"a":1}' }
  const two = { id: 'call_2', name: 'g', arguments: '{"b":2}' }
  const piece = (index: number | undefined, args: string) => [{ index, function: { arguments: args } }]
  const cases = [
    { name: 'by index', given: [[{ id: 'x', type: 'function', index: 0, function: { name: 'f' } }], piece(0, '{"a"'), piece(0, ':1}')], expected: [one] },
    { name: 'without an index', given: [[{ id: 'x', function: { name: 'f' } }], piece(undefined, '{"a"'), piece(undefined, ':1}')], expected: [one] },
    { name: 'a finaliser of nulls adds nothing', given: [[{ index: 0, function: { name: 'f' } }], piece(0, '{"a":1}'), [{ id: null, type: null, index: 0, function: { name: null, arguments: '' } }]], expected: [one] },
    { name: 'arguments before the name', given: [piece(0, '{"a"'), piece(0, ':'), [{ index: 0, id: 'x', function: { name: 'f' } }], piece(0, '1}')], expected: [one] },
    { name: 'arguments before the name, without an index', given: [piece(undefined, '{"a":1'), [{ function: { name: 'f', arguments: '}' } }]], expected: [one] },
    { name: 'arguments as an object after the name', given: [[{ index: 0, function: { name: 'f' } }], [{ index: 0, function: { arguments: { a: 1 } } }]], expected: [one] },
    { name: 'an object that comes again is the same object', given: [[{ index: 0, name: 'f', arguments: { a: 1 } }], [{ index: 0, arguments: { a: 1 } }]], expected: [one] },
    { name: 'a name that is repeated with every fragment', given: [[{ index: 0, id: 'x', function: { name: 'f', arguments: '{"a"' } }], [{ index: 0, id: 'x', function: { name: 'f', arguments: ':1}' } }]], expected: [one] },
    { name: 'two calls in one frame, flat', given: [[{ name: 'f', arguments: { a: 1 } }, { name: 'g', arguments: { b: 2 } }]], expected: [one, two] },
    { name: 'two calls in one frame, wrapped', given: [[{ id: 'x', index: 0, function: { name: 'f', arguments: '{"a":1}' } }, { id: 'y', index: 1, function: { name: 'g', arguments: '{"b":2}' } }]], expected: [one, two] },
    { name: 'the same function twice, flat', given: [[{ name: 'f', arguments: { a: 1 } }, { name: 'f', arguments: { a: 2 } }]], expected: [one, { id: 'call_2', name: 'f', arguments: '{"a":2}' }] },
    { name: 'two calls whose fragments alternate', given: [[{ index: 0, function: { name: 'f' } }, { index: 1, function: { name: 'g' } }], [...piece(0, '{"a"'), ...piece(1, '{"b"')], [...piece(1, ':2}'), ...piece(0, ':1}')]], expected: [one, two] },
    { name: 'two calls that claim one index, by their ids', given: [[{ id: 'x', index: 0, function: { name: 'f', arguments: '{"a":1}' } }], [{ id: 'y', index: 0, function: { name: 'g', arguments: '{"b":2}' } }]], expected: [one, two] },
    { name: 'two calls that claim one index, by their names', given: [[{ index: 0, function: { name: 'f', arguments: '{"a":1}' } }], [{ index: 0, function: { name: 'g', arguments: '{"b":' } }], piece(0, '2}')], expected: [one, two] },
    { name: 'indexes that do not begin at 0', given: [[{ index: 3, name: 'f', arguments: { a: 1 } }], [{ index: 1, name: 'g', arguments: { b: 2 } }]], expected: [one, two] }
  ]
  for (const { name, given, expected } of cases) t.strictSame(calls(given), expected, name)
  t.end()
})

t.test('the id and the name come once, with the first piece, and then only text', t => {
  const cases: Array<{ name: string, given: unknown[], expected: GenerationEvent[] }> = [
    {
      name: 'pieces are told as they come',
      given: [[{ index: 0, id: 'x', function: { name: 'f' } }], [{ index: 0, function: { arguments: '{"a":' } }], [{ index: 0, function: { arguments: '1}' } }]],
      expected: [{ type: 'tool_call', index: 0, id: 'call_1', name: 'f', arguments: '' }, { type: 'tool_call', index: 0, arguments: '{"a":' }, { type: 'tool_call', index: 0, arguments: '1}' }]
    },
    {
      name: 'a call that is whole is one event',
      given: [[{ name: 'f', arguments: { a: 1 } }]],
      expected: [{ type: 'tool_call', index: 0, id: 'call_1', name: 'f', arguments: '{"a":1}' }]
    },
    {
      name: 'what came before the name comes with it',
      given: [[{ index: 0, function: { arguments: '{"a":' } }], [{ index: 0, function: { name: 'f', arguments: '1}' } }]],
      expected: [{ type: 'tool_call', index: 0, id: 'call_1', name: 'f', arguments: '{"a":1}' }]
    },
    {
      name: 'text that may be encoded twice waits, its name does not',
      given: [[{ index: 0, function: { name: 'f', arguments: '"{' } }], [{ index: 0, function: { arguments: '}"' } }]],
      expected: [{ type: 'tool_call', index: 0, id: 'call_1', name: 'f', arguments: '' }, { type: 'tool_call', index: 0, arguments: '{}' }]
    }
  ]
  for (const { name, given, expected } of cases) t.strictSame(read(given), expected, name)
  t.end()
})

t.test('what is no call is nothing', t => {
  const cases = [
    { name: 'an empty list', given: [] },
    { name: 'null', given: null },
    { name: 'nothing', given: undefined },
    { name: 'an object', given: { name: 'f' } },
    { name: 'text', given: 'f' },
    { name: 'members that are no objects', given: [null, 'f', 7] },
    { name: 'a finaliser of nulls', given: [{ id: null, type: null, index: 0, function: { name: null, arguments: null } }] },
    { name: 'an empty name', given: [{ name: '', arguments: '' }] },
    { name: 'a function that is null', given: [{ index: 0, function: null }] }
  ]
  for (const { name, given } of cases) {
    const reader = newReader()
    const batch: Batch = []
    reader.read(given, batch)
    reader.end(batch)
    t.strictSame([batch, reader.sawCalls], [[], false], name)
  }
  t.end()
})

t.test('a call that never gets a name is a failure', t => {
  const reader = newReader()
  const batch: Batch = []
  reader.read([{ index: 0, function: { arguments: '{"a":1}' } }], batch)
  t.equal(reader.sawCalls, true)
  t.throws(() => reader.end(batch), { name: 'UpstreamError', kind: 'malformed', message: 'The model called a tool without naming it' })
  t.strictSame(batch, [])
  t.end()
})
