import t from 'tap'
import { answerPrompts } from '../../src/inference/prompts.ts'
import type { Services } from '../../src/inference/answer.ts'
import { Models } from '../../src/inference/models.ts'
import { readSettings } from '../../src/settings/reader.ts'
import { ModelList } from '../../src/workers-ai/models/model-list.ts'
import { quietCall } from './quiet-call.ts'

const { settings } = readSettings({ env: { UPSTREAM: 'simulator' }, readFile: () => '' })
const models = new Models(new ModelList({ fetchPage: async () => { throw new Error('not listed') }, now: () => 0 }), settings)
const model = '@cf/meta/llama-3.3-70b-instruct-fp8-fast'

/** Services whose upstream answers every run with a text. */
const services = {
  settings,
  models,
  remoteImages: {},
  keepAliveMs: 15_000,
  workersAi: {
    run: async () => ({ status: 200, headers: { 'cf-ai-neurons': '2' }, attempts: 1, isStream: false, json: { response: 'and on', usage: { prompt_tokens: 1, completion_tokens: 2 } }, text: '{}', redact: (text: string) => text })
  }
} as unknown as Services

t.test('prompts are gone on with, without a server', async t => {
  const call = quietCall()
  const answer = await answerPrompts(services, { model, prompt: ['One', 'Two'], n: 2 }, call)
  t.equal(answer.kind, 'answer')
  if (answer.kind !== 'answer') return
  t.strictSame(answer.prompts, ['One', 'Two'])
  t.equal(answer.generations.choices.length, 4)
  t.match(answer.headers, { 'x-proxy-model': model, 'x-proxy-attempts': '0', 'cf-ai-neurons': '8' })
  t.match(call.record, { kind: 'answer', model, servedModel: model, stream: false, upstreamStatus: 200, neurons: 8 })
})

t.test('a dry run tells what would be sent', async t => {
  const call = { ...quietCall(), isDryRun: true }
  const answer = await answerPrompts(services, { model, prompt: 'One' }, call)
  t.match(answer, { kind: 'dry-run', body: { model, body: { prompt: 'One' } } })
  t.match(call.record, { kind: 'dry-run', neurons: undefined })
})

t.test('a prompt is needed', async t => {
  await t.rejects(answerPrompts(services, { model }, quietCall()), { param: 'prompt', code: 'missing_required_parameter' })
})
