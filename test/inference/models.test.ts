import t from 'tap'
import { Models } from '../../src/inference/models.ts'
import type { ModelId } from '../../src/workers-ai/models/model.ts'
import { ModelList, toPlainest } from '../../src/workers-ai/models/model-list.ts'
import { ModelSchemas } from '../../src/workers-ai/models/model-schemas.ts'
import { askRaw } from '../servers/http-client.ts'
import { API_TOKEN, ask, GLM, LLAMA, saying, startProxy, type Proxy } from '../servers/start-proxy.ts'

const SETTINGS = { modelAliases: {}, retiredModels: 'replace' } as const

interface ModelRow { id: string, object: string, owned_by: string, root?: string }

async function list ({ url }: Proxy, path = '/v1/models'): Promise<ModelRow[]> {
  const response = await fetch(url + path)
  return (await response.json() as { data: ModelRow[] }).data
}

t.test('the list has every model that can be called, and the aliases', async t => {
  const proxy = await startProxy(t, { MODEL_ALIASES: `{"gpt-4o":"${LLAMA}"}` })
  const rows = await list(proxy)
  t.match(rows.find(({ id }) => id === LLAMA), { object: 'model', owned_by: 'meta', capabilities: { tools: true, vision: false }, context_length: 24_000 })
  t.match(rows.find(({ id }) => id === 'gpt-4o'), { object: 'model', owned_by: 'meta', root: LLAMA })
  t.equal(new Set(rows.map(({ id }) => id)).size, rows.length, 'each of them once')
  for (const path of ['/v1//models', '/v1/models/', '//v1/models', '/v1/models?limit=1']) {
    t.equal((await list(proxy, path)).length, rows.length, path)
  }
})

t.test('without Cloudflare the built-in list is served, and the log says so once', async t => {
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: 'http://127.0.0.1:9' })
  t.ok((await list(proxy)).some(({ id }) => id === LLAMA))
  await list(proxy)
  t.match(proxy.lines().filter(({ level }) => level === 40), [{ reason: /ECONNREFUSED/, msg: /did not list its models/ }])
  t.notMatch(proxy.log(), API_TOKEN)
})

t.test('one model, by any name it has', async t => {
  const proxy = await startProxy(t, { MODEL_ALIASES: `{"gpt-4o":"${LLAMA}","a/b c":"${LLAMA}"}` })
  const names = [
    LLAMA,
    encodeURIComponent(LLAMA),
    LLAMA.replaceAll('/', '%2F'),
    `${LLAMA}/`,
    'meta/llama-3.3-70b-instruct-fp8-fast',
    'llama-3.3-70b-instruct-fp8-fast',
    `workers-ai/${LLAMA}`,
    `cloudflare%2F${LLAMA}`,
    'gpt-4o',
    'a%2Fb%20c'
  ]
  for (const name of names) {
    const { status, body } = await askRaw(proxy, `/v1/models/${name}`)
    t.equal(status, 200, name)
    t.match(JSON.parse(body), { id: decodeURIComponent(name).replace(/\/$/, ''), object: 'model', owned_by: 'meta' }, name)
  }
})

t.test('an unknown name gets suggestions', async t => {
  const proxy = await startProxy(t)
  const message = async (model: string) => {
    const response = await ask(proxy, saying('say hi', { model }))
    t.equal(response.status, 404, model)
    return (await response.json() as { error: { message: string } }).error.message
  }
  t.match(await message('llama-3.3-70b-instruct-fp8-fats'), `Did you mean ${LLAMA}?`, 'a typing error')
  t.match(await message('meta/llama-3.3-70b'), `Did you mean ${LLAMA}?`, 'the beginning of a name')
  for (const model of ['gpt-4o', 'x'.repeat(3_000)]) t.notMatch(await message(model), 'Did you mean', model.slice(0, 10))
  t.match(JSON.parse((await askRaw(proxy, '/v1/models/llama-3.3-70b')).body), { error: { message: /Did you mean @cf\/meta\/llama-3\.3-70b/ } }, 'and so does a look-up')
})

