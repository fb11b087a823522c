import fastify, { type FastifyInstance } from 'fastify'
import t from 'tap'
import { BodyMemory } from '../../../src/http/body/body-memory.ts'
import { readJsonBodies } from '../../../src/http/body/json-body.ts'
import { digitsOf, toExactJson } from '../../../src/json/exact-integers.ts'
import { keptMessagesJson } from '../../../src/json/messages-as-sent.ts'

const KINDS = {
  lists: (levels: number) => '['.repeat(levels) + ']'.repeat(levels),
  objects: (levels: number) => '{"a":'.repeat(levels) + '1' + '}'.repeat(levels)
}

/** Answers with what it has read. */
function newApp (): FastifyInstance {
  const app = fastify()
  app.post('/', async ({ body }) => ({ body }))
  return app
}

function post (app: FastifyInstance, payload: string | Buffer, type = 'application/json') {
  return app.inject({ method: 'POST', url: '/', headers: { 'content-type': type }, payload })
}

for (const [kind, nested] of Object.entries(KINDS)) {
  t.test(`${kind} are read 200 levels deep, and refused beyond`, async t => {
    const app = newApp()
    readJsonBodies(app, new BodyMemory(1e9))
    t.strictSame((await post(app, nested(200))).json(), { body: JSON.parse(nested(200)) as object })
    for (const levels of [201, 3_000]) t.match((await post(app, nested(levels))).json(), { message: /nested too deeply/ })
    t.match((await post(app, '{"constructor":1,"a":' + nested(200) + '}')).json(), { message: /nested too deeply/ }, 'with a suspicious name in it')
    t.match((await post(app, '\ufeff' + nested(201))).json(), { message: /nested too deeply/ }, 'with a byte order mark')
  })
}

t.test('other bodies are read as Fastify reads them', async t => {
  const ours = newApp()
  readJsonBodies(ours, new BodyMemory(1e9))
  const fastifys = newApp()
  const cases: Array<{ name: string, given: string | Buffer, status: number, type?: string }> = [
    { name: 'an object', given: '{"a":[1,null,"b",{"c":true}]}', status: 200 },
    { name: 'a number', given: '1', status: 200 },
    { name: 'null', given: 'null', status: 200 },
    { name: 'a byte order mark', given: '\ufeff{"a":1}', status: 200 },
    { name: 'letters beyond ASCII', given: '{"a":"süß → 😀"}', status: 200 },
    { name: 'bytes that are no UTF-8', given: Buffer.from([0x22, 0xff, 0x22]), status: 200 },
    { name: 'a charset', given: '{"a":1}', status: 200, type: 'application/json; charset=latin1' },
    { name: 'another type', given: '{"a":1}', status: 415, type: 'application/xml' },
    { name: 'nothing', given: '', status: 400 },
    { name: 'white space', given: ' ', status: 400 },
    { name: 'no JSON', given: '{"a":', status: 400 },
    { name: 'a poisoned prototype', given: '{"a":[{"__proto__":{"b":1}}]}', status: 400 },
    { name: 'one that is written with an escape', given: '{"\\u005f_proto__":1}', status: 400 },
    { name: 'one that is nested too deeply to be found at first', given: '{"a":'.repeat(300) + '{"__proto__":1}' + '}'.repeat(300), status: 400 },
    { name: 'a poisoned constructor', given: '{"constructor":{"prototype":{"b":1}}}', status: 400 },
    { name: 'a constructor of another kind', given: '{"a":{"constructor":{"b":1}}}', status: 200 },
    { name: 'text about poison', given: '{"a":"\\"__proto__\\": 1"}', status: 200 }
  ]
  for (const { name, given, status, type } of cases) {
    const [one, other] = [await post(ours, given, type), await post(fastifys, given, type)]
    t.equal(one.statusCode, status, name)
    t.strictSame([one.statusCode, one.body, one.headers['connection']], [other.statusCode, other.body, other.headers['connection']], name)
  }
})

t.test('the JSON of a long history is kept, to be sent on', async t => {
  const app = fastify()
  readJsonBodies(app, new BodyMemory(1e9))
  app.post<{ Body: { messages: object[] } }>('/', async ({ body: { messages } }) => keptMessagesJson(messages)?.json[0] ?? 'nothing')
  const messages = [{ role: 'user', content: 'süß → 😀\n'.repeat(10_000) }]
  t.equal((await post(app, JSON.stringify({ messages, model: 'm' }))).body, JSON.stringify(messages))
  t.equal((await post(app, JSON.stringify({ messages: [], model: 'm' }))).body, 'nothing')
})

t.test('whole numbers that JavaScript rounds keep their digits in what is sent on', async t => {
  const app = fastify()
  readJsonBodies(app, new BodyMemory(1e9))
  app.post('/', async ({ body }) => ({ seed: String(digitsOf(body as object, 'seed')), tools: toExactJson((body as { tools: unknown }).tools) }))
  const tools = '[{"maximum":9223372036854775807,"enum":[9007199254740993]}]'
  for (const content of ['hi', 'x'.repeat(50_000)]) {
    const { body } = await post(app, `{"model":"m","messages":[{"role":"user","content":"${content}"}],"seed":9223372036854775807,"tools":${tools}}`)
    t.strictSame(JSON.parse(body), { seed: '9223372036854775807', tools }, `${content.length} letters`)
  }
})
