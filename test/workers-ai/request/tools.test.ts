import t from 'tap'
import type { Change } from '../../../src/generation/change.ts'
import type { GenerationRequest, FunctionDefinition, FunctionTool, ToolChoice } from '../../../src/generation/request.ts'
import { toFunctionsRequest } from '../../../src/workers-ai/request/custom-tools.ts'
import { toOfferedTools, type NativeTool, type ToolFields } from '../../../src/workers-ai/request/tools.ts'
import { FAMILIES, type Family } from '../../../src/workers-ai/models/family.ts'

const CLASSIC = FAMILIES['classic-2025']
const OPENAI = FAMILIES.openai

const weather: FunctionDefinition = {
  name: 'weather',
  description: 'The weather of a city',
  parameters: { type: 'object', properties: { city: { type: 'string', description: 'Its name' } }, required: ['city'] }
}
const clock: FunctionDefinition = { name: 'clock' }

function tool (definition: FunctionDefinition): FunctionTool {
  return { type: 'function', function: definition }
}

function request (more: Partial<GenerationRequest>): GenerationRequest {
  return { model: 'm', messages: [{ role: 'user', content: 'hi' }], ...more }
}

interface Translated extends ToolFields {
  tools: NativeTool[] | undefined
  forcedCall: string | undefined
  changes: string[]
}

function translated (more: Partial<GenerationRequest>, family: Family): Translated {
  const changes: Change[] = []
  const offered = toOfferedTools(toFunctionsRequest(request(more), changes).request, family, changes)
  return {
    tools: offered?.tools,
    forcedCall: offered?.forcedCall,
    ...offered?.fields,
    changes: changes.map(({ param, action }) => `${param} ${action}`)
  }
}

/** The schema one property becomes. */
function property (schema: unknown, family: Family, more: Record<string, unknown> = {}): unknown {
  const { tools } = translated({ tools: [tool({ name: 'f', parameters: { type: 'object', properties: { p: schema }, ...more } })] }, family)
  return (tools?.[0]?.function.parameters['properties'] as Record<string, unknown>)['p']
}

t.test('a tool is wrapped and complete', t => {
  const cases: Array<{ name: string, given: FunctionDefinition, family: Family, expected: unknown }> = [
    { name: 'all there is', given: weather, family: OPENAI, expected: weather },
    { name: 'all there is, for older models', given: weather, family: CLASSIC, expected: weather },
    { name: 'nothing but a name', given: clock, family: CLASSIC, expected: { name: 'clock', description: '', parameters: { type: 'object', properties: {} } } },
    { name: 'nulls', given: { name: 'clock', description: null, parameters: null, strict: null }, family: OPENAI, expected: { name: 'clock', description: '', parameters: { type: 'object', properties: {} } } },
    { name: 'strict', given: { ...weather, strict: true }, family: OPENAI, expected: { ...weather, strict: true } },
    { name: 'strict, which older models do not know', given: { ...weather, strict: true }, family: CLASSIC, expected: weather }
  ]
  for (const { name, given, family, expected } of cases) {
    t.strictSame(translated({ tools: [tool(given)] }, family).tools, [{ type: 'function', function: expected }], name)
  }
  t.end()
})

