import t from 'tap'
import type { Change } from '../../src/generation/change.ts'
import { inputOf, toTextArguments, toTextFunction } from '../../src/generation/text-tool.ts'

t.test('a tool of free text is a function with one argument', t => {
  const changes: Change[] = []
  const tool = toTextFunction({ name: 'patch', description: 'Patches', grammar: { syntax: 'lark', definition: 'start: "x"' } }, 'tools[3]', changes)
  t.match(tool, { type: 'function', function: { name: 'patch', description: 'Patches\n\nThe input must match this lark grammar:\nstart: "x"', parameters: { required: ['input'] } } })
  t.strictSame(changes.map(({ param, action }) => `${param} ${action}`), ['tools[3] emulated', 'tools[3].format emulated'])
  t.end()
})

t.equal(toTextArguments('say "hi"'), '{"input":"say \\"hi\\""}', 'an input is an argument')
for (const { name, args, expected } of [
  { name: 'the argument is the input', args: { input: 'x' }, expected: 'x' },
  { name: 'other arguments are none', args: { patch: 'x' }, expected: undefined },
  { name: 'nor is one that is no text', args: { input: 1 }, expected: undefined },
  { name: 'nor what is no object', args: null, expected: undefined }
]) t.equal(inputOf(args), expected, name)
