import { readFileSync } from 'node:fs'
import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { TSchema } from '@sinclair/typebox'
import t from 'tap'
import { CountTokensRequest, MessagesRequest } from '../src/surfaces/anthropic/messages/request.ts'
import { ChatCompletionRequest } from '../src/surfaces/openai/chat-completions/request.ts'
import { CompletionRequest } from '../src/surfaces/openai/completions/request.ts'
import { EmbeddingRequest } from '../src/surfaces/openai/embeddings/request.ts'
import { ResponseRequest } from '../src/surfaces/openai/responses/request.ts'
import { LLAMA, post, saying, startProxy, toChunks, type Proxy } from './servers/start-proxy.ts'

interface Response {
  content?: Record<string, { schema: { $ref?: string } }>
}

interface Operation {
  operationId: string
  summary: string
  tags: string[]
  parameters?: Array<{ name: string, in: string }>
  responses: Record<string, { $ref: string }>
}

interface Document {
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, object>, responses: Record<string, Response> }
}

/** The build has written it. */
const document: Document = JSON.parse(readFileSync(new URL('../dist/openapi.json', import.meta.url), 'utf8'))
const operations = Object.entries(document.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, ...operation })))

const BGE = '@cf/baai/bge-base-en-v1.5'

t.test('it is an OpenAPI document', async t => {
  const { valid, errors } = await new Validator().validate(JSON.parse(JSON.stringify(document)))
  t.ok(valid, JSON.stringify(errors)?.slice(0, 2_000))
  const ids = operations.map(({ operationId }) => operationId)
  t.equal(new Set(ids).size, ids.length, 'no two operations have one id')
  for (const { name, operationId, summary, tags, responses } of operations) {
    t.match(operationId, /^[a-z]\w+$/, name)
    t.ok(summary && tags[0] && responses['200'], name)
  }
  for (const [ref] of JSON.stringify(document).matchAll(/"#\/[^"]+"/g)) {
    const target = ref.slice(3, -1).split('/').reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], document)
    if (target === undefined) t.fail(`${ref} leads nowhere`)
  }
  t.notMatch(JSON.stringify(document), /\/(?:root|home|work|tmp)\//, 'it says nothing of the machine that built it')
})

t.test('it has every route that is served, and no other one', async t => {
  const served = new Set<string>()
  await startProxy(t, {}, {}, {
    beforeRoutes: async app => {
      app.addHook('onRoute', ({ method, url, config }) => {
        const name = `${method} ${url.replace(/\/\*$/, '/:id').replace('/resp_:rest', '/:response_id').replaceAll(/:(\w+)/g, '{$1}')}`
        // Pages are for people. Fastify adds HEAD to whatever has GET.
        if (method !== 'HEAD' && (config?.isPageFile !== true || url === '/openapi.json')) served.add(name)
      })
    }
  })
  t.ok(served.size > 50)
  t.strictSame(operations.map(({ name }) => name).filter(name => !served.has(name)), [], 'nothing is described that is not served')
  t.strictSame([...served].filter(name => !operations.some(operation => operation.name === name)), [], 'all that is served has a row in .ci/openapi/operations.mjs')
})

t.test('bodies are described by the schemas that they are validated by', t => {
  const schemas: Record<string, TSchema> = { ChatCompletionRequest, CompletionRequest, EmbeddingRequest, ResponseRequest, MessagesRequest, CountTokensRequest }
  for (const [name, schema] of Object.entries(schemas)) t.strictSame(document.components.schemas[name], JSON.parse(JSON.stringify(schema)), name)
  t.end()
})

