import fastify from 'fastify'
import t from 'tap'
import { BODY_SCHEMAS } from '../../../src/http/body/body-schemas.ts'

const schema = {
  type: 'object',
  required: ['count'],
  properties: {
    count: { type: 'integer', maximum: 5 },
    word: { type: ['string', 'null'], default: 'none' },
    part: {
      type: 'object',
      discriminator: { propertyName: 'type' },
      required: ['type'],
      oneOf: [
        { properties: { type: { const: 'text' }, text: { type: 'string' } }, required: ['text'] },
        { properties: { type: { const: 'image' } } }
      ]
    }
  }
}

const app = fastify({ schemaController: BODY_SCHEMAS })
app.post('/', { schema: { body: schema } }, async request => ({ body: request.body }))
app.post('/other', { schema: { body: { type: 'object', required: ['other'] } } }, async request => ({ body: request.body }))
t.teardown(() => app.close())

const taken: Array<{ name: string, body: object }> = [
  { name: 'a body that fits', body: { count: 1 } },
  { name: 'what no schema knows', body: { count: 1, extra: { deep: true } } },
  { name: 'null where it may be', body: { count: 1, word: null } },
  { name: 'one of several, told apart by its type', body: { count: 1, part: { type: 'text', text: 'a' } } }
]
for (const { name, body } of taken) {
  t.test(`${name} arrives as it was sent`, async t => {
    const answer = await app.inject({ method: 'POST', url: '/', payload: body })
    t.equal(answer.statusCode, 200)
    t.strictSame(answer.json(), { body })
  })
}

const refused: Array<{ name: string, body: object, message: string }> = [
  { name: 'a number in words is not made a number', body: { count: '1' }, message: 'body/count must be integer' },
  { name: 'beyond a range', body: { count: 6 }, message: 'body/count must be <= 5' },
  { name: 'a member that is missing', body: {}, message: "body must have required property 'count'" },
  { name: 'only what is wrong with the one that is meant is told', body: { count: 1, part: { type: 'text' } }, message: "body/part must have required property 'text'" }
]
for (const { name, body, message } of refused) {
  t.test(name, async t => {
    const answer = await app.inject({ method: 'POST', url: '/', payload: body })
    t.equal(answer.statusCode, 400)
    t.match(answer.json(), { message })
  })
}

t.test('each endpoint has its own schema, and what was wrong with one body says nothing of the next', async t => {
  t.equal((await app.inject({ method: 'POST', url: '/', payload: {} })).statusCode, 400)
  t.equal((await app.inject({ method: 'POST', url: '/other', payload: { other: 1 } })).statusCode, 200)
  t.equal((await app.inject({ method: 'POST', url: '/other', payload: { count: 1 } })).statusCode, 400)
  t.equal((await app.inject({ method: 'POST', url: '/', payload: { count: 1 } })).statusCode, 200)
})

t.test('a schema is compiled once, however many paths have it', async t => {
  let reads = 0
  const counted = Object.defineProperty({ type: 'object' }, 'required', { enumerable: true, get: () => { reads++; return ['count'] } })
  const app = fastify({ schemaController: BODY_SCHEMAS })
  t.teardown(() => app.close())
  for (const prefix of ['/a', '/b']) await app.register(async scope => { scope.post('/', { schema: { body: counted } }, async () => 'taken') }, { prefix })
  t.equal((await app.inject({ method: 'POST', url: '/a', payload: {} })).statusCode, 400)
  const readsOfOne = reads
  t.ok(readsOfOne > 0)
  t.equal((await app.inject({ method: 'POST', url: '/b', payload: { count: 1 } })).statusCode, 200)
  t.equal(reads, readsOfOne)
})

t.test('nothing about schemas is written to the console', async t => {
  const written = t.capture(console, 'warn')
  const fresh = fastify({ schemaController: BODY_SCHEMAS })
  t.teardown(() => fresh.close())
  const parts = { ...schema, properties: { ...schema.properties, fresh: { type: 'array', items: schema.properties.part } } }
  fresh.post('/', { schema: { body: parts } }, async () => ({}))
  t.equal((await fresh.inject({ method: 'POST', url: '/', payload: { count: 1, fresh: [{ type: 'text', text: 'a' }] } })).statusCode, 200)
  t.strictSame(written(), [])
})
