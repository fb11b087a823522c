import t from 'tap'
import { toPlausibleNumber, toPlausibleText } from '../../../src/simulator/answers/plausible-values.ts'

const cases: Array<{ name: string, parameter?: string, schema?: object, asked?: string, expected: string | undefined }> = [
  { name: 'a format has an example', schema: { format: 'date-time' }, expected: '2025-01-01T12:00:00Z' },
  { name: 'what was asked wins', schema: { format: 'date' }, asked: 'on 2026-02-03.', expected: '2026-02-03' },
  { name: 'a format wins over a name', parameter: 'email', schema: { format: 'uuid' }, expected: '00000000-0000-4000-8000-000000000000' },
  { name: 'a format nobody knows', parameter: 'email', schema: { format: 'constructor' }, expected: undefined },
  { name: 'a name by its last word', parameter: 'contactEmail', expected: 'someone@example.com' },
  { name: 'and by no other', parameter: 'email_subject', expected: undefined },
  { name: 'a link without the end of its sentence', parameter: 'url', asked: 'see https://example.org/a?b=1.', expected: 'https://example.org/a?b=1' },
  { name: 'a number to call', parameter: 'phone', asked: 'call +49 30 1234567', expected: '+49 30 1234567' },
  { name: 'an expression', parameter: 'expression', asked: 'What is 2 + 2?', expected: '2 + 2' },
  { name: 'none', parameter: 'expression', asked: 'Hi - you', expected: undefined },
  { name: 'the question', parameter: 'search_query', asked: 'cats', expected: 'cats' },
  { name: 'no question', parameter: 'query', expected: undefined },
  { name: 'anything', parameter: 'title', schema: { description: 5 }, expected: undefined }
]
for (const { name, parameter = 'a', schema = {}, asked = '', expected } of cases) t.equal(toPlausibleText(parameter, schema, asked), expected, name)

t.strictSame(['age', 'personAge', 'total_price', 'a', 'constructor', ''].map(toPlausibleNumber), [36, 36, 19.99, undefined, undefined, undefined], 'numbers people expect')

t.test('a long text takes no time', async t => {
  for (const piece of ['1', '1+', '(', 'a.', '1 ', '+1']) {
    const start = performance.now()
    for (const parameter of ['expression', 'email', 'phone', 'url']) toPlausibleText(parameter, {}, piece.repeat(10_000))
    t.ok(performance.now() - start < 5_000, `of ${piece}`)
  }
})
