import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { CATALOGUE } from '../../../src/workers-ai/models/catalogue.ts'
import { WorkersAi } from '../../../src/workers-ai/transport/client.ts'
import type { Model, ModelId } from '../../../src/workers-ai/models/model.ts'
import { guessModel } from '../../../src/workers-ai/models/model-list.ts'
import { ModelSchemas } from '../../../src/workers-ai/models/model-schemas.ts'

const DAY_MS = 24 * 60 * 60_000
const GUESSED = guessModel('@cf/new/chat' as ModelId)
const OPENAI = { input: { properties: { messages: {}, max_completion_tokens: {} } } }
const GUIDED = { input: { properties: { messages: {}, guided_json: {} } } }

/** Schemas over a real connection to a Cloudflare whose answers can be changed, at a time that can be moved. */
async function world (t: Test, { answer, waitMs = 10_000 }: { answer: (response: ServerResponse) => unknown, waitMs?: number }) {
  const state = { time: 0, asked: [] as Array<string | undefined>, errors: [] as unknown[], answer }
  const server = createServer((request, response) => {
    state.asked.push(request.url)
    state.answer(response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const workersAi = new WorkersAi({
    apiBaseUrl: `http://127.0.0.1:${port}/client/v4`,
    accountId: 'account',
    apiToken: 'token',
    maxRetries: 0,
    headersTimeoutMs: 5_000,
    idleTimeoutMs: 5_000,
    userAgent: 'test'
  })
  t.teardown(async () => {
    await workersAi.close()
    server.close()
  })
  const schemas = new ModelSchemas({
    fetchSchema: id => workersAi.getJson('/ai/models/schema', { model: id }),
    now: () => state.time,
    waitMs,
    onError: error => state.errors.push(error)
  })
  return { state, family: async (id = '@cf/new/chat') => (await schemas.complete({ ...GUESSED, id: id as ModelId })).family.name, schemas }
}

function tell (result: unknown): (response: ServerResponse) => void {
  return response => { response.end(JSON.stringify({ success: true, errors: [], messages: [], result })) }
}

function refuse (response: ServerResponse): void {
  response.writeHead(400).end(JSON.stringify({ success: false, errors: [{ code: 5007, message: 'No such model @cf/new/chat or task' }], messages: [], result: null }))
}

/** Waits for what happens in the background. */
async function until (isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!await isSo()) await sleep(5)
}

t.test('a model the catalogue does not know gets the family its schema tells', async t => {
  const { schemas, state } = await world(t, { answer: tell(OPENAI) })
  const model = await schemas.complete(GUESSED)
  t.strictSame(state.asked, ['/client/v4/accounts/account/ai/models/schema?model=%40cf%2Fnew%2Fchat'])
  const { guessed: _, ...known } = GUESSED
  t.strictSame({ ...model, family: undefined }, { ...known, family: undefined }, 'and stays the same otherwise, but for being a guess')
  t.match(model.family, { name: 'openai', maxTokensName: 'max_completion_tokens', tools: 'native', thinking: { efforts: ['low', 'medium', 'high'] } })
  const unable = await schemas.complete({ ...GUESSED, guessed: 'family', tools: false, reasoning: false })
  t.match(unable.family, { name: 'openai', tools: 'prompt', thinking: { efforts: [] } }, 'without what the model is not said to be able to')
})

t.test('a schema does not take from a model what its maker\'s line is known for, nor give it more than old ones have', async t => {
  const { schemas, state } = await world(t, { answer: tell(OPENAI) })
  const gemma = await schemas.complete(guessModel('@cf/google/gemma-5-27b-it' as ModelId))
  t.match(gemma, { guessed: undefined, family: { name: 'gemma-4', thinking: { channel: 'reasoning' } } })
  state.answer = tell(GUIDED)
  t.match(await schemas.complete(guessModel('@cf/old/chat' as ModelId)), { tools: false, json: false, family: { name: 'guided', tools: 'prompt' } }, 'of one that nothing is listed of')
})

t.test('nobody asks for a model that is known, or that does not chat', async t => {
  const { schemas, state } = await world(t, { answer: tell(OPENAI) })
  const known = CATALOGUE.get('@cf/meta/llama-3.3-70b-instruct-fp8-fast') as Model
  const embedding: Model = { ...GUESSED, task: 'text-embeddings' }
  t.equal(await schemas.complete(known), known)
  t.equal(await schemas.complete(embedding), embedding)
  t.strictSame(state.asked, [])
})

t.test('callers at the same time share one question', async t => {
  const { state, family } = await world(t, { answer: response => { setTimeout(() => tell(GUIDED)(response), 30) } })
  t.strictSame(await Promise.all([family(), family(), family()]), ['guided', 'guided', 'guided'])
  t.equal(state.asked.length, 1)
})

t.test('a family is known for a day, and asked for again without waiting', async t => {
  const { state, family } = await world(t, { answer: tell(OPENAI) })
  await family()
  state.answer = tell(GUIDED)
  state.time = DAY_MS - 1
  t.equal(await family(), 'openai')
  t.equal(state.asked.length, 1)
  state.time = DAY_MS
  t.equal(await family(), 'openai', 'nobody waits')
  await until(() => state.asked.length === 2)
  await until(async () => await family() === 'guided')

  state.answer = refuse
  state.time = 2 * DAY_MS
  await family()
  await until(() => state.errors.length === 1)
  t.equal(await family(), 'guided', 'a failure does not undo it')
  t.equal(state.asked.length, 3)
})

t.test('a guess stands as long as no schema tells better, and it is asked again after ten minutes', async t => {
  const cases = [
    { name: 'a refusal', answer: refuse, errors: 1 },
    { name: 'an answer without a schema', answer: tell(null), errors: 0 },
    { name: 'a schema that cannot be read', answer: tell({ input: { properties: { text: {} } } }), errors: 0 },
    { name: 'no answer', answer: (response: ServerResponse) => response.destroy(), errors: 1 }
  ]
  for (const { name, answer, errors } of cases) {
    const { state, family } = await world(t, { answer })
    t.equal(await family(), GUESSED.family.name, name)
    t.equal(state.errors.length, errors, `${name} is ${errors > 0 ? '' : 'not '}reported`)
    state.time = 10 * 60_000 - 1
    await family()
    t.equal(state.asked.length, 1, 'it is not asked again at once')
    state.answer = tell(OPENAI)
    state.time = 10 * 60_000
    t.equal(await family(), 'openai', 'but after ten minutes')
  }
})

t.test('a model with a schema is known, whatever it does', async t => {
  const { state, schemas } = await world(t, { answer: tell({ input: { properties: { prompt: {}, steps: {} } } }) })
  t.equal(await schemas.knows('@cf/new/paints' as ModelId), true)
  state.answer = refuse
  t.equal(await schemas.knows('@cf/new/nothing' as ModelId), false)
  state.answer = tell(null)
  t.equal(await schemas.knows('@cf/new/silent' as ModelId), false)
  t.equal(state.asked.length, 3)
  t.equal(await schemas.knows('@cf/new/paints' as ModelId), true)
  t.equal(state.asked.length, 3, 'each is asked for once')
})

t.test('nobody waits long, and what comes late is not lost', async t => {
  const late: ServerResponse[] = []
  const { state, family } = await world(t, { answer: response => late.push(response), waitMs: 20 })
  t.equal(await family(), GUESSED.family.name)
  t.equal(await family(), GUESSED.family.name, 'and nobody else does')
  t.equal(state.asked.length, 1)
  tell(OPENAI)(late[0]!)
  await until(async () => await family() === 'openai')
  t.equal(state.asked.length, 1)
})

t.test('500 models are remembered', async t => {
  const { state, family } = await world(t, { answer: tell(OPENAI) })
  for (let count = 0; count <= 500; count++) await family(`@cf/new/model-${count}`)
  t.equal(state.asked.length, 501)
  await family('@cf/new/model-1')
  t.equal(state.asked.length, 501)
  await family('@cf/new/model-0')
  t.equal(state.asked.length, 502, 'the oldest is forgotten first')
})

t.test('any number of ids of no model push out nothing that is known', async t => {
  const { state, family } = await world(t, { answer: tell(OPENAI) })
  await family('@cf/new/known')
  state.answer = refuse
  await family('@cf/new/nothing-0')
  for (let count = 1; count <= 500; count++) await family(`@cf/new/nothing-${count}`)
  t.equal(await family('@cf/new/known'), 'openai')
  const asked = state.asked.length
  await family('@cf/new/nothing-500')
  t.equal(state.asked.length, asked, 'the latest of them are remembered as well')
  await family('@cf/new/nothing-0')
  t.equal(state.asked.length, asked + 1, 'the oldest are not')
})
