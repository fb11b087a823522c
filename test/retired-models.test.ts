import t from 'tap'
import { startSimulator } from '../src/simulator/server.ts'
import { readChatStream } from './streams/chat-stream.ts'
import { startBuiltServer } from './servers/built-server.ts'
import { ACCOUNT_ID, API_TOKEN, post, toChunks } from './servers/start-proxy.ts'

/** Models that were retired on 2026-05-30, and who answers in their place. */
const SUCCESSORS = {
  '@cf/meta/llama-3-8b-instruct': '@cf/meta/llama-3.1-8b-instruct-fp8-fast',
  '@cf/meta/llama-3.1-8b-instruct': '@cf/meta/llama-3.1-8b-instruct-fp8-fast',
  '@cf/meta/llama-3.1-8b-instruct-awq': '@cf/meta/llama-3.1-8b-instruct-fp8-fast',
  '@cf/meta/llama-3.1-70b-instruct': '@cf/meta/llama-3.1-70b-instruct-fp8-fast'
}

const weather = { type: 'function', function: { name: 'get_weather', description: 'The weather of a city', parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } } }
const schema = { type: 'object', properties: { answer: { type: 'string' } }, required: ['answer'], additionalProperties: false }

/** An answer as far as it is looked at: `stream` is the text of an event stream. */
interface Told { choices: Array<{ text?: string, message?: { content: string | null, tool_calls?: Array<{ function: { name: string, arguments: string } }> } }>, output: Array<{ content?: Array<{ text: string }> }> }

const chat = (text: string, more: object = {}) => ({ messages: [{ role: 'user', content: text }], ...more })
const contentOf = ({ choices }: Told) => choices[0]?.message?.content ?? ''

const WALK: Array<{ name: string, path: string, body: object, isRight: (answer: Told) => boolean, isRightStream: (stream: string) => boolean }> = [
  { name: 'a chat', path: '/v1/chat/completions', body: chat('say hi'), isRight: answer => contentOf(answer) === 'hi', isRightStream: stream => toContent(stream) === 'hi' },
  { name: 'two choices', path: '/v1/chat/completions', body: chat('say hi', { n: 2 }), isRight: ({ choices }) => choices.length === 2 && choices.every(({ message }) => message?.content === 'hi'), isRightStream: stream => toContent(stream) === 'hihi' },
  { name: 'tools', path: '/v1/chat/completions', body: chat('call tool get_weather with {"city":"Paris"}', { tools: [weather] }), isRight: ({ choices }) => choices[0]?.message?.tool_calls?.[0]?.function.name === 'get_weather', isRightStream: stream => /"name":"get_weather"/.test(stream) && /"finish_reason":"tool_calls"/.test(stream) },
  { name: 'an object', path: '/v1/chat/completions', body: chat('Answer in JSON.', { response_format: { type: 'json_object' } }), isRight: answer => isObject(contentOf(answer)), isRightStream: stream => isObject(toContent(stream)) },
  { name: 'a schema', path: '/v1/chat/completions', body: chat('Answer.', { response_format: { type: 'json_schema', json_schema: { name: 'reply', strict: true, schema } } }), isRight: answer => typeof JSON.parse(contentOf(answer)).answer === 'string', isRightStream: stream => typeof JSON.parse(toContent(stream)).answer === 'string' },
  { name: 'a prompt', path: '/v1/completions', body: { prompt: 'say hi' }, isRight: ({ choices }) => choices[0]?.text === 'hi', isRightStream: stream => toTexts(stream) === 'hi' },
  { name: 'a response', path: '/v1/responses', body: { input: 'say hi' }, isRight: ({ output }) => output.at(-1)?.content?.[0]?.text === 'hi', isRightStream: stream => stream.includes('"type":"response.completed"') && stream.includes('"text":"hi"') }
]

function toContent (stream: string): string {
  const { chunks, isDone, error } = readChatStream(stream)
  if (!isDone || error !== undefined) throw new Error(`no whole answer: ${stream}`)
  return chunks.flatMap(({ choices }) => choices).map(({ delta }) => delta.content ?? '').join('')
}

function toTexts (stream: string): string {
  return toChunks(stream).map(chunk => (chunk as Told).choices?.[0]?.text ?? '').join('')
}

function isObject (text: string): boolean {
  const value: unknown = JSON.parse(text)
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

t.test('in the simulator every one of them answers by itself', async t => {
  const server = await startBuiltServer(t)
  await Promise.all(Object.keys(SUCCESSORS).map(async model => {
    for (const { name, path, body, isRight, isRightStream } of WALK) {
      const plain = await post(server, path, { model, ...body })
      const answer = await plain.json() as Told
      t.ok(plain.status === 200 && isRight(answer), `${model}: ${name}: ${JSON.stringify(answer)}`)
      const streamed = await post(server, path, { model, ...body, stream: true })
      const stream = await streamed.text()
      t.ok(streamed.status === 200 && isRightStream(stream), `${model}: ${name}, streamed: ${stream}`)
      for (const { headers } of [plain, streamed]) t.equal(headers.get('x-proxy-model'), model)
    }
  }))
  const { data } = await (await fetch(`${server.url}/v1/models`)).json() as { data: Array<{ id: string }> }
  t.strictSame(data.filter(({ id }) => id in SUCCESSORS), [], 'and none is listed')
})

t.test('where Cloudflare has retired them their successors answer, and the answer says so', async t => {
  const cloudflare = await startSimulator({ accountId: ACCOUNT_ID, apiToken: API_TOKEN, retiredModels: 'refuse' })
  t.teardown(() => cloudflare.close())
  const server = await startBuiltServer(t, { CLOUDFLARE_API_BASE_URL: cloudflare.url })
  await Promise.all(Object.entries(SUCCESSORS).map(async ([model, successor]) => {
    const first = await post(server, '/v1/chat/completions', { model, ...chat('say hi') })
    t.equal(first.headers.get('x-proxy-attempts'), '2', 'the model by its own name first')
    await first.text()
    t.equal(cloudflare.requests.filter(asked => asked.model === model).length, 1)
    for (const { name, path, body, isRight, isRightStream } of WALK) {
      const plain = await post(server, path, { model, ...body })
      const answer = await plain.json() as Told
      t.ok(plain.status === 200 && isRight(answer), `${model}: ${name}: ${JSON.stringify(answer)}`)
      t.equal((answer as unknown as { model: string }).model, model, 'the answer bears the name that was asked for')
      const streamed = await post(server, path, { model, ...body, stream: true })
      const stream = await streamed.text()
      t.ok(streamed.status === 200 && isRightStream(stream), `${model}: ${name}, streamed: ${stream}`)
      for (const { headers } of [plain, streamed]) {
        t.equal(headers.get('x-proxy-model'), successor)
        t.match(headers.get('x-proxy-warnings'), /model replaced/)
      }
    }
    t.ok(cloudflare.requests.filter(asked => asked.model === model).length <= 1, `${model} was asked once`)
    const { status, body } = await fetch(`${server.url}/v1/models/${model}`).then(async response => ({ status: response.status, body: await response.json() }))
    t.match({ status, body }, { status: 200, body: { id: model, retired: true, successor, shutdown_date: '2026-05-30' } })
  }))
})
