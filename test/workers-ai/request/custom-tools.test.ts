import t from 'tap'
import type { Change } from '../../../src/generation/change.ts'
import type { GenerationRequest } from '../../../src/generation/request.ts'
import { toFunctionsRequest } from '../../../src/workers-ai/request/custom-tools.ts'

const clock = { type: 'function', function: { name: 'clock' } }
const shout = { type: 'custom', custom: { name: 'shout', description: 'Shouts' } }
const parameters = { type: 'object', properties: { input: { type: 'string', description: 'The input of the tool, as it is.' } }, required: ['input'], additionalProperties: false }

function translated (given: object) {
  const changes: Change[] = []
  const { request, customTools } = toFunctionsRequest({ model: 'm', messages: [], ...given } as unknown as GenerationRequest, changes)
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
  const request = { model: 'm', messages: [], tools: [clock], tool_choice: clock } as unknown as GenerationRequest
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
