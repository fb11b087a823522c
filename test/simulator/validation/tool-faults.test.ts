import t from 'tap'
import { toDialect } from '../../../src/simulator/native/dialect.ts'
import type { RunBody } from '../../../src/simulator/run-body.ts'
import { findToolFaults, refuseTools } from '../../../src/simulator/validation/tool-faults.ts'
import { CATALOGUE } from '../../../src/workers-ai/models/catalogue.ts'
import { KIMI, LLAMA, weather } from '../asking.ts'

const faults: Array<{ name: string, model?: string, given: unknown, expected: string[] }> = [
  { name: 'flat and wrapped tools pass', given: [weather, weather.function], expected: [] },
  { name: 'tools are a list', given: {}, expected: ["Type mismatch of '/tools', 'object' not in 'array'"] },
  { name: 'null is no list', given: null, expected: ["Type mismatch of '/tools', 'null' not in 'array'"] },
  { name: 'except where it is', model: KIMI, given: null, expected: [] },
  { name: 'a tool is an object', given: ['f'], expected: ["Type mismatch of '/tools/0', 'string' not in 'object'"] },
  { name: 'a flat tool has a name', given: [{}], expected: ["required properties at '/tools/0' are 'name,description,parameters'"] },
  { name: 'a wrapped one too', given: [{ type: 'function', function: { name: '' } }], expected: ["required properties at '/tools/0/function' are 'name'"] },
  { name: 'a wrapping wraps something', given: [{ type: 'function', function: 'f' }], expected: ["Type mismatch of '/tools/0/function', 'string' not in 'object'"] },
  { name: 'tools of other kinds are unknown', model: KIMI, given: [{ type: 'web_search' }], expected: ["enum function not in custom at '/tools/0/type'"] }
]
for (const { name, model = LLAMA, given, expected } of faults) {
  const row = CATALOGUE.get(model)!
  t.strictSame(findToolFaults({ tools: given }, row, toDialect(row)), expected, name)
}

function withFunction (change: object): RunBody {
  return { tools: [{ type: 'function', function: { ...weather.function, ...change } }] }
}

const refusals: Array<{ name: string, given: object, code: number }> = [
  { name: 'a flat tool', given: { tools: [weather.function] }, code: 8001 },
  { name: 'no tool at all', given: { tools: [] }, code: 8007 },
  { name: 'a description that is none', given: withFunction({ description: false }), code: 8001 },
  { name: 'propertyNames in a schema', given: withFunction({ parameters: { type: 'object', propertyNames: { pattern: '^a' } } }), code: 8001 },
  { name: 'any tool', given: { tools: [weather], tool_choice: 'any' }, code: 8001 },
  { name: 'a choice without a name', given: { tools: [weather], tool_choice: { type: 'function' } }, code: 8001 }
]
for (const { name, given, code } of refusals) t.throws(() => refuseTools(given), { code }, `${name} is refused`)

for (const choice of ['auto', 'none', 'required', null, { type: 'function', function: { name: 'get_weather' } }]) {
  t.doesNotThrow(() => refuseTools({ tools: [weather], tool_choice: choice } as RunBody), `${JSON.stringify(choice)} is a choice`)
}
