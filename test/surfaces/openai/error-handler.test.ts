import { Readable } from 'node:stream'
import fastify from 'fastify'
import t from 'tap'
import { RequestRecord } from '../../../src/inference/request-record.ts'
import { InvalidRequestError, UpstreamError } from '../../../src/errors.ts'
import { ClientDisconnectedError } from '../../../src/generation/client-disconnected.ts'
import { errorHandler } from '../../../src/surfaces/openai/error-handler.ts'
import { exchange } from '../../servers/http-client.ts'
import { ask, saying, startProxy } from '../../servers/start-proxy.ts'

const NOT_JSON = /^We could not parse the JSON body of your request\./

t.test('what is thrown becomes OpenAI\'s error object', async t => {
  const cases = [
    {
      name: 'an error for the caller tells itself',
      thrown: new InvalidRequestError('No.', { param: 'n', code: 'c' }),
      status: 400,
      expected: { message: 'No.', type: 'invalid_request_error', param: 'n', code: 'c' },
      logged: false
    },
    {
      name: 'an error of the upstream is translated',
      thrown: new UpstreamError('Slow.', { kind: 'timeout' }),
      status: 504,
      expected: { message: 'Slow.', type: 'server_error', param: null, code: 'upstream_timeout' },
      logged: false
    },
    {
      name: 'a retired model brings suggestions',
      thrown: new UpstreamError('Gone.', { kind: 'refused', status: 400, code: 5028 }),
      status: 404,
      expected: { message: 'Gone. (Workers AI 5028). Models that are served now: @cf/a/b. GET /v1/models lists all.', type: 'invalid_request_error', param: 'model', code: 'model_not_found' },
      logged: false
    },
    {
      name: 'a model of the paid plan brings models that are free',
      thrown: new UpstreamError('Paid.', { kind: 'refused', status: 403, code: 5035 }),
      status: 403,
      expected: { message: 'Paid. (Workers AI 5035). The account needs the Workers Paid plan for it. Models that run without it: @cf/a/b.', type: 'permission_error', param: null, code: null },
      logged: false
    },
    {
      name: 'a refusal of Fastify keeps only its status',
      thrown: Object.assign(new Error('FST speaks of /srv/app'), { statusCode: 406 }),
      status: 406,
      expected: { message: 'The request could not be read.', type: 'invalid_request_error', param: null, code: null },
      logged: false
    },
    {
      name: 'a bug tells the caller nothing, and the log all',
      thrown: new TypeError('cannot read x of /srv/app'),
      status: 500,
      expected: { message: 'The server had an error while processing your request. Sorry about that!', type: 'server_error', param: null, code: null },
      logged: true
    }
  ]
  for (const { name, thrown, status, expected, logged } of cases) {
    const lines: string[] = []
    const app = fastify({ logger: { level: 'error', stream: { write: line => lines.push(line) } } })
    app.decorateRequest('record')
    app.addHook('onRequest', async request => { request.record = Object.assign(new RequestRecord(), { servedModel: '@cf/failed/one' }) })
    app.setErrorHandler(errorHandler({ suggestions: failed => ['@cf/failed/one', '@cf/a/b'].filter(id => id !== failed) }, () => new Date(0)))
    app.get('/', () => { throw thrown })
    const response = await app.inject('/')
    t.equal(response.statusCode, status, name)
    t.strictSame(response.json(), { error: expected }, name)
    t.equal(lines.join('').includes('at '), logged, `${name}: ${logged ? 'logged with its stack' : 'not logged as an error'}`)
  }
})