t.test('a name that can mean no model is not found', async t => {
  const proxy = await startProxy(t)
  for (const name of ['gpt-4', 'x'.repeat(3_000), '@cf', '@cf/../../user/tokens', '@cf/meta/..%2F..%2Fx', '@cf/meta/%2e%2e', '..%2f..', '@cf/a/b%00', '@cf/a/b%3Fx', '__proto__', 'constructor', '%zz']) {
    const { status, body } = await askRaw(proxy, `/v1/models/${name}`)
    const { error } = JSON.parse(body)
    t.match({ status, error }, { status: 404, error: { type: 'invalid_request_error', code: 'model_not_found', param: null } }, name.slice(0, 40))
    t.ok(error.message.length < 400, 'long names are cut')
  }
})

t.test('what is asked of a model', async t => {
  const proxy = await startProxy(t, { MODEL_ALIASES: `{"gpt-4o":"${LLAMA}"}` })
  const cases = [
    { name: 'an alias is served by its model', model: 'gpt-4o', status: 200, served: LLAMA },
    { name: 'a bare name is served by the only model that bears it', model: 'glm-4.7-flash', status: 200, served: GLM },
    { name: 'an id nobody knows is taken at its word', model: '@cf/some/new-model', status: 404, code: 'model_not_found', calls: 1 },
    { name: 'a name nobody knows is refused here', model: 'gpt-4', status: 404, code: 'model_not_found', calls: 0 },
    { name: 'an id that would leave the path is refused here', model: '@cf/a/../../x', status: 404, code: 'model_not_found', calls: 0 },
    { name: 'an embedding model cannot chat', model: '@cf/baai/bge-m3', status: 400, code: 'unsupported_value', calls: 0 }
  ]
  for (const { name, model, status, served, code, calls } of cases) {
    const before = proxy.simulator.requests.length
    const response = await ask(proxy, saying('say hi', { model }))
    const answer = await response.json() as { model?: string, error?: { code: string } }
    t.equal(response.status, status, name)
    t.equal(proxy.simulator.requests.length - before, calls ?? 1, name)
    if (served !== undefined) {
      t.equal(response.headers.get('x-proxy-model'), served, `${name}, and the answer says so`)
      t.equal(answer.model, model, 'the answer bears the name that was asked for')
    } else {
      t.equal(answer.error?.code, code, name)
    }
  }
})

