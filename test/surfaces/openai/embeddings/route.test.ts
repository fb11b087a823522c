import { readdirSync, readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import type { EmbeddingList } from '../../../../src/surfaces/openai/embeddings/wire.ts'
import { CATALOGUE } from '../../../../src/workers-ai/models/catalogue.ts'
import { waited } from '../../../servers/http-client.ts'
import { startRecordedUpstream, type Answer } from '../../../servers/recorded-upstream.ts'
import { faultsOf } from '../../../openai-schemas.ts'
import { LLAMA, post, startProxy, type AskOptions, type Proxy } from '../../../servers/start-proxy.ts'

const FOLDER = new URL('../../../fixtures/embeddings/', import.meta.url)
const BGE = '@cf/baai/bge-base-en-v1.5'
const QWEN = '@cf/qwen/qwen3-embedding-0.6b'
const GEMMA = '@cf/google/embeddinggemma-300m'

/** One `*.expected.json`: what a caller must be told for the native bytes beside it. */
interface Fixture {
  about: string
  model: string
  /** Of Cloudflare's answer; 200 when absent. */
  status?: number
  request: Record<string, unknown>
  expected: {
    /** The native body. */
    body?: Record<string, unknown>
    embeddings?: number[][]
    usage?: Record<string, unknown>
    warnings?: string | null
    error?: { status: number, type: string, code: string | null, param?: string, message?: string }
  }
}

function embed (proxy: Pick<Proxy, 'url'>, input: unknown, more: object = {}, options: AskOptions = {}): Promise<Response> {
  return post(proxy, '/v1/embeddings', { model: BGE, input, ...more }, options)
}

/** A list of embeddings, held against OpenAI's schema. */
async function readList (t: Test, response: Response): Promise<EmbeddingList> {
  t.equal(response.status, 200)
  const list = await response.json() as EmbeddingList
  t.strictSame(faultsOf('CreateEmbeddingResponse', list), [])
  t.strictSame(list.data.map(({ index }) => index), list.data.map((_, index) => index), 'every embedding has its place')
  return list
}

async function readError (t: Test, response: Response): Promise<object> {
  const body = await response.json() as { error: object }
  t.strictSame(faultsOf('ErrorResponse', body), [])
  return { status: response.status, ...body.error }
}

function toNumbers (base64: number[] | string | undefined): number[] {
  const bytes = Buffer.from(base64 as string, 'base64')
  return Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(4 * index))
}

t.test('every native answer is told as OpenAI would tell it', async t => {
  let current: Answer = { body: '' }
  const { url, runs } = await startRecordedUpstream(t, () => current)
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: url, MAX_RETRIES: '0' })
  const names = readdirSync(FOLDER).filter(file => file.endsWith('.expected.json')).map(file => file.replace('.expected.json', ''))
  t.ok(names.length > 15)
  for (const name of names) {
    const { about, model, status = 200, request, expected } = JSON.parse(readFileSync(new URL(`${name}.expected.json`, FOLDER), 'utf8')) as Fixture
    current = { status, body: readFileSync(new URL(`${name}.json`, FOLDER)) }
    const response = await post(proxy, '/v1/embeddings', { model, ...request })
    if (expected.error) {
      const { message = '', ...error } = expected.error
      const told = await readError(t, response) as { message: string }
      t.match(told, error, `${name}: ${about}`)
      t.ok(told.message.includes(message), `it says ${message}: ${told.message}`)
      continue
    }
    const list = await readList(t, response)
    t.strictSame(list.data.map(({ embedding }) => embedding), expected.embeddings, `${name}: ${about}`)
    t.equal(list.model, model)
    if (expected.body) t.strictSame(runs.at(-1)?.body, expected.body, 'the native body')
    if (expected.usage) t.strictSame(list.usage, expected.usage, 'usage')
    if (expected.warnings !== undefined) t.equal(response.headers.get('x-proxy-warnings'), expected.warnings)
  }
})

t.test('a usage of zeros is none', async t => {
  const { url } = await startRecordedUpstream(t, () => ({ body: JSON.stringify({ result: { data: [[1, 2]], shape: [1, 2], usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 } }, success: true }) }))
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: url })
  const response = await embed(proxy, 'a cat sat')
  t.equal(response.headers.get('x-proxy-warnings'), 'usage estimated')
  t.match(await response.json(), { usage: { prompt_tokens: 3 } })
})

