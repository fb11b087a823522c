import t from 'tap'
import type { Change } from '../../../../src/generation/change.ts'
import type { ResponseToolChoice, ToolParam } from '../../../../src/surfaces/openai/responses/request.ts'
import { toToolChoice, toServedTools } from '../../../../src/surfaces/openai/responses/tools.ts'

const parameters = { type: 'object', properties: { city: { type: 'string' } } }
const weather: ToolParam = { type: 'function', name: 'get_weather', description: 'The weather', parameters, strict: true }
const shout: ToolParam = { type: 'custom', name: 'shout' }

function serve (tools: ToolParam[]) {
  const changes: Change[] = []
  return { tools: toServedTools(tools, changes), changes: changes.map(({ param, action }) => `${param} ${action}`) }
}

t.test('a function is flat on one side and wrapped on the other', async t => {
  const { tools, changes } = serve([weather, { type: 'function', name: 'now' }])
  t.strictSame(tools.definitions, [
    { type: 'function', function: { name: 'get_weather', description: 'The weather', parameters, strict: true } },
    { type: 'function', function: { name: 'now', description: undefined, parameters: undefined, strict: undefined } }
  ])
  t.strictSame(changes, [])
  t.strictSame(tools.toCalled('get_weather'), { type: 'function', name: 'get_weather' })
})

t.test('a custom tool is a function with one argument of text', async t => {
  const { tools, changes } = serve([shout, { type: 'custom', name: 'patch', description: 'Patches', format: { type: 'grammar', syntax: 'lark', definition: 'start: "x"' } }])
  t.strictSame(tools.definitions.map(({ function: { name, description, parameters } }) => ({ name, description, parameters })), [
    { name: 'shout', description: '', parameters: toInput() },
    { name: 'patch', description: 'Patches\n\nThe input must match this lark grammar:\nstart: "x"', parameters: toInput() }
  ])
  t.strictSame(changes, ['tools[0] emulated', 'tools[1] emulated', 'tools[1].format emulated'])
  t.strictSame(tools.toCalled('shout'), { type: 'custom', name: 'shout' })
})

function toInput (): object {
  return { type: 'object', properties: { input: { type: 'string', description: 'The input of the tool, as it is.' } }, required: ['input'], additionalProperties: false }
}

t.test('the tools of a namespace bear its name, and are called by their own', async t => {
  const { tools, changes } = serve([{ type: 'namespace', name: 'mcp.files', tools: [{ type: 'function', name: 'read' }, { type: 'custom', name: 'write' }, { type: 'web_search' }] }])
  t.strictSame(tools.definitions.map(tool => tool.function.name), ['mcp_files__read', 'mcp_files__write'])
  t.strictSame(tools.toCalled('mcp_files__read'), { type: 'function', name: 'read', namespace: 'mcp.files' })
  t.equal(tools.toChatName('write', 'mcp.files'), 'mcp_files__write')
  t.strictSame(changes, ['tools[0] emulated', 'tools[0].tools[1] emulated', 'tools[0].tools[2] dropped'])
})

t.test('names that become the same are told apart', async t => {
  const long = 'x'.repeat(80)
  const { tools } = serve([
    { type: 'function', name: 'a__b' },
    { type: 'namespace', name: 'a', tools: [{ type: 'function', name: 'b' }] },
    { type: 'namespace', name: long, tools: [{ type: 'function', name: 'b' }, { type: 'function', name: 'c' }] }
  ])
  const names = tools.definitions.map(tool => tool.function.name)
  t.strictSame(names, ['a__b', 'a__b_2', 'x'.repeat(64), `${'x'.repeat(60)}_2`])
  t.strictSame(names.map(name => tools.toCalled(name)), [
    { type: 'function', name: 'a__b' },
    { type: 'function', name: 'b', namespace: 'a' },
    { type: 'function', name: 'b', namespace: long },
    { type: 'function', name: 'c', namespace: long }
  ])
  t.equal(tools.toChatName('b', 'a'), 'a__b_2')
})

t.test('there are no more of them than OpenAI takes, wherever they are', async t => {
  const many = (count: number): ToolParam[] => Array.from({ length: count }, () => ({ type: 'function', name: 'f' }))
  t.equal(serve([{ type: 'namespace', name: 'n', tools: many(127) }, weather]).tools.definitions.length, 128)
  t.throws(() => serve([{ type: 'namespace', name: 'n', tools: many(128) }, weather]), { name: 'InvalidRequestError', param: 'tools', code: 'array_above_max_length' })
})

t.test('a tool that is not offered any more still has a name', async t => {
  const { tools } = serve([])
  t.equal(tools.toChatName('gone', undefined), 'gone')
  t.equal(tools.toChatName('gone', 'far'), 'far__gone')
  t.strictSame(tools.toCalled('invented'), { type: 'function', name: 'invented' })
})

t.test('tools that only OpenAI runs are left out', async t => {
  const { tools, changes } = serve([{ type: 'web_search' }, { type: 'local_shell' }, weather, { type: 'never_heard_of' } as unknown as ToolParam])
  t.equal(tools.definitions.length, 1)
  t.strictSame(changes, ['tools[0] dropped', 'tools[1] dropped', 'tools[3] dropped'])
})

const choices: Array<{ name: string, given: ResponseToolChoice, expected: unknown, tools?: ToolParam[], changes?: string[] }> = [
  { name: 'a word stays', given: 'required', expected: 'required' },
  { name: 'a function is named in a nest', given: { type: 'function', name: 'get_weather' }, expected: { type: 'function', function: { name: 'get_weather' } } },
  { name: 'a custom tool is a function', given: { type: 'custom', name: 'shout' }, expected: { type: 'function', function: { name: 'shout' } } },
  {
    name: 'of allowed tools those that are served stay',
    given: { type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'get_weather' }, { type: 'web_search' }] },
    expected: { type: 'allowed_tools', allowed_tools: { mode: 'required', tools: [{ type: 'function', function: { name: 'get_weather' } }] } }
  },
  { name: 'a tool of OpenAI\'s cannot be chosen', given: { type: 'web_search_preview' }, expected: undefined, changes: ['tool_choice dropped'] },
  { name: 'auto needs no tools', given: 'auto', tools: [], expected: undefined },
  { name: 'none needs no tools', given: 'none', tools: [], expected: undefined },
  { name: 'required without a tool is told', given: 'required', tools: [{ type: 'web_search' }], expected: undefined, changes: ['tool_choice dropped'] }
]
for (const { name, given, expected, tools = [weather, shout], changes = [] } of choices) {
  t.test(name, async t => {
    const served = toServedTools(tools, [])
    const told: Change[] = []
    t.strictSame(toToolChoice({ tool_choice: given }, served, told), expected)
    t.strictSame(told.map(({ param, action }) => `${param} ${action}`), changes)
  })
}

t.throws(() => toToolChoice({ tool_choice: { type: 'function' } }, toServedTools([weather], []), []), { status: 400, param: 'tool_choice.name', code: 'missing_required_parameter' }, 'a choice must name its tool')