t.test('a choice is sent as far as the family knows it', t => {
  const tools = [tool(weather), tool(clock)]
  const named: ToolChoice = { type: 'function', function: { name: 'clock' } }
  const cases: Array<{ name: string, given: Partial<GenerationRequest>, family: Family, tools: string[] | undefined, choice: unknown, changes?: string[] }> = [
    { name: 'none said', given: { tools }, family: OPENAI, tools: ['weather', 'clock'], choice: 'auto' },
    { name: 'none said, older', given: { tools }, family: CLASSIC, tools: ['weather', 'clock'], choice: 'auto' },
    { name: 'auto, older', given: { tools, tool_choice: 'auto' }, family: FAMILIES.guided, tools: ['weather', 'clock'], choice: 'auto' },
    { name: 'null', given: { tools, tool_choice: null as never }, family: CLASSIC, tools: ['weather', 'clock'], choice: 'auto' },
    { name: 'auto, older', given: { tools, tool_choice: 'auto' }, family: FAMILIES.guided, tools: ['weather', 'clock'], choice: 'auto' },
    { name: 'auto', given: { tools, tool_choice: 'auto' }, family: OPENAI, tools: ['weather', 'clock'], choice: 'auto' },
    { name: 'none sends no tools', given: { tools, tool_choice: 'none' }, family: OPENAI, tools: undefined, choice: undefined },
    { name: 'required, which fails open on newer models', given: { tools, tool_choice: 'required' }, family: OPENAI, tools: ['weather', 'clock'], choice: 'required', changes: ['tool_choice emulated'] },
    { name: 'required, older', given: { tools, tool_choice: 'required' }, family: CLASSIC, tools: ['weather', 'clock'], choice: 'required', changes: ['tool_choice emulated'] },
    { name: 'a named tool', given: { tools, tool_choice: named }, family: OPENAI, tools: ['weather', 'clock'], choice: named },
    { name: 'a named tool is the only one older models are told of', given: { tools, tool_choice: named }, family: CLASSIC, tools: ['clock'], choice: named, changes: ['tool_choice emulated'] },
    { name: 'allowed tools', given: { tools, tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [tool(clock)] } } }, family: OPENAI, tools: ['clock'], choice: 'auto' },
    { name: 'allowed tools of which one must be called', given: { tools, tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'required', tools: [tool(clock)] } } }, family: OPENAI, tools: ['clock'], choice: 'required', changes: ['tool_choice emulated'] },
    { name: 'no tool allowed', given: { tools, tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [] } } }, family: OPENAI, tools: undefined, choice: undefined },
    { name: 'no tools, which upstream refuses as an empty list', given: { tools: [] }, family: OPENAI, tools: undefined, choice: undefined },
    { name: 'tools of null', given: { tools: null }, family: OPENAI, tools: undefined, choice: undefined },
    { name: 'none without tools', given: { tool_choice: 'none' }, family: OPENAI, tools: undefined, choice: undefined },
    { name: 'a model that takes no tools', given: { tools }, family: FAMILIES.guard, tools: undefined, choice: undefined, changes: ['tools dropped'] },
    { name: 'functions', given: { functions: [weather, clock] }, family: OPENAI, tools: ['weather', 'clock'], choice: 'auto' },
    { name: 'a named function', given: { functions: [weather, clock], function_call: { name: 'clock' } }, family: CLASSIC, tools: ['clock'], choice: named, changes: ['function_call emulated'] },
    { name: 'functions that may not be called', given: { functions: [weather], function_call: 'none' }, family: OPENAI, tools: undefined, choice: undefined },
    { name: 'functions beside tools, which win', given: { functions: [weather], tools: [tool(clock)] }, family: OPENAI, tools: ['clock'], choice: 'auto' }
  ]
  for (const { name, given, family, tools, choice, changes = [] } of cases) {
    const told = translated(given, family)
    t.strictSame(told.tools?.map(({ function: { name } }) => name), tools, name)
    t.strictSame(told.tool_choice, choice, `${name} (choice)`)
    t.strictSame(told.changes, changes, `${name} (changes)`)
    t.equal(told.forcedCall !== undefined, told.changes.some(change => /^(tool_choice|function_call) emulated$/.test(change)), `${name} (told in words where it is advice)`)
  }
  t.end()
})

t.test('a choice that is taken as advice is said in words', t => {
  const tools = [tool(weather), tool(clock)]
  const cases: Array<{ name: string, choice: ToolChoice, family: Family, expected: string | undefined }> = [
    { name: 'a named tool, which newer models hold to', choice: { type: 'function', function: { name: 'clock' } }, family: OPENAI, expected: undefined },
    { name: 'a named tool', choice: { type: 'function', function: { name: 'clock' } }, family: CLASSIC, expected: 'You must call the function clock now. Answer with that call and nothing else.' },
    { name: 'any tool', choice: 'required', family: OPENAI, expected: 'You must call one of the functions now. Answer with a call and nothing else.' },
    { name: 'no force', choice: 'auto', family: CLASSIC, expected: undefined }
  ]
  for (const { name, choice, family, expected } of cases) t.equal(translated({ tools, tool_choice: choice }, family).forcedCall, expected, name)
  t.end()
})