t.test('a failure is told in the words of its route', async t => {
  const app = fastify()
  app.decorateRequest('record')
  app.addHook('onRequest', async request => { request.record = new RequestRecord() })
  app.setErrorHandler(errorHandler({ suggestions: (_failed, task) => [task ?? 'chat'] }, () => new Date(0)))
  const config = { inputParam: 'input', task: 'text-embeddings' as const }
  app.get('/long', { config }, () => { throw new UpstreamError('too long', { kind: 'refused', status: 413, code: 5021 }) })
  app.get('/gone', { config }, () => { throw new UpstreamError('gone', { kind: 'refused', status: 400, code: 5028 }) })
  app.get('/chat', () => { throw new UpstreamError('too long', { kind: 'refused', status: 413, code: 5021 }) })
  t.match((await app.inject('/long')).json(), { error: { code: 'context_length_exceeded', param: 'input' } }, 'by the name its input has')
  t.match((await app.inject('/gone')).json(), { error: { code: 'model_not_found', param: 'model', message: /: text-embeddings\./ } }, 'with models for its task')
  t.match((await app.inject('/chat')).json(), { error: { param: 'messages' } })
})

t.test('nobody is told when the client has left', async t => {
  const app = fastify()
  app.setErrorHandler(errorHandler({ suggestions: () => [] }, () => new Date(0)))
  app.get('/', (_request, reply) => {
    setTimeout(() => reply.raw.end('untouched'), 10)
    throw new ClientDisconnectedError()
  })
  t.equal((await app.inject('/')).body, 'untouched')
})

t.test('bodies that cannot be taken', async t => {
  const proxy = await startProxy(t, { BODY_LIMIT_BYTES: '2000' })
  const json = { 'content-type': 'application/json' }
  const long = JSON.stringify(saying('x'.repeat(2000)))
  const cases: Array<{ name: string, given: RequestInit, status: number, message: RegExp }> = [
    { name: 'what is no JSON', given: { headers: json, body: '{"model":' }, status: 400, message: NOT_JSON },
    { name: 'an empty body', given: { headers: json, body: '' }, status: 400, message: NOT_JSON },
    { name: 'no body', given: {}, status: 400, message: /got nothing instead/ },
    { name: 'a list', given: { headers: json, body: '[]' }, status: 400, message: /Expected an object, but got an array instead/ },
    { name: 'null', given: { headers: json, body: 'null' }, status: 400, message: /got null instead/ },
    { name: 'a string', given: { headers: json, body: '"x"' }, status: 400, message: /got a string instead/ },
    { name: 'what would poison a prototype', given: { headers: json, body: '{"__proto__":{"model":"x"}}' }, status: 400, message: NOT_JSON },
    { name: 'plain text', given: { headers: { 'content-type': 'text/plain' }, body: '{}' }, status: 415, message: /^Unsupported content type/ },
    { name: 'a form', given: { body: new URLSearchParams({ a: 'b' }) }, status: 415, message: /^Unsupported content type/ },
    { name: 'no content type', given: { body: new Blob(['{}']) }, status: 415, message: /^Unsupported content type/ },
    { name: 'one that says it is too long', given: { headers: json, body: long }, status: 413, message: /BODY_LIMIT_BYTES/ },
    { name: 'one that turns out to be too long', given: { headers: json, body: Readable.toWeb(Readable.from([Buffer.from(long)])), duplex: 'half' } as RequestInit, status: 413, message: /BODY_LIMIT_BYTES/ }
  ]
  for (const { name, given, status, message } of cases) {
    const response = await fetch(`${proxy.url}/v1/chat/completions`, { method: 'POST', ...given })
    t.equal(response.status, status, name)
    t.match(await response.json(), { error: { message, type: 'invalid_request_error', param: null, code: null } }, name)
  }
  t.strictSame(proxy.simulator.requests, [])
})

t.test('a body that says it is too long is refused before it is read', async t => {
  const proxy = await startProxy(t, { BODY_LIMIT_BYTES: '2000' })
  const head = ['POST /v1/chat/completions HTTP/1.1', 'host: localhost', 'content-type: application/json', 'content-length: 1000000', '', '']
  t.match(await exchange(proxy, head.join('\r\n'), '}}'), /^HTTP\/1\.1 413 /)
})

t.test('a failure keeps the headers that tell SDKs what to do', async t => {
  const proxy = await startProxy(t)
  const response = await ask(proxy, saying('fail with code 4006'))
  t.equal(response.status, 429)
  t.equal(response.headers.get('x-should-retry'), 'false')
  t.match(response.headers.get('retry-after'), /^\d+$/)
  t.match(response.headers.get('content-type'), /^application\/json/)
})