t.test('every embedding model of the catalogue embeds', async t => {
  const proxy = await startProxy(t)
  const models = [...CATALOGUE.values()].filter(({ task }) => task === 'text-embeddings')
  for (const { id, dimensions } of models) {
    const response = await embed(proxy, ['a cat sat', 'a dog sat'], { model: id, dimensions })
    t.equal(response.headers.get('x-proxy-model'), id)
    t.equal(response.headers.get('x-proxy-warnings'), 'usage estimated')
    const { data } = await readList(t, response)
    t.strictSame(data.map(({ embedding }) => embedding.length), [dimensions, dimensions], id)
  }
})

t.test('many texts are embedded in calls of a hundred, and told in their order', async t => {
  const proxy = await startProxy(t)
  const input = Array.from({ length: 2_048 }, (_, index) => `text ${index}`)
  const model = '@cf/baai/bge-small-en-v1.5'
  const { data, usage } = await readList(t, await embed(proxy, input, { model, encoding_format: 'base64' }))
  t.equal(data.length, 2_048)
  t.equal(new Set(data.map(({ embedding }) => embedding)).size, 2_048)
  t.strictSame(proxy.simulator.requests.map(({ body }) => (body as { text: string[] }).text.length).sort((one, other) => one - other), [48, ...Array.from({ length: 20 }, () => 100)])
  for (const index of [0, 99, 100, 250, 2_047]) {
    const { data: [alone] } = await readList(t, await embed(proxy, input[index], { model, encoding_format: 'base64' }))
    t.equal(data[index]?.embedding, alone?.embedding, `the text in place ${index}`)
  }
  t.ok(usage.prompt_tokens > 2_048 && usage.total_tokens === usage.prompt_tokens)
  const response = await embed(proxy, input.slice(0, 250), { model })
  const [one] = proxy.simulator.requests.slice(-3)
  t.ok(one && Number(response.headers.get('cf-ai-neurons')) > 0, 'the bill of all calls')
})

t.test('either encoding has the same numbers', async t => {
  const proxy = await startProxy(t)
  const [usual, floats, base64] = await Promise.all([{}, { encoding_format: 'float' }, { encoding_format: 'base64' }].map(async more => readList(t, await embed(proxy, 'Hello', more))))
  t.strictSame(usual, floats)
  t.strictSame(toNumbers(base64?.data[0]?.embedding), (floats?.data[0]?.embedding as number[]).map(Math.fround))
})

t.test('fewer dimensions are the first ones, of length 1 again', async t => {
  const proxy = await startProxy(t)
  for (const [model, dimensions] of [[QWEN, 100], [GEMMA, 256]] as const) {
    const response = await embed(proxy, ['Hello'], { model, dimensions, encoding_format: 'base64' })
    t.equal(response.headers.get('x-proxy-warnings'), 'dimensions emulated, usage estimated')
    const numbers = toNumbers((await readList(t, response)).data[0]?.embedding)
    const whole = (await readList(t, await embed(proxy, 'Hello', { model }))).data[0]?.embedding as number[]
    t.equal(numbers.length, dimensions)
    t.ok(Math.abs(Math.hypot(...numbers) - 1) < 1e-6)
    const scale = (numbers[0] ?? 0) / (whole[0] ?? 1)
    t.ok(numbers.every((value, index) => Math.abs(value - (whole[index] ?? 0) * scale) < 1e-6), 'in the same direction')
  }
})