t.test('a choice that cannot be meant is refused', t => {
  const tools = [tool(weather)]
  const cases: Array<{ name: string, given: Record<string, unknown>, expected: { param: string, code: string | null, message: RegExp } }> = [
    { name: 'a word that is none', given: { tools, tool_choice: 'any' }, expected: { param: 'tool_choice', code: 'invalid_value', message: /^Invalid value: 'any'\. Supported values are: 'none', 'auto', and 'required'\.$/ } },
    { name: 'a tool that was not given', given: { tools, tool_choice: { type: 'function', function: { name: 'clock' } } }, expected: { param: 'tool_choice', code: 'invalid_value', message: /'clock' is not among the tools/ } },
    { name: 'a choice without a name', given: { tools, tool_choice: { type: 'function' } }, expected: { param: 'tool_choice', code: 'invalid_value', message: /expected 'none', 'auto', 'required' or/ } },
    { name: 'a custom tool', given: { tools, tool_choice: { type: 'custom', custom: { name: 'x' } } }, expected: { param: 'tool_choice', code: 'invalid_value', message: /expected 'none', 'auto', 'required' or/ } },
    { name: 'an allowed tool that was not given', given: { tools, tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [tool(clock)] } } }, expected: { param: 'tool_choice', code: 'invalid_value', message: /'clock' is not among the tools/ } },
    { name: 'an allowed tool without a name', given: { tools, tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [null] } } }, expected: { param: 'tool_choice', code: 'invalid_value', message: /expected 'none', 'auto', 'required' or/ } },
    { name: 'a forced choice without tools', given: { tool_choice: 'required' }, expected: { param: 'tool_choice', code: null, message: /'tool_choice' is only allowed when 'tools' are specified\.$/ } },
    { name: 'a function that was not given', given: { functions: [weather], function_call: { name: 'clock' } }, expected: { param: 'function_call', code: 'invalid_value', message: /'clock' is not among the tools/ } }
  ]
  for (const { name, given, expected } of cases) {
    t.throws(() => translated(given as Partial<GenerationRequest>, OPENAI), { name: 'InvalidRequestError', status: 400, ...expected }, name)
  }
  t.end()
})

t.test('older models get a type of one word and a description for every property', t => {
  const $defs = { Place: { type: 'object', properties: {} }, Colour: { enum: ['red'] }, Loop: { $ref: '#/$defs/Loop' } }
  const cases = [
    { name: 'both are there', given: { type: 'number', description: 'n' }, expected: { type: 'number', description: 'n' } },
    { name: 'neither is', given: {}, expected: { type: 'string', description: '' } },
    { name: 'no schema at all', given: true, expected: { type: 'string', description: '' } },
    { name: 'a type or null', given: { type: ['null', 'integer'] }, expected: { type: 'integer', description: '' } },
    { name: 'a list of no type', given: { type: ['null'] }, expected: { type: 'string', description: '' } },
    { name: 'a choice of schemas', given: { anyOf: [{ type: 'null' }, { type: 'array', items: {} }] }, expected: { anyOf: [{ type: 'null' }, { type: 'array', items: {} }], type: 'array', description: '' } },
    { name: 'an enum of numbers', given: { enum: [1, 2] }, expected: { enum: [1, 2], type: 'number', description: '' } },
    { name: 'a constant', given: { const: true }, expected: { const: true, type: 'boolean', description: '' } },
    { name: 'properties without a type', given: { properties: { a: { type: 'string' } } }, expected: { properties: { a: { type: 'string' } }, type: 'object', description: '' } },
    { name: 'a reference', given: { $ref: '#/$defs/Place' }, expected: { $ref: '#/$defs/Place', type: 'object', description: '' } },
    { name: 'a reference or null', given: { anyOf: [{ $ref: '#/$defs/Place' }, { type: 'null' }] }, expected: { anyOf: [{ $ref: '#/$defs/Place' }, { type: 'null' }], type: 'object', description: '' } },
    { name: 'a reference to words', given: { $ref: '#/$defs/Colour' }, expected: { $ref: '#/$defs/Colour', type: 'string', description: '' } },
    { name: 'a reference to itself', given: { $ref: '#/$defs/Loop' }, expected: { $ref: '#/$defs/Loop', type: 'string', description: '' } },
    { name: 'a reference to nothing', given: { $ref: '#/$defs/constructor' }, expected: { $ref: '#/$defs/constructor', type: 'string', description: '' } }
  ]
  for (const { name, given, expected } of cases) t.strictSame(property(given, CLASSIC, { $defs }), expected, name)
  t.strictSame(property({ type: ['null', 'integer'] }, OPENAI), { type: ['null', 'integer'] }, 'newer models get it as it is')
  t.strictSame(translated({ tools: [tool({ name: 'f', parameters: { properties: { p: { type: ['string', 'null'] } } } })] }, CLASSIC).changes, ['tools.f.parameters.p.type clamped'], 'what was cut down is told')
  t.end()
})