t.test('what is answered is as it says', async t => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: false })
  ajv.addSchema(document, 'document')
  const schemaOf = (name: string, status: string, type: string) => {
    const ref = operations.find(operation => operation.name === name)?.responses[status]?.$ref.split('/').at(-1) ?? ''
    const schema = document.components.responses[ref]?.content?.[type]?.schema
    if (schema === undefined) throw new Error(`${name} describes no ${status} of ${type}`)
    return JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"document#/'))
  }
  const check = (name: string, body: unknown, status = '200', type = 'application/json') => {
    const validate = ajv.compile(schemaOf(name, status, type))
    t.ok(validate(body), `${name} ${status}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(body).slice(0, 300)}`)
  }
  const proxy = await startProxy(t)
  const tools = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } } }]
  const said = { model: LLAMA, input: 'say hi' }
  const posts: Array<[path: string, body: object]> = [
    ['/v1/chat/completions', saying('think hm then say hi')],
    ['/v1/chat/completions', saying('call tool weather with {"city":"Rome"}', { tools })],
    ['/openai/v1/chat/completions', saying('say hi', { logprobs: true, top_logprobs: 2 })],
    ['/v1/completions', { model: LLAMA, prompt: 'say hi', echo: true }],
    ['/v1/embeddings', { model: BGE, input: ['a', 'b'] }],
    ['/v1/embeddings', { model: BGE, input: 'a', encoding_format: 'base64' }],
    ['/v1/responses', said],
    ['/v1/responses', { ...said, input: 'call tool weather with {"city":"Rome"}', tools: tools.map(tool => ({ type: 'function', ...tool.function })), tool_choice: 'auto' }],
    ['/v1/responses/compact', said],
    ['/v1/messages', { ...saying('think hm then say hi'), max_tokens: 100 }],
    ['/v1/messages/count_tokens', saying('say hi')]
  ]
  for (const [path, body] of posts) check(`POST ${path}`, await (await post(proxy, path, body)).json())
  const dryRun = await (await post(proxy, '/v1/chat/completions', saying('say hi', { top_k: 1_000 }), { headers: { 'x-dry-run': 'true' } })).json()
  t.ok(ajv.compile({ $ref: 'document#/components/schemas/DryRun' })(dryRun))
  for (const [path, body, name] of [['/v1/chat/completions', saying('say hi'), 'ChatCompletionChunk'], ['/v1/completions', { model: LLAMA, prompt: 'say hi' }, 'Completion']] as const) {
    const chunks = toChunks(await (await post(proxy, path, { ...body, stream: true, stream_options: { include_usage: true } })).text())
    t.ok(chunks.length > 2)
    for (const chunk of chunks.slice(0, -1)) check(`POST ${path}`, chunk, '200', 'text/event-stream')
    t.equal(chunks.at(-1), '[DONE]')
    t.match(schemaOf(`POST ${path}`, '200', 'text/event-stream'), { $ref: new RegExp(`/${name}$`) })
  }
  const { id } = await (await post(proxy, '/v1/responses', said)).json() as { id: string }
  const anthropic = { 'anthropic-version': '2023-06-01' }
  const gets: Array<[path: string, name: string, headers?: Record<string, string>]> = [
    [`/v1/responses/${id}`, '/v1/responses/{response_id}'],
    [`/v1/responses/${id}/input_items`, '/v1/responses/{response_id}/input_items'],
    ['/v1/models', '/v1/models'], ['/v1/models', '/v1/models', anthropic], [`/v1/models/${LLAMA}`, '/v1/models/{id}'], [`/v1/models/${LLAMA}`, '/v1/models/{id}', anthropic],
    ['/usage', '/usage'], ['/v1/organization/usage/completions?start_time=1790000000&group_by=model', '/v1/organization/usage/completions'],
    ['/v1/organization/usage/embeddings?start_time=1790000000', '/v1/organization/usage/embeddings'], ['/v1/organization/costs?start_time=1790000000', '/v1/organization/costs'],
    ['/health', '/health'], ['/livez', '/livez'], ['/readyz?verbose', '/readyz'], ['/openapi.json', '/openapi.json']
  ]
  for (const [path, name, headers = {}] of gets) check(`GET ${name}`, await (await fetch(proxy.url + path, { headers })).json())
  check('DELETE /v1/responses/{response_id}', await (await fetch(`${proxy.url}/v1/responses/${id}`, { method: 'DELETE' })).json())
  t.match((await fetch(`${proxy.url}/metrics`)).headers.get('content-type'), 'text/plain; version=0.0.4')
  for (const path of ['/v1/chat/completions', '/v1/embeddings', '/v1/responses', '/v1/messages', '/v1/messages/count_tokens']) check(`POST ${path}`, await (await post(proxy, path, { model: 1 })).json(), '4XX')
  check('GET /usage', await (await fetch(`${proxy.url}/usage?date=x`)).json(), '4XX')
  t.ok((await served(proxy)).includes('ChatCompletionRequest'))
})

/** As it is served. */
async function served ({ url }: Proxy): Promise<string> {
  return (await fetch(`${url}/openapi.json`)).text()
}
