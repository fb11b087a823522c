import t from 'tap'
import type { GenerationRequest } from '../../src/generation/request.ts'
import { loadCheckers } from '../../src/json/json-schema.ts'
import { toDryRun, toDryRunOf } from '../../src/inference/dry-run.ts'
import { toExactJson } from '../../src/json/exact-integers.ts'
import { toRunRequest } from '../../src/workers-ai/request/run-request.ts'
import { modelOf } from '../workers-ai/request/model-of.ts'

await loadCheckers()

const CLASSIC = modelOf('classic-2025')

function told (request: Partial<GenerationRequest> & Record<string, unknown>, stream: boolean) {
  const run = toRunRequest({ model: 'm', messages: [{ role: 'user', content: 'hi' }], ...request }, CLASSIC, { defaultMaxTokens: 100, maxChoices: 1, unsupportedParams: 'warn', emulateTools: true, rejectIfBusy: false })
  return toDryRun(run, CLASSIC.id, stream)
}

t.test('a dry run tells what would be sent', t => {
  t.strictSame(told({ user: 'u-1' }, true), {
    object: 'workers_ai.dry_run',
    model: CLASSIC.id,
    url: `/ai/run/${CLASSIC.id}`,
    body: { messages: [{ role: 'user', content: 'hi' }], max_tokens: 100, stream: true },
    changes: [{ param: 'user', action: 'dropped', from: 'u-1', reason: 'Workers AI does not take it' }]
  })
  t.notMatch(told({}, false).body, { stream: true }, 'no stream where none is asked for')
  t.notMatch(told({ response_format: { type: 'json_object' } }, true).body, { stream: true }, 'and none where the model would refuse it')
  t.end()
})

t.test('whole numbers are told as they are sent', t => {
  const native = '{"seed":9007199254740993,"tools":[{"maximum":12345678901234567890}],"guided_json":{"minimum":-9223372036854775808}}'
  t.match(toExactJson(toDryRunOf('@cf/a/b', native, [])), `"body":${native}`)
  t.end()
})

t.test('any native body can be told', t => {
  const changes = [{ param: 'user', action: 'dropped' as const, reason: 'r' }]
  t.strictSame(toDryRunOf('@cf/a/b', '{"text":["a"]}', changes), { object: 'workers_ai.dry_run', model: '@cf/a/b', url: '/ai/run/@cf/a/b', body: { text: ['a'] }, changes })
  t.end()
})
