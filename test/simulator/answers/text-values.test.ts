import t from 'tap'
import { escapePattern, NO_VALUES, toLabelled, toTextValues, toWordsOf, type TextValues } from '../../../src/simulator/answers/text-values.ts'

const cases: Array<{ name: string, given: string, tools?: string[], expected: Partial<TextValues> }> = [
  { name: 'nothing', given: '', expected: NO_VALUES },
  { name: 'numbers in their order', given: 'the sum of 3, -4 and 2.5 (or 007)', expected: { numbers: [3, -4, 2.5, 7] } },
  { name: 'numbers of an expression', given: '2+2-1', expected: { numbers: [2, 2, 1] } },
  { name: 'no parts of words, dates, times and addresses', given: 'gpt4 24px v1.2.3 2026-02-03 12:30 http://x/9 a9@b.c', expected: { numbers: [] } },
  { name: 'what stands between the brackets of a call', given: 'In 2026, what is adderTool(1, 2)?', tools: ['AdderTool'], expected: { numbers: [1, 2] } },
  { name: 'quoted strings', given: 'say "a b", “c”, `d` or \'e\'; it\'s f, isn\'t it', expected: { strings: ['a b', 'c', 'd', 'e'] } },
  { name: 'names after them', given: 'Play a song by Frank Sinatra in New York called "x"', expected: { strings: ['x', 'Frank Sinatra', 'New York'] } },
  { name: 'no word in capitals, and not the speaker', given: 'you must ALWAYS call the API of NASA, and I mean McDonald and Oslo', expected: { strings: ['McDonald', 'Oslo'] } },
  { name: 'no names of tools', given: "call the 'get_weather' tool or my GetTime", tools: ['get_weather', 'GetTime'], expected: { strings: [] } },
  { name: 'no schemas', given: 'the age of Ada in JSON: {"type": "object", "properties": {"a": {}}}', expected: { objects: [], strings: ['Ada'], text: 'the age of Ada in JSON: ' } },
  { name: 'objects, and nothing inside them twice', given: 'with {"a": "B c", "n": 5} and 6 and {broken', expected: { objects: [{ a: 'B c', n: 5 }], numbers: [6], strings: [] } }
]
for (const { name, given, tools, expected } of cases) {
  const values = toTextValues(given, tools)
  t.strictSame(Object.fromEntries(Object.keys(expected).map(key => [key, values[key as keyof TextValues]])), expected, name)
}

const labels: Array<{ parameter: string, given: string, expected: unknown }> = [
  { parameter: 'city', given: 'City: Oslo, please', expected: 'Oslo' },
  { parameter: 'serviceName', given: 'Service name = "MyService"\nother', expected: 'MyService' },
  { parameter: 'extraction_path', given: 'Extraction path: Users/johndoe/data', expected: 'Users/johndoe/data' },
  { parameter: 'n', given: 'with {"n": 5}', expected: 5 },
  { parameter: 'city', given: 'the capacity: 5', expected: undefined },
  { parameter: 'city', given: 'the city is big', expected: undefined },
  { parameter: '__proto__', given: 'hi', expected: undefined },
  { parameter: '', given: ': x', expected: undefined }
]
for (const { parameter, given, expected } of labels) t.equal(toLabelled(parameter, toTextValues(given)), expected, `${parameter} of ${given}`)

t.strictSame(['readingTime', 'reading_time', 'findFlights2Go', 'MCP-tool.x', ''].map(toWordsOf), [['reading', 'time'], ['reading', 'time'], ['find', 'flights2', 'go'], ['mcp', 'tool', 'x'], []], 'names have words')
t.match('a.b-c(d)', new RegExp(`^${escapePattern('a.b-c(d)')}$`, 'u'))

t.test('a long text takes no time', async t => {
  for (const piece of ['{', '"', ' ', 'A', 'Ab ', '1', 'a@', "'a"]) {
    const start = performance.now()
    toTextValues(piece.repeat(100_000), ['f'])
    t.ok(performance.now() - start < 5_000, `of ${JSON.stringify(piece)}`)
  }
})
