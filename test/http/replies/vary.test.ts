import fastify from 'fastify'
import t from 'tap'
import { addVary } from '../../../src/http/replies/vary.ts'

t.test('what an answer depends on is told once, beside what was told before', async t => {
  const app = fastify()
  t.teardown(() => app.close())
  app.get('/', (_request, reply) => {
    reply.header('vary', 'Origin')
    addVary(reply, 'a')
    addVary(reply, 'a')
    return 'x'
  })
  app.get('/alone', (_request, reply) => {
    addVary(reply, 'a')
    return 'x'
  })
  t.equal((await app.inject('/')).headers['vary'], 'Origin, a')
  t.equal((await app.inject('/alone')).headers['vary'], 'a')
})
