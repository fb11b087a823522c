import type { FastifyRequest } from 'fastify'
import t from 'tap'
import { isBrokenAnthropic, isForAnthropic } from '../../../src/surfaces/anthropic/error-handler.ts'
import { exchange } from '../../servers/http-client.ts'
import { post, startProxy } from '../../servers/start-proxy.ts'
import { sendMessage } from '../../streams/message-stream.ts'

const body = { model: 'llama-3.3-70b-instruct-fp8-fast', max_tokens: 10, messages: [{ role: 'user', content: 'say hi' }] }

t.test('a request is for Anthropic\'s API by its path or its version', t => {
  for (const [originalUrl, version, isIt] of [
    ['/v1/messages', undefined, true], ['/v1/messages?beta=true', undefined, true], ['/v1/messages/batches', undefined, true], ['/v1/v1/messages', undefined, true], ['//v1//messages', undefined, true],
    ['/v1/models', undefined, false], ['/v1/models', '2023-06-01', true], ['/v1/messages-x', undefined, false], ['/v1/chat/completions', undefined, false]
  ] as const) t.equal(isForAnthropic({ originalUrl, headers: version === undefined ? {} : { 'anthropic-version': version } } as unknown as FastifyRequest), isIt, originalUrl)
  for (const [text, isIt] of [
    ['POST /v1/messages HTTP/1.1\r\n\r\n', true], ['POST /v1/messages/count_tokens HTTP/1.1\r\n', true], ['GET /x HTTP/1.1\r\nAnthropic-Version: 2023-06-01\r\n', true],
    ['POST /v1/chat/completions HTTP/1.1\r\n', false], ['', false]
  ] as const) t.equal(isBrokenAnthropic(Buffer.from(text)), isIt, text)
  t.end()
})

t.test('everything below /v1/messages is refused in Anthropic\'s form, and everything with its version', async t => {
  const proxy = await startProxy(t, { API_KEYS: 'sk-1', BODY_LIMIT_BYTES: '2000' })
  const key = { 'x-api-key': 'sk-1' }
  const version = { 'anthropic-version': '2026-10-21' }
  for (const { name, path = '/v1/messages', method = 'POST', headers = key, given = JSON.stringify(body), status, type, message } of [
    { name: 'without a key', headers: {}, status: 401, type: 'authentication_error', message: /API key/ },
    { name: 'a wrong key', headers: { authorization: 'Bearer sk-2' }, status: 401, type: 'authentication_error', message: /Incorrect API key/ },
    { name: 'no JSON', given: '{', status: 400, type: 'invalid_request_error', message: 'The request body is not valid JSON' },
    { name: 'nothing', given: '', status: 400, type: 'invalid_request_error', message: 'The request body is not valid JSON' },
    { name: 'too much', given: JSON.stringify({ ...body, system: 'x'.repeat(3_000) }), status: 413, type: 'request_too_large', message: /BODY_LIMIT_BYTES/ },
    { name: 'no JSON type', headers: { ...key, 'content-type': 'text/plain' }, status: 415, type: 'invalid_request_error', message: /Unsupported content type/ },
    { name: 'an encoding nobody knows', headers: { ...key, 'content-encoding': 'x' }, status: 415, type: 'invalid_request_error', message: /content-encoding/ },
    { name: 'a wrong member', given: JSON.stringify({ ...body, max_tokens: 'x' }), status: 400, type: 'invalid_request_error', message: 'max_tokens: Input should be a valid integer' },
    { name: 'another method', method: 'GET', given: null, status: 405, type: 'invalid_request_error', message: /Method Not Allowed/ },
    { name: 'batches', path: '/v1/messages/batches', status: 404, type: 'not_found_error', message: /Not found/ },
    { name: 'files', path: '/v1/files', headers: { ...key, ...version }, status: 404, type: 'not_found_error', message: /Not found/ },
    { name: 'the version twice', path: '/v1/v1/messages?beta=true', status: 404, type: 'not_found_error', message: /\/v1 twice/ },
    { name: 'an unknown model', given: JSON.stringify({ ...body, model: 'claude-x' }), status: 404, type: 'not_found_error', message: /claude-x.*MODEL_ALIASES and DEFAULT_MODEL/ }
  ]) {
    const response = await fetch(proxy.url + path, { method, headers: { 'content-type': 'application/json', ...headers }, ...(given !== null && { body: given }) })
    t.equal(response.status, status, name)
    const told = await response.json() as object
    t.match(told, { type: 'error', error: { type, message }, request_id: /^req_/ }, name)
    t.strictSame(Object.keys(told), ['type', 'error', 'request_id'])
    t.equal(response.headers.get('request-id'), (told as { request_id: string }).request_id)
  }
  t.match(await (await post(proxy, '/v1/files', {}, { headers: key })).json(), { error: { type: 'invalid_request_error', message: /Invalid URL/ } }, 'others are told in OpenAI\'s')
})

t.test('both kinds of keys are taken, and any version', async t => {
  const proxy = await startProxy(t, { API_KEYS: 'sk-1' })
  for (const headers of [{ 'x-api-key': 'sk-1' }, { authorization: 'Bearer sk-1' }, { 'x-api-key': 'sk-1', authorization: 'Bearer other' }, { 'x-api-key': 'sk-1', 'anthropic-version': 'what' }] as Array<Record<string, string>>) {
    t.equal((await sendMessage(proxy, body, { headers })).status, 200, JSON.stringify(headers))
  }
})

t.test('broken HTTP is told in Anthropic\'s form where it says that it is meant for it', async t => {
  const proxy = await startProxy(t)
  const answer = await exchange(proxy, 'POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nno header\r\n\r\n', 'nothing that ever comes')
  const [head = '', told = ''] = answer.split('\r\n\r\n')
  t.match(head, /^HTTP\/1\.1 400 /)
  t.match(JSON.parse(told), { type: 'error', error: { type: 'invalid_request_error', message: 'The request could not be read.' }, request_id: /^req_/ })
})

t.test('who brings a token is told that it was refused', async t => {
  const proxy = await startProxy(t, { AUTH_MODE: 'passthrough', CLOUDFLARE_API_TOKEN: '' })
  const response = await sendMessage(proxy, body, { headers: { 'x-api-key': 'not-a-token-of-cloudflares-xxxxxxxxxxxxxx' } })
  t.equal(response.status, 401)
  t.match(await response.json(), { error: { type: 'authentication_error', message: /takes it for your Cloudflare API token/ } })
})
