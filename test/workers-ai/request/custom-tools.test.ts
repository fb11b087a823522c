import t from 'tap'
import type { Change } from '../../../src/generation/change.ts'
import type { Batch, GenerationEvent } from '../../../src/generation/event.ts'
import type { ChatCompletionRequest } from '../../../src/surfaces/openai/chat-completions/request.ts'
import { CustomCalls, toCustomInput, toFunctionsRequest, toTextArguments } from '../../../src/workers-ai/request/custom-tools.ts'
import { newEffort } from '../../../src/json/work-budget.ts'
import { FINISH, told } from '../../streams/events.ts'

const clock = { type: 'function', function: { name: 'clock' } }
const shout = { type: 'custom', custom: { name: 'shout', description: 'Shouts' } }
const parameters = { type: 'object', properties: { input: { type: 'string', description: 'The input of the tool, as it is.' } }, required: ['input'], additionalProperties: false }

function translated (given: object) {
  const changes: Change[] = []
  const { request, customTools } = toFunctionsRequest({ model: 'm', messages: [], ...given } as unknown as ChatCompletionRequest, changes)
  return { request, customTools: [...customTools], changes: changes.map(({ param, action }) => `${param} ${action}`) }
}

t.test('custom tools are functions with one argument of text', t => {
  const { request, customTools, changes } = translated({ tools: [clock, shout] })
  t.strictSame(request.tools, [clock, { type: 'function', function: { name: 'shout', description: 'Shouts', parameters } }])
  t.strictSame({ customTools, changes }, { customTools: ['shout'], changes: ['tools[1] emulated'] })
  const definition = 'start: "x"'
  for (const format of [{ type: 'grammar', grammar: { syntax: 'lark', definition } }, { type: 'grammar', syntax: 'lark', definition }]) {
    const { request, changes } = translated({ tools: [{ type: 'custom', custom: { name: 'patch', format } }] })
    t.equal(request.tools?.[0]?.function.description, 'The input must match this lark grammar:\nstart: "x"')
    t.strictSame(changes, ['tools[0] emulated', 'tools[0].format emulated'], 'a grammar is told not to be enforced')
  }
  for (const format of [null, { type: 'text' }, { type: 'grammar', grammar: null }]) t.strictSame(translated({ tools: [{ type: 'custom', custom: { name: 'patch', format } }] }).changes, ['tools[0] emulated'])
  t.end()
})

t.test('a request without them is the same', t => {
  const request = { model: 'm', messages: [], tools: [clock], tool_choice: clock } as unknown as ChatCompletionRequest
  t.equal(toFunctionsRequest(request, []).request, request)
  t.end()
})

t.test('one that is chosen is the function that stands for it', t => {
  const named = { type: 'function', function: { name: 'shout' } }
  const cases = [
    { name: 'a word', given: 'required', expected: 'required' },
    { name: 'nothing', given: null, expected: null },
    { name: 'it', given: { type: 'custom', custom: { name: 'shout' } }, expected: named },
    { name: 'a function', given: clock, expected: clock },
    { name: 'several', given: { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [clock, { type: 'custom', custom: { name: 'shout' } }, null] } }, expected: { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [clock, named, null] } } },
    { name: 'none', given: { type: 'allowed_tools', allowed_tools: null }, expected: { type: 'allowed_tools', allowed_tools: null } }
  ]
  for (const { name, given, expected } of cases) t.strictSame(translated({ tools: [clock, shout], tool_choice: given }).request.tool_choice, expected, name)
  t.end()
})

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
  for (const { name, given, expected } of cases) t.strictSame(told(new CustomCalls(new Set(['shout']), newEffort()), given), expected, name)
  t.end()
})

t.equal(toTextArguments('say "hi"'), '{"input":"say \\"hi\\""}', 'an input is an argument')
for (const { name, args, expected } of [
  { name: 'the argument is the input', args: '{"input":"x"}', expected: 'x' },
  { name: 'also in nearly JSON', args: "{'input': 'x',}", expected: 'x' },
  { name: 'other arguments are the input as they are', args: '{"patch":"x"}', expected: '{"patch":"x"}' },
  { name: 'an argument that is no text is not', args: '{"input":1}', expected: '{"input":1}' },
  { name: 'text without JSON is the input', args: 'x', expected: 'x' }
]) t.equal(toCustomInput(args, newEffort()), expected, name)
