import fastify from 'fastify'
import t, { type Test } from 'tap'
import { ActiveRequests } from '../../../src/http/connections/active-requests.ts'
import { toCall } from '../../../src/http/replies/call.ts'
import type { Call } from '../../../src/inference/call.ts'
import { RequestRecord } from '../../../src/inference/request-record.ts'

/** Hands what a request brings to `check`. */
async function receive (t: Test, headers: Record<string, string>, check: (call: Call) => void, { apiToken, max = 1 }: { apiToken?: string, max?: number } = {}): Promise<number> {
  const app = fastify()
  t.teardown(() => app.close())
  app.decorate('activeRequests', new ActiveRequests(max))
  for (const name of ['record', 'apiToken', 'caller', 'modelChange', 'heldMemory']) app.decorateRequest(name)
  app.addHook('onRequest', async request => {
    request.record = new RequestRecord()
    request.apiToken = apiToken
    request.caller = 'ann'
  })
  app.get('/', (request, reply) => {
    check(toCall(request, reply, { logContent: true }))
    return 'ok'
  })
  return (await app.inject({ url: '/', headers })).statusCode
}

t.test('a call brings what the headers say', async t => {
  await receive(t, {}, call => {
    t.match(call, { apiToken: undefined, tokenOwner: 'proxy', caller: 'ann', credential: '', isDryRun: false, simulatorWords: undefined, modelChange: undefined, observer: undefined })
    t.ok(call.record instanceof RequestRecord)
    t.equal(call.signal.aborted, false)
    t.ok(call.elapsedMs() >= 0)
    t.equal(call.toSessionAffinity('mine', []), 'mine')
    t.doesNotThrow(() => { call.holdMemory(1) }, 'nothing is counted where no body was read')
    t.doesNotThrow(() => { call.releaseMemory() })
  })
  await receive(t, { 'x-dry-run': 'true', 'x-simulator': 'fail', 'x-session-affinity': 'theirs' }, call => {
    t.match(call, { isDryRun: true, simulatorWords: 'fail' })
    t.equal(call.toSessionAffinity('mine', []), 'theirs')
  })
  await receive(t, { authorization: 'Bearer t1' }, call => {
    t.match(call, { apiToken: 't1', tokenOwner: 'caller', credential: /^[\w-]{43}$/ })
    t.notMatch(call.credential, 't1')
  }, { apiToken: 't1' })
})

t.test('a call counts as an answer that is under way', async t => {
  t.equal(await receive(t, {}, () => t.fail('there is no place'), { max: 0 }), 503)
})
