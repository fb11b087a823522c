import fastify from 'fastify'
import t from 'tap'
import { writeExactly } from '../../../src/http/replies/exact-json.ts'
import { keepDigits } from '../../../src/json/exact-integers.ts'

t.test('an integer beyond what a number can hold is written as it was sent', async t => {
  const app = fastify()
  app.get('/', (_request, reply) => {
    const text = '{"seed":12345678901234567890}'
    const body: unknown = JSON.parse(text)
    keepDigits(body, () => text)
    return writeExactly(reply, body)
  })
  const { body, headers } = await app.inject('/')
  t.equal(body, '{"seed":12345678901234567890}')
  t.equal(headers['content-type'], 'application/json; charset=utf-8')
})