t.test('a type that is cut down to one is told', t => {
  const $defs = { A: { type: 'integer' } }
  const cases: Array<{ name: string, given: unknown, type: string, isTold: boolean }> = [
    { name: 'one type', given: { type: 'integer' }, type: 'integer', isTold: false },
    { name: 'one type behind a reference', given: { $ref: '#/$defs/A' }, type: 'integer', isTold: false },
    { name: 'an enum of one type', given: { enum: ['a', 'b'] }, type: 'string', isTold: false },
    { name: 'anything', given: {}, type: 'string', isTold: true },
    { name: 'anything as a word', given: true, type: 'string', isTold: true },
    { name: 'nothing but null', given: { type: 'null' }, type: 'string', isTold: true },
    { name: 'a choice with null', given: { anyOf: [{ type: 'array' }, { type: 'null' }] }, type: 'array', isTold: true },
    { name: 'a choice of types', given: { oneOf: [{ type: 'number' }, { type: 'string' }] }, type: 'number', isTold: true },
    { name: 'a choice of anything', given: { anyOf: [{}, { type: 'null' }] }, type: 'string', isTold: true },
    { name: 'a choice of references', given: { anyOf: [{ $ref: '#/$defs/A' }, { type: 'integer' }] }, type: 'integer', isTold: false },
    { name: 'an enum of several types', given: { enum: ['a', 1, null] }, type: 'string', isTold: true },
    { name: 'a list', given: { const: [1] }, type: 'array', isTold: false }
  ]
  for (const { name, given, type, isTold } of cases) {
    const { tools, changes } = translated({ tools: [tool({ name: 'f', parameters: { type: 'object', properties: { p: given }, $defs } })] }, CLASSIC)
    t.match(tools?.[0]?.function.parameters, { properties: { p: { type } } }, name)
    t.strictSame(changes, isTold ? ['tools.f.parameters.p.type clamped'] : [], `${name} (changes)`)
    t.strictSame(translated({ tools: [tool({ name: 'f', parameters: { type: 'object', properties: { p: given }, $defs } })] }, OPENAI).changes, [], `${name}, on newer models`)
  }
  t.end()
})

