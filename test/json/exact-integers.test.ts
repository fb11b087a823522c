import t from 'tap'
import { copyDigits, digitsOf, keepDigits, toExactJson } from '../../src/json/exact-integers.ts'

interface Body {
  seed?: number
  tools?: unknown
  response_format?: unknown
  other?: unknown
}

function read (json: string): Body {
  const body = JSON.parse(json) as Body
  keepDigits(body, () => json)
  return body
}

const SCHEMA = '{"minimum":-9223372036854775808,"maximum":18446744073709551615,"multipleOf":1.0,"enum":[9007199254740993,1,"9007199254740993",{"a":12345678901234567890}]}'
const WRITTEN = SCHEMA.replace('1.0', '1')

t.test('whole numbers of what is sent on keep their digits', t => {
  const body = read(`{"other":9007199254740993,"seed":9223372036854775807,"tools":[${SCHEMA}],"response_format":{"s":${SCHEMA}}}`)
  t.equal(digitsOf(body, 'seed'), 9_223_372_036_854_775_807n)
  t.equal(body.seed, 2 ** 63, 'and are numbers as before')
  t.equal(toExactJson(body.tools), `[${WRITTEN}]`)
  t.equal(toExactJson({ a: [body.response_format] }), `{"a":[{"s":${WRITTEN}}]}`, 'wherever they are put')
  t.equal(digitsOf(body, 'other'), undefined)
  t.equal(JSON.stringify(body.tools), JSON.stringify([JSON.parse(SCHEMA)]), 'others see nothing of it')
  t.end()
})

t.test('so do the inputs of earlier tool calls', t => {
  const block = `{"type":"tool_use","id":"a","name":"f","input":${SCHEMA}}`
  const { messages } = read(`{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"text","text":"y"},${block}]}]}`) as { messages: unknown[] }
  t.equal(toExactJson(messages[1]), `{"role":"assistant","content":[{"type":"text","text":"y"},${block.replace('1.0', '1')}]}`)
  t.doesNotThrow(() => keepDigits({ messages: [null, 5, { content: 'x' }, { content: [null, { type: 'text', input: 2 ** 60 }] }] }, () => { throw new Error('it was asked for') }))
  t.end()
})

t.test('copies keep them', t => {
  const { tools } = read(`{"tools":${SCHEMA}}`) as { tools: object }
  t.equal(toExactJson({ ...tools, title: 'x' }), `${WRITTEN.slice(0, -1)},"title":"x"}`)
  const copy = JSON.parse(SCHEMA) as object
  copyDigits(tools, copy)
  t.match(toExactJson(copy), '"maximum":18446744073709551615')
  copyDigits({}, copy)
  t.match(toExactJson(copy), '"maximum":18446744073709551615', 'where there are some')
  t.match(toExactJson({ ...tools, maximum: 'x' }), '"maximum":"x"', 'but for what is no number any more')
  t.end()
})

t.test('a body without such numbers is not read again', t => {
  const never = () => { throw new Error('it was asked for') }
  for (const body of [null, 5, [2 ** 60], {}, { seed: 2 ** 53 - 1, tools: [{ maximum: 1.5 }], other: 2 ** 60 }]) t.doesNotThrow(() => keepDigits(body, never))
  t.equal(toExactJson({ a: [1, 'é', null] }), '{"a":[1,"é",null]}')
  t.equal(digitsOf({ seed: 1 }, 'seed'), undefined)
  t.equal(digitsOf(read('{"seed":1e30}'), 'seed'), undefined, 'one that was not written digit by digit')
  t.end()
})
