import t from 'tap'
import { countPromptTokens } from '../../src/inference/answer.ts'
import type { GenerationRequest } from '../../src/generation/request.ts'
import { RequestRecord } from '../../src/inference/request-record.ts'
import { Models } from '../../src/inference/models.ts'
import { ModelList } from '../../src/workers-ai/models/model-list.ts'
import { readSettings } from '../../src/settings/reader.ts'
import { KIMI, LLAMA } from '../servers/start-proxy.ts'

const { settings } = readSettings({ env: { UPSTREAM: 'simulator' }, readFile: () => '' })
const models = new Models(new ModelList({ fetchPage: async () => [], now: () => 0, onError: () => {} }), settings)
const count = (chat: Partial<GenerationRequest>, options: object = {}) =>
  countPromptTokens({ settings: { ...settings, ...options }, models }, { model: LLAMA, messages: [{ role: 'user', content: 'Hi' }], ...chat }, { record: new RequestRecord(), allowance: undefined })
const image = (url: string) => ({ messages: [{ role: 'user' as const, content: [{ type: 'image_url' as const, image_url: { url } }] }], model: KIMI })

t.test('everything that is sent counts, rather too much than too little', async t => {
  const { model, tokens } = await count({})
  t.equal(model.id, LLAMA)
  t.ok(tokens >= 5 && tokens < 20, String(tokens))
  const tool = { type: 'function' as const, function: { name: 'f', description: 'x'.repeat(350), parameters: { type: 'object' } } }
  t.ok((await count({ tools: [tool] })).tokens > tokens + 100, 'tools')
  t.ok((await count({ messages: [{ role: 'user', content: 'word '.repeat(700) }] })).tokens >= 1_000, 'text')
  t.ok((await count({ messages: [{ role: 'user', content: '漢'.repeat(700) }] })).tokens >= 650, 'text of three bytes a letter')
})

t.test('images count alike, and none is fetched', async t => {
  const inline = await count(image('data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA='))
  t.ok(inline.tokens > 1_500)
  const remote = await count(image('https://example.com/a.png'), { fetchRemoteImages: true })
  t.ok(Math.abs(remote.tokens - inline.tokens) < 10)
  await t.rejects(count(image('https://example.com/a.png')), { message: /base64 data URIs only/ }, 'where they would be refused, they are')
})

t.test('an unknown model is told', async t => {
  await t.rejects(count({ model: 'claude-x' }), { message: /does not exist/ })
})
