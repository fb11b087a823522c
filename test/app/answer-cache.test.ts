import t from 'tap'
import { toAnswerCache } from '../../src/app/answer-cache.ts'
import type { Redis } from '../../src/stores/redis/redis.ts'
import { ask, saying, startProxy } from '../servers/start-proxy.ts'

t.test('it is made where answers are to be kept, and elsewhere there is nothing of it', async t => {
  t.equal(await toAnswerCache({}), undefined)
  t.ok(await toAnswerCache({ answerCache: { ttlSeconds: 1, maxBytes: 1_000, isShared: false } }))
  t.ok(await toAnswerCache({ answerCache: { ttlSeconds: 1, maxBytes: 1_000, isShared: false } }, {} as Redis))
})

t.test('without the setting no answer is kept, and none says so', async t => {
  const proxy = await startProxy(t)
  for (let count = 0; count < 2; count++) t.equal((await ask(proxy, saying('say hi', { temperature: 0 }))).headers.get('x-proxy-cache'), null)
  t.equal(proxy.simulator.requests.length, 2)
  t.notMatch(proxy.log(), '"cache":')
})