t.test('a model is found for what it is to do', async t => {
  const models = new Models(new ModelList({ fetchPage: async () => ({ result: [] }), now: () => 0 }), SETTINGS)
  t.match(await models.resolve('bge-m3', 'text-embeddings'), { id: '@cf/baai/bge-m3', task: 'text-embeddings' })
  t.match(await models.resolve('@cf/new/model', 'text-embeddings'), { id: '@cf/new/model', task: 'text-embeddings' }, 'an id nobody knows is taken at its word')
  t.match(await models.find('@cf/new/model'), { task: 'text-generation' })
  await t.rejects(models.resolve('bge-m3'), { status: 400, param: 'model', message: "The model '@cf/baai/bge-m3' is not a chat model. GET /v1/models lists those that are." })
  await t.rejects(models.resolve(LLAMA, 'text-embeddings'), { status: 400, param: 'model', message: /is not an embedding model\. Those that are: @cf\/baai\/bge-small-en-v1\.5, / })
  await t.rejects(models.resolve('clef', 'text-embeddings'), { status: 400, message: /clef' is not an embedding model/ }, 'nor is one that does neither')
})

t.test('what failed is no suggestion', t => {
  const models = new Models(new ModelList({ fetchPage: async () => ({ result: [] }), now: () => 0 }), SETTINGS)
  const [first, ...others] = models.suggestions(undefined)
  t.ok(others.length > 0)
  t.strictSame(models.suggestions(first), others)
  t.end()
})

t.test('a default model serves every name', async t => {
  const proxy = await startProxy(t, { DEFAULT_MODEL: 'glm-4.7-flash' })
  const response = await ask(proxy, saying('say hi', { model: 'gpt-4' }))
  t.equal(response.headers.get('x-proxy-model'), GLM)
  t.match(await response.json(), { model: 'gpt-4', choices: [{ message: { content: 'hi' } }] })
})

t.test('one model tells how a request to it is translated, and the list does not', async t => {
  const proxy = await startProxy(t, { MODEL_ALIASES: `{"gpt-4o":"${LLAMA}"}` })
  const { body } = await askRaw(proxy, '/v1/models/gpt-4o')
  t.match(JSON.parse(body), { id: 'gpt-4o', root: LLAMA, workers_ai: { family: 'classic-2025', max_tokens_name: 'max_tokens', tools: 'native' } })
  t.equal((await list(proxy)).some(row => 'workers_ai' in row), false)
})

t.test('a model nobody knows is what its schema says, else what it is guessed to be', async t => {
  const asked: string[] = []
  const schemas = new ModelSchemas({
    fetchSchema: async id => {
      asked.push(id)
      return { result: { input: { properties: { messages: {}, max_completion_tokens: {} } } } }
    },
    now: () => 0
  })
  const catalogue = new ModelList({ fetchPage: async () => ({ result: [] }), now: () => 0 })
  const settings = { ...SETTINGS, modelAliases: { new: '@cf/new/chat' } }
  const models = new Models(catalogue, settings, schemas)
  t.match(await models.resolve('new'), { id: '@cf/new/chat', family: { name: 'openai' } })
  t.match(await models.find('@cf/new/chat'), { family: { name: 'openai' } })
  t.match(await models.resolve(LLAMA), { family: { name: 'classic-2025' } })
  t.strictSame(asked, ['@cf/new/chat'], 'asked once, and not for what is known')
  t.match(await new Models(catalogue, settings).resolve('new'), { guessed: 'everything', family: { name: 'openai' } }, 'without schemas it is guessed')
})

t.test('a model that was only taken plainly is known to be plain, for an hour', async t => {
  const catalogue = new ModelList({ fetchPage: async () => ({ result: [] }), now: () => 0 })
  let now = 1
  const models = new Models(catalogue, SETTINGS, undefined, undefined, () => now)
  const guessed = await models.resolve('@cf/new/chat')
  const isPlain = async () => !(await models.resolve('@cf/new/chat')).tools
  models.rememberPlain(toPlainest(guessed))
  t.equal(await isPlain(), true)
  for (let count = 0; count < 1_000; count++) models.rememberPlain({ ...guessed, id: `@cf/new/chat-${count}` as ModelId })
  t.equal(await isPlain(), false, 'a thousand are remembered at the most')
  models.rememberPlain(toPlainest(guessed))
  now += 3_600_001
  t.equal(await isPlain(), false, 'nor for longer')
  models.rememberPlain({ ...toPlainest(guessed), id: LLAMA as ModelId })
  t.match(await models.resolve(LLAMA), { tools: true, family: { tools: 'native' } }, 'the catalogue knows better')
})

t.test('models whose last day has passed are not listed, and still found', async t => {
  const past = '2026-05-30'
  const searchResult = { result: [{ name: '@cf/meta/llama-2-7b-chat-int8', past }, { name: '@cf/new/chat', past: '2999-01-01' }, { name: LLAMA }].map(({ name, past }) => ({ name, task: { name: 'Text Generation' }, properties: past === undefined ? [] : [{ property_id: 'planned_deprecation_date', value: past }] })) }
  const catalogues = { built_in: new ModelList({ fetchPage: async () => { throw new Error('not allowed') }, now: () => 0 }), live: new ModelList({ fetchPage: async () => searchResult, now: () => 0 }) }
  for (const [name, catalogue] of Object.entries(catalogues)) {
    const models = new Models(catalogue, SETTINGS)
    const listed = await models.listed()
    t.ok(listed.some(({ model: { id } }) => id === LLAMA), name)
    t.strictSame(listed.filter(({ model: { retirement = '9' } }) => retirement <= past), [], name)
    t.match(await models.resolve('@cf/meta/llama-2-7b-chat-int8'), { retirement: past }, `${name}: it is still found`)
  }
  t.ok((await new Models(catalogues.live, SETTINGS).listed()).some(({ model: { id } }) => id === '@cf/new/chat'), 'one that will be retired is listed')
  const proxy = await startProxy(t)
  const rows = await list(proxy)
  t.ok(rows.length > 30)
  t.strictSame(rows.filter(row => String((row as { shutdown_date?: string }).shutdown_date ?? '9') < '2026-11'), [])
  for (const [id, successor] of [['@cf/meta/llama-3-8b-instruct', '@cf/meta/llama-3.1-8b-instruct-fp8-fast'], ['@cf/microsoft/phi-2', null]] as const) {
    const { status, body } = await askRaw(proxy, `/v1/models/${id}`)
    t.equal(status, 200)
    t.match(JSON.parse(body), { id, shutdown_date: past, retired: true, successor })
  }
})

t.test('an id that nobody knows is not found, though a chat may try it', async t => {
  const proxy = await startProxy(t)
  const { status, body } = await askRaw(proxy, '/v1/models/@cf/some/new-model')
  t.match({ status, body: JSON.parse(body) }, { status: 404, body: { error: { type: 'invalid_request_error', code: 'model_not_found' } } })
  await ask(proxy, saying('say hi', { model: '@cf/some/new-model' }))
  t.equal(proxy.simulator.requests.length, 1)
  const silent = await startProxy(t, { CLOUDFLARE_API_BASE_URL: 'http://127.0.0.1:9' })
  t.equal((await askRaw(silent, '/v1/models/@cf/some/new-model')).status, 404, 'nor without Cloudflare')
  t.equal((await askRaw(silent, `/v1/models/${LLAMA}`)).status, 200, 'where the catalogue is enough')
})

t.test('an id is known by the live list, by the catalogue or by its schema', async t => {
  const list = new ModelList({ fetchPage: async () => ({ result: [{ name: '@cf/new/listed', task: { name: 'Text Generation' } }] }), now: () => 0 })
  const inputs: Record<string, object> = { '@cf/new/chats': { properties: { messages: {} } }, '@cf/new/paints': { properties: { prompt: {}, steps: {} } } }
  const schemas = new ModelSchemas({ fetchSchema: async id => ({ result: inputs[id] ? { input: inputs[id] } : null }), now: () => 0 })
  const models = new Models(list, SETTINGS, schemas)
  const cases = [
    { given: '@cf/new/listed', expected: 'text-generation' },
    { given: '@cf/microsoft/phi-2', expected: 'text-generation' },
    { given: '@cf/new/chats', expected: 'text-generation' },
    { given: '@cf/new/paints', expected: 'other' },
    { given: '@cf/new/nothing', expected: undefined },
    { given: 'nothing', expected: undefined }
  ]
  for (const { given, expected } of cases) t.equal((await models.findKnown(given))?.task, expected, given)
  t.match(await models.resolve('@cf/new/nothing'), { guessed: 'everything' }, 'a chat may still try it')
})

t.test('an alias is listed where what it stands for can be run', async t => {
  const aliases = { short: 'llama-3.3-70b-instruct-fp8-fast', old: '@cf/meta/llama-3-8b-instruct', gone: '@cf/microsoft/phi-2', state: '@cf/cloudflare/clef', mistaken: '@cf/some/new-model', nothing: 'gpt-9' }
  const proxy = await startProxy(t, { MODEL_ALIASES: JSON.stringify(aliases) })
  const rows = (await list(proxy)).filter(({ id }) => id in aliases)
  t.match(rows, [{ id: 'short', root: LLAMA, owned_by: 'meta' }, { id: 'old', root: '@cf/meta/llama-3-8b-instruct', retired: true, successor: '@cf/meta/llama-3.1-8b-instruct-fp8-fast' }])
  t.equal(rows.length, 2)
  const silent = await startProxy(t, { MODEL_ALIASES: JSON.stringify(aliases) }, { mayList: false })
  t.strictSame((await list(silent)).filter(({ id }) => id in aliases).map(({ id }) => id), ['short', 'old', 'mistaken'], 'who may not list them cannot tell that there is no such model')
  t.equal((await askRaw(silent, '/v1/models/mistaken')).status, 200)
  const strict = await startProxy(t, { MODEL_ALIASES: JSON.stringify(aliases), RETIRED_MODELS: 'reject' })
  t.strictSame((await list(strict)).filter(({ id }) => id in aliases).map(({ id }) => id), ['short'])
})