t.test('what nobody could answer is refused, and nobody is asked', async t => {
  const proxy = await startProxy(t)
  const cases: Array<{ name: string, input: unknown, more?: object, expected: object }> = [
    { name: 'nothing', input: undefined, expected: { param: 'input', code: 'missing_required_parameter' } },
    { name: 'an empty text', input: '', expected: { param: 'input', code: 'empty_string' } },
    { name: 'an empty text among others', input: ['a', '', 'b'], expected: { param: 'input[1]', code: 'empty_string' } },
    { name: 'an empty list', input: [], expected: { param: 'input', code: 'empty_array' } },
    { name: 'too many texts', input: Array.from({ length: 2_049 }, () => 'a'), expected: { param: 'input', code: 'array_above_max_length' } },
    { name: 'tokens', input: [1, 2, 3], expected: { param: 'input', code: 'unsupported_value', message: /Send text/ } },
    { name: 'lists of tokens', input: [[1, 2], [3]], expected: { param: 'input', code: 'unsupported_value', message: /Send text/ } },
    { name: 'an object', input: { text: 'a' }, expected: { param: 'input', code: 'invalid_type' } },
    { name: 'another encoding', input: 'a', more: { encoding_format: 'int8' }, expected: { param: 'encoding_format', code: 'invalid_value' } },
    { name: 'more dimensions than there are', input: 'a', more: { dimensions: 1_536 }, expected: { param: 'dimensions', code: 'integer_above_max_value' } },
    { name: 'fewer than the model is trained for', input: 'a', more: { dimensions: 256 }, expected: { param: 'dimensions', code: 'unsupported_value', message: /bge-base-en-v1\.5/ } },
    { name: 'no model', input: 'a', more: { model: null }, expected: { message: 'you must provide a model parameter', param: null } },
    { name: 'a chat model', input: 'a', more: { model: LLAMA }, expected: { param: 'model', code: 'unsupported_value', message: /is not an embedding model\. Those that are: @cf\/baai\/bge-small.*plamo/ } }
  ]
  for (const { name, input, more, expected } of cases) {
    t.match(await readError(t, await embed(proxy, input, more)), { status: 400, type: 'invalid_request_error', ...expected }, name)
  }
  t.match(await readError(t, await embed(proxy, 'a', { model: 'text-embedding-3-small' })), { status: 404, code: 'model_not_found' })
  t.strictSame(proxy.simulator.requests, [])
})

t.test('aliases, the default model and ids nobody knows', async t => {
  const proxy = await startProxy(t, { MODEL_ALIASES: `{"text-embedding-3-small":"${QWEN}"}`, DEFAULT_MODEL: 'bge-m3' })
  for (const [model, served] of [['text-embedding-3-small', QWEN], ['text-embedding-ada-002', '@cf/baai/bge-m3'], ['baai/bge-m3', '@cf/baai/bge-m3']] as const) {
    const response = await embed(proxy, 'a', { model })
    t.equal(response.headers.get('x-proxy-model'), served)
    t.equal((await readList(t, response)).model, model, 'the answer bears the name that was asked for')
  }
  const unknown = await embed(proxy, 'a', { model: '@cf/new/embedder' })
  t.match(await readError(t, unknown), { status: 404, code: 'model_not_found', message: /@cf\/baai\/bge-m3.*GET \/v1\/models/ }, 'Cloudflare is asked, and other embedding models are suggested')
  const { url } = await startRecordedUpstream(t, () => ({ body: '{"result":{"data":[[3,4]]}}' }))
  const other = await startProxy(t, { CLOUDFLARE_API_BASE_URL: url })
  const body = { model: '@cf/new/embedder' }
  t.match(await readList(t, await embed(other, 'a', { ...body, dimensions: 2 })), { data: [{ embedding: [3, 4] }] })
  t.match(await readError(t, await embed(other, 'a', { ...body, dimensions: 1 })), { status: 400, param: 'dimensions', code: 'unsupported_value' }, 'the answer tells how long its embeddings are')
})

t.test('failures are tried again and told as those of chats', async t => {
  const proxy = await startProxy(t, { MODEL_FALLBACKS: `{"${BGE}":["${QWEN}"]}`, MAX_RETRIES: '1' })
  const retried = await embed(proxy, ['fail 1 times with 503'])
  t.equal(retried.headers.get('x-proxy-attempts'), '2')
  await readList(t, retried)
  const cases = [
    { script: 'fail with code 3040', expected: { status: 429, code: 'rate_limit_exceeded' } },
    { script: 'fail with code 4006', expected: { status: 429, code: 'insufficient_quota' } },
    { script: 'fail with code 5028', expected: { status: 404, code: 'model_not_found', message: /@cf\/baai\/bge-m3/ } },
    { script: 'fail with code 10000', expected: { status: 401, code: 'upstream_authentication' } }
  ]
  for (const { script, expected } of cases) {
    const response = await embed(proxy, script)
    t.match(await readError(t, response), expected, script)
    t.equal(response.headers.get('x-proxy-attempts'), expected.code === 'rate_limit_exceeded' ? '2' : '1', `${script}: asked so often`)
  }
  t.ok(proxy.simulator.requests.every(({ model }) => model === BGE), 'no other model takes over: its vectors could not be compared')
})

