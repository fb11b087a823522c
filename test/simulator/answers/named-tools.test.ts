import t from 'tap'
import { findNamedTools } from '../../../src/simulator/answers/named-tools.ts'

const tools = ['get_weather', 'findFlights', 'get_time', 'do.it-now'].map(name => ({ name }))
const [weather, flights, time] = tools

const cases: Array<{ name: string, given: string, system?: string, offered?: Array<{ name: string }>, expected: unknown[] }> = [
  { name: 'none', given: 'Hi', expected: [] },
  { name: 'one by its name', given: 'use get_weather for New York flights', expected: [weather] },
  { name: 'one by its thing', given: 'How is the weather?', expected: [weather] },
  { name: 'several, in the order of the question', given: 'Flights first, then the weather', expected: [flights, weather] },
  { name: 'whole words only', given: 'weathered by lifetimes', expected: [] },
  { name: 'a name of any letters', given: 'DO.IT-NOW!', expected: [{ name: 'do.it-now' }] },
  { name: 'none that is forbidden', given: "Don't use get_weather, but get_time", expected: [time] },
  { name: 'the only one when it is to be used', given: 'What is it? Use the tool.', offered: [{ name: 'f' }], expected: [{ name: 'f' }] },
  { name: 'but not of several', given: 'What is it? Use the tool.', expected: [] },
  { name: 'nor when it is not', given: 'Answer without using tools. Do not use the tool.', offered: [{ name: 'f' }], expected: [] },
  { name: 'one that a system message always wants', given: 'Hi', system: 'You must ALWAYS call the get_time function.', expected: [time] },
  { name: 'in other words', given: 'Hi', system: 'Be nice. Always use the `findFlights` tool.', expected: [flights] },
  { name: 'beside one that the question names', given: 'the weather', system: 'Always use get_time', expected: [weather, time] },
  { name: 'the only one for one of another name', given: 'Hi', system: 'You must ALWAYS call the add function.', offered: [{ name: 'AdderTool' }], expected: [{ name: 'AdderTool' }] },
  { name: 'none that it wants now and then', given: 'Hi', system: 'Use get_time. Always use the get_weather tool for questions about it. Always call your mother.', expected: [] }
]
for (const { name, given, system = '', offered = tools, expected } of cases) t.strictSame(findNamedTools(offered, given, system), expected, name)
