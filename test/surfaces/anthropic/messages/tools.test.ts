import t from 'tap'
import type { Change } from '../../../../src/generation/change.ts'
import { toServedTools, toToolChoice } from '../../../../src/surfaces/anthropic/messages/tools.ts'

const schema = { type: 'object', properties: {} }
const custom = (name: string, rest: object = {}) => ({ name, input_schema: schema, ...rest })
const served = (...tools: object[]) => {
  const changes: Change[] = []
  return { ...toServedTools(tools as never, changes), changes: changes.map(({ param, action }) => `${param} ${action}`) }
}

t.test('custom tools are functions, and so are those that Anthropic defines and the caller runs', t => {
  const { definitions, places, omitted, changes } = served(
    custom('a', { description: 'A', strict: true, cache_control: { type: 'ephemeral', scope: 'global' }, type: 'custom', eager_input_streaming: true, allowed_callers: ['direct'] }),
    custom('b', { type: null, defer_loading: true, input_examples: [{ x: 1 }], allowed_callers: ['code_execution_20250825'] }),
    { type: 'bash_20250124', name: 'bash' },
    { type: 'web_search_20250305', name: 'web_search', max_uses: 3 },
    { type: 'mcp_toolset', mcp_server_name: 'x' },
    { type: 'computer_20250124', name: 'computer', display_width_px: 1 }
  )
  t.match(definitions, [
    { type: 'function', function: { name: 'a', description: 'A', strict: true, parameters: schema } },
    { type: 'function', function: { name: 'b', parameters: schema } },
    { type: 'function', function: { name: 'bash', parameters: { properties: { command: {} } } } }
  ])
  t.equal(definitions.length, 3)
  t.strictSame([...places], [['a', 'tools.0'], ['b', 'tools.1'], ['bash', 'tools.2']])
  t.strictSame([...omitted], ['web_search', 'computer'])
  t.strictSame(changes, ['tools.1.defer_loading dropped', 'tools.1.input_examples dropped', 'tools.1.allowed_callers dropped', 'tools.2 emulated', 'tools.3 dropped', 'tools.4 dropped', 'tools.5 dropped'])
  t.end()
})

t.test('what cannot be a tool is refused by its place', t => {
  t.throws(() => served(custom('a'), custom('a')), { message: 'tools: Tool names must be unique.' })
  t.throws(() => served({ name: 'a' }), { message: 'tools.0.input_schema: Field required' })
  t.throws(() => served({ input_schema: schema }), { message: 'tools.0.name: Field required' })
  t.throws(() => served(...Array.from({ length: 129 }, (_, index) => custom(`t${index}`))), { message: /^tools: List should have at most 128 items.* not 129/ })
  t.end()
})

t.test('a choice is one of the language\'s', t => {
  const tools = served(custom('a'), { type: 'web_search_20250305', name: 'web_search' })
  const none = served()
  const chosen = (choice: object | null, of: ReturnType<typeof served> = tools) => {
    const changes: Change[] = []
    return [toToolChoice({ tool_choice: choice as never }, of, changes), changes.map(({ param, action }) => `${param} ${action}`)]
  }
  t.strictSame(chosen(null), [{}, []])
  t.strictSame(chosen({ type: 'auto' }), [{ tool_choice: 'auto' }, []])
  t.strictSame(chosen({ type: 'auto', disable_parallel_tool_use: true }), [{ tool_choice: 'auto', parallel_tool_calls: false }, []])
  t.strictSame(chosen({ type: 'any', disable_parallel_tool_use: false }), [{ tool_choice: 'required' }, []])
  t.strictSame(chosen({ type: 'none' }), [{ tool_choice: 'none' }, []])
  t.strictSame(chosen({ type: 'tool', name: 'a' }), [{ tool_choice: { type: 'function', function: { name: 'a' } } }, []])
  t.strictSame(chosen({ type: 'tool', name: 'web_search' }), [{ tool_choice: 'auto' }, ['tool_choice dropped']])
  t.strictSame(chosen({ type: 'any' }, served({ type: 'web_search_20250305', name: 'web_search' })), [{}, ['tool_choice dropped']])
  t.strictSame(chosen({ type: 'auto' }, none), [{}, []])
  t.throws(() => chosen({ type: 'any' }, none), { message: /^tool_choice: Input type `any` may only/ })
  t.throws(() => chosen({ type: 'tool', name: 'x' }), { message: "tool_choice.name: Tool 'x' not found in provided tools" })
  t.end()
})
