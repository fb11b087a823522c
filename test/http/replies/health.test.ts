import { EventEmitter } from 'node:events'
import fastify from 'fastify'
import t from 'tap'
import { ActiveRequests } from '../../../src/http/connections/active-requests.ts'
import { health } from '../../../src/http/replies/health.ts'

function build () {
  const app = fastify()
  const answers = new ActiveRequests(10)
  app.decorate('activeRequests', answers)
  health(app)
  return { app, answers }
}

t.test('it is well as soon as it answers', async t => {
  const { app } = build()
  for (const url of ['/health', '/livez']) {
    t.match(await app.inject(url), { statusCode: 200, body: '{"status":"ok"}' }, url)
    t.match(await app.inject({ method: 'HEAD', url }), { statusCode: 200, body: '' }, url)
  }
})

t.test('it is ready until it stops, but well all the time', async t => {
  const { app, answers } = build()
  t.match(await app.inject('/readyz'), { statusCode: 200, body: '{"status":"ready"}' })
  answers.isDraining = true
  t.match(await app.inject('/readyz'), { statusCode: 503, body: '{"status":"stopping"}' })
  t.match(await app.inject('/livez'), { statusCode: 200 })
})

t.test('it is not well after a bug that nobody caught', async t => {
  const { app, answers } = build()
  answers.isBroken = true
  for (const url of ['/health', '/livez']) t.match(await app.inject(url), { statusCode: 503, body: '{"status":"broken"}' }, url)
})

t.test('it counts the answers under way for those who ask', async t => {
  const { app, answers } = build()
  answers.open({ raw: new EventEmitter(), request: {} } as unknown as Parameters<ActiveRequests['open']>[0])
  t.match((await app.inject('/readyz?verbose')).json(), { status: 'ready', open_answers: 1, uptime_seconds: Number })
})