t.test('what was changed is told, and what would be dropped can be refused', async t => {
  const proxy = await startProxy(t)
  const response = await embed(proxy, 'a', { user: 'u', pooling: 'cls' })
  t.equal(response.headers.get('x-proxy-warnings'), 'user dropped, usage estimated')
  t.match(proxy.simulator.requests[0]?.body, { text: ['a'], pooling: 'cls' })
  const strict = await startProxy(t, { UNSUPPORTED_PARAMS: 'reject' })
  t.match(await readError(t, await embed(strict, 'a', { user: 'u' })), { status: 400, param: 'user', code: 'unsupported_parameter' })
})

t.test('a dry run tells what would be sent first, and sends nothing', async t => {
  const proxy = await startProxy(t)
  const response = await embed(proxy, Array.from({ length: 101 }, (_, index) => `text ${index}`), { user: 'u' }, { headers: { 'x-dry-run': 'true' } })
  const { body, ...rest } = await response.json() as { body: { text: string[] } }
  t.match(rest, { object: 'workers_ai.dry_run', model: BGE, url: `/ai/run/${BGE}`, changes: [{ param: 'user', action: 'dropped' }] })
  t.equal(body.text.length, 100)
  t.strictSame(proxy.simulator.requests, [])
})

t.test('the log has one line, and not what was embedded', async t => {
  const proxy = await startProxy(t)
  await (await embed(proxy, ['text-0815', 'text-4711'])).text()
  await waited(() => proxy.lines().some(({ msg }) => msg === 'request'))
  t.match(proxy.lines().find(({ msg }) => msg === 'request'), { route: '/v1/embeddings', status: 200, model: BGE, served: BGE, stream: false, attempts: 1, promptTokens: 5, changes: 'usage estimated' })
  t.notMatch(proxy.log(), /text-0815/)
})

t.test('a client that leaves ends the calls, and makes room', async t => {
  const proxy = await startProxy(t, { MAX_STREAMS: '1' })
  const controller = new AbortController()
  const first = embed(proxy, ['stall', ...Array.from({ length: 99 }, () => 'a'), 'stall'], {}, { signal: controller.signal })
  await waited(() => proxy.simulator.requests.length === 2)
  t.equal((await embed(proxy, 'a')).status, 503)
  controller.abort()
  await t.rejects(first)
  await waited(() => proxy.simulator.requests.every(({ closedEarly }) => closedEarly))
  t.equal((await embed(proxy, 'a')).status, 200)
})

t.test('texts that are too long together for one call are divided, and told as if they were not', async t => {
  const isFull = (texts: string[]) => texts.reduce((sum, text) => sum + text.length / 2, 0) > 60_000
  const refusal = { status: 400, body: '{"errors":[{"message":"AiError: AiError: Max context reached 75100 tokens but model supports only 60000","code":3030}],"success":false,"result":{},"messages":[]}' }
  const { url, runs } = await startRecordedUpstream(t, ({ body }) => {
    const texts = body['text'] as string[]
    if (isFull(texts)) return refusal
    return { body: JSON.stringify({ result: { data: texts.map(text => [Number(text.slice(0, 3)), 1]), usage: { prompt_tokens: texts.length, total_tokens: texts.length } }, success: true }) }
  })
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: url })
  const input = Array.from({ length: 100 }, (_, index) => String(index).padStart(3, '0').padEnd(2_200, ' word'))
  for (const model of ['@cf/baai/bge-m3', QWEN]) {
    runs.length = 0
    const response = await embed(proxy, input, { model })
    const list = await readList(t, response)
    t.equal(response.headers.get('x-proxy-attempts'), String(runs.length), 'refused calls are counted, too')
    t.strictSame(list.data.map(({ embedding }) => (embedding as number[])[0]), input.map((_, index) => index), model)
    t.strictSame(list.usage, { prompt_tokens: 100, total_tokens: 100 }, 'what was billed for the vectors')
    t.ok(runs.length >= 3 && runs.length <= 7, `${runs.length} calls`)
  }
  runs.length = 0
  const refused = await embed(proxy, ['000', '0'.repeat(130_000)], { model: QWEN })
  t.match(await readError(t, refused), { status: 400, code: 'context_length_exceeded', param: 'input' })
  t.equal(refused.headers.get('x-proxy-attempts'), String(runs.length))
})