t.test('parameters are sound on every family', t => {
  const cases = [
    { name: 'a list of what is required that is null', given: { type: 'object', properties: {}, required: null }, expected: { type: 'object', properties: {} } },
    { name: 'an empty list of properties', given: { type: 'object', properties: [] }, expected: { type: 'object', properties: {} } },
    { name: 'a root reference', given: { $ref: '#/definitions/F', definitions: { F: { type: 'object', properties: { a: { type: 'string', description: 'a' } } } } }, expected: { type: 'object', properties: { a: { type: 'string', description: 'a' } }, definitions: { F: { type: 'object', properties: { a: { type: 'string', description: 'a' } } } } } },
    { name: 'another root', given: { type: ['object', 'null'] }, expected: { type: 'object', properties: {} }, changes: ['tools.f.parameters.type clamped'] },
    { name: 'so large a schema that nobody walks through it', given: { type: 'object', properties: Object.fromEntries(Array.from({ length: 1_500 }, (_, n) => [`p${n}`, { type: 'string', description: '' }])) }, changes: ['tools.f.parameters clamped'] }
  ]
  for (const { name, given, expected = given, changes = [] } of cases) {
    for (const family of [CLASSIC, OPENAI, FAMILIES.guided, FAMILIES['gpt-oss'], FAMILIES.kimi]) {
      const told = translated({ tools: [tool({ name: 'f', parameters: given })] }, family)
      t.strictSame(told.tools?.[0]?.function.parameters, expected, `${name}, ${family.name}`)
      t.strictSame(told.changes, changes, `${name}, ${family.name} (changes)`)
    }
  }
  for (const choice of ['auto', 'none'] as const) t.strictSame(translated({ tools: [], tool_choice: choice }, OPENAI).tools, undefined, `${choice} of nothing is nothing`)
  t.throws(() => translated({ tools: [], tool_choice: 'required' }, OPENAI), { name: 'InvalidRequestError' })
  t.end()
})

t.test('what upstream refuses in a schema is left out at any depth', t => {
  const cases = [
    { name: 'a description of false', given: { type: 'string', description: false }, expected: { type: 'string' } },
    { name: 'a description of null in a list', given: { type: 'array', items: { type: 'string', description: null } }, expected: { type: 'array', items: { type: 'string' } } },
    { name: 'property names', given: { type: 'object', propertyNames: { pattern: '^a' }, properties: { x: { propertyNames: {} } } }, expected: { type: 'object', properties: { x: {} } } },
    { name: 'inside of choices', given: { anyOf: [{ type: 'object', propertyNames: {} }, 7] }, expected: { anyOf: [{ type: 'object' }, 7] } },
    { name: 'but not a property of that name', given: { type: 'object', properties: { propertyNames: { type: 'string' }, description: { type: 'string' } } }, expected: { type: 'object', properties: { propertyNames: { type: 'string' }, description: { type: 'string' } } } },
    { name: 'and not in data', given: { default: { description: null }, enum: [{ propertyNames: {} }], const: { description: false }, examples: [{ description: null }] }, expected: { default: { description: null }, enum: [{ propertyNames: {} }], const: { description: false }, examples: [{ description: null }] } }
  ]
  for (const { name, given, expected } of cases) t.strictSame(property(given, OPENAI), expected, name)
  const given = { tools: [tool({ name: 'f', parameters: { type: 'object', propertyNames: {}, properties: { a: { type: 'object', propertyNames: {} } } } })] }
  t.strictSame(translated(given, OPENAI).changes, ['tools.f.parameters.propertyNames dropped', 'tools.f.parameters.a.propertyNames dropped'], 'each is told')
  t.end()
})

t.test('a wish for one call at a time is sent or kept by ourselves', t => {
  const tools = [tool(weather)]
  const cases = [
    { name: 'sent', given: false, family: OPENAI, expected: false, changes: [] },
    { name: 'sent also when it is the default', given: true, family: OPENAI, expected: true, changes: [] },
    { name: 'kept by ourselves', given: false, family: CLASSIC, expected: undefined, changes: ['parallel_tool_calls emulated'] },
    { name: 'not sent to models that do not know it', given: true, family: CLASSIC, expected: undefined, changes: [] },
    { name: 'null', given: null, family: OPENAI, expected: undefined, changes: [] }
  ]
  for (const { name, given, family, expected, changes } of cases) {
    const told = translated({ tools, parallel_tool_calls: given }, family)
    t.equal(told.parallel_tool_calls, expected, name)
    t.strictSame(told.changes, changes, `${name} (changes)`)
  }
  t.end()
})
