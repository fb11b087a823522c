import type { FastifyRequest } from 'fastify'
import t from 'tap'
import { requireKey, toCredential, toKeyId, toOwner } from '../../../src/http/access/auth.ts'
import { askRaw, exchange, waited } from '../../servers/http-client.ts'
import { API_TOKEN, ask, saying, startProxy } from '../../servers/start-proxy.ts'

t.test('without keys everybody may pass', t => {
  t.equal(requireKey([]), undefined)
  t.end()
})

t.test('a key opens every door it is shown at', async t => {
  const proxy = await startProxy(t, { API_KEYS: 'key-one,key-two' })
  const cases = [
    { name: 'as a bearer', headers: { authorization: 'Bearer key-one' } },
    { name: 'as a bearer, whatever the case of the scheme', headers: { authorization: 'bearer  key-two ' } },
    { name: 'in x-api-key', headers: { 'x-api-key': 'key-two' } },
    { name: 'in api-key', headers: { 'api-key': 'key-one' } },
    { name: 'in x-api-key beside another scheme', headers: { authorization: 'Basic eDp5', 'x-api-key': 'key-one' } }
  ]
  for (const { name, headers } of cases) {
    const { status } = await askRaw(proxy, '/v1/models', { headers: headers as unknown as Record<string, string> })
    t.equal(status, 200, name)
  }
})

t.test('no key and a wrong one are told apart', async t => {
  const proxy = await startProxy(t, { API_KEYS: 'key-one,key-two' })
  const cases = [
    { name: 'nothing at all', headers: {}, code: null },
    { name: 'an empty bearer', headers: { authorization: 'Bearer ' }, code: null },
    { name: 'an empty header', headers: { 'x-api-key': '' }, code: null },
    { name: 'another scheme', headers: { authorization: 'Basic key-one' }, code: null },
    { name: 'the bare key', headers: { authorization: 'key-one' }, code: null },
    { name: 'a wrong key', headers: { authorization: 'Bearer key-three' }, code: 'invalid_api_key' },
    { name: 'the beginning of a key', headers: { authorization: 'Bearer key-on' }, code: 'invalid_api_key' },
    { name: 'a key and a letter', headers: { authorization: 'Bearer key-onex' }, code: 'invalid_api_key' },
    { name: 'a key over and over', headers: { authorization: `Bearer ${'key-one'.repeat(100)}` }, code: 'invalid_api_key' },
    { name: 'both keys at once', headers: { 'x-api-key': 'key-one,key-two' }, code: 'invalid_api_key' },
    { name: 'a wrong bearer beside a right key', headers: { authorization: 'Bearer wrong', 'x-api-key': 'key-one' }, code: 'invalid_api_key' }
  ]
  for (const { name, headers, code } of cases) {
    const response = await ask(proxy, saying('say hi'), { headers: headers as unknown as Record<string, string> })
    const { error } = await response.json() as { error: { message: string } }
    t.equal(response.status, 401, name)
    t.match(error, { type: 'invalid_request_error', param: null, code }, name)
    t.notMatch(error.message, /key-/, `${name}: no key is repeated`)
  }
  t.strictSame(proxy.simulator.requests, [], 'none of them reached the upstream')
})

t.test('every path but a closed list needs a key, however it is spelt', async t => {
  const proxy = await startProxy(t, { API_KEYS: 'key-one' })
  for (const path of ['/v1/models', '/v1//models/', '/v1/models/@cf%2Fa%2Fb', '/v1/models/%zz', '//', '/nope', '/health/../v1/models', '/%68ealthz']) {
    t.equal((await askRaw(proxy, path)).status, 401, path)
  }
  for (const path of ['/', '/health', '/health/', '//health', '/health?x=1', '/livez', '/readyz?verbose']) {
    t.equal((await askRaw(proxy, path)).status, 200, path)
  }
  const { status } = await askRaw(proxy, '/v1/models', { headers: { host: 'localhost/health?', 'x-original-url': '/health' } })
  t.equal(status, 401, 'headers that name the open path do not help')
})

t.test('a stranger is refused before the body is read', async t => {
  const proxy = await startProxy(t, { API_KEYS: 'key-one' })
  const answer = await exchange(proxy, [
    'POST /v1/chat/completions HTTP/1.1',
    'host: localhost',
    'content-type: application/json',
    'content-length: 1000000',
    '', ''
  ].join('\r\n'), '}}')
  t.match(answer, /^HTTP\/1\.1 401 /)
})

t.test('a key may have a name, which the log shows', async t => {
  const proxy = await startProxy(t, { API_KEYS: 'anns:key-one,key-two' })
  for (const key of ['key-one', 'key-two']) await ask(proxy, saying('say hi'), { headers: { authorization: `Bearer ${key}` } })
  t.equal((await ask(proxy, saying('say hi'), { headers: { authorization: 'Bearer anns:key-one' } })).status, 401, 'the name is no part of the key')
  const lines = () => proxy.lines().filter(({ msg }) => msg === 'request')
  await waited(() => lines().length === 3)
  t.strictSame(lines().map(({ key }) => key), ['anns', undefined, undefined])
  t.notMatch(proxy.log(), /key-one/)
})

t.test('an owner is told by the key, however it is sent, and not by its text', t => {
  const owner = (headers: Record<string, string>) => toOwner({ headers } as unknown as FastifyRequest)
  t.equal(owner({ authorization: 'Bearer key-one' }), owner({ 'x-api-key': 'key-one' }))
  t.not(owner({ authorization: 'Bearer key-one' }), owner({ authorization: 'Bearer key-two' }))
  t.equal(owner({}), owner({ authorization: 'Basic x' }), 'all without a key are one')
  t.match(owner({ authorization: 'Bearer key-one' }), /^[\w-]{43}$/)
  t.end()
})

t.test('where keys share something, each is itself, and made-up ones are nobody', async t => {
  const request = (parts: object) => ({ caller: undefined, apiToken: undefined, headers: {}, ...parts }) as unknown as FastifyRequest
  const bringing = (token: string) => toKeyId(request({ apiToken: token, headers: { authorization: `Bearer ${token}` } }))
  t.equal(toKeyId(request({ caller: 'digest' })), 'digest')
  t.not(bringing('token-one'), bringing('token-two'))
  t.notMatch(bringing('token-one'), /token/)
  t.equal(toKeyId(request({ headers: { authorization: 'Bearer made-up-1' } })), toKeyId(request({ headers: { 'x-api-key': 'made-up-2' } })), 'without API_KEYS all are one')
})

t.test('whose account is asked is told by the token callers bring, and is one for all keys', t => {
  const request = (parts: object) => ({ caller: undefined, apiToken: undefined, headers: {}, ...parts }) as unknown as FastifyRequest
  const bringing = (token: string) => toCredential(request({ apiToken: token, headers: { authorization: `Bearer ${token}` } }))
  t.not(bringing('token-one'), bringing('token-two'))
  t.notMatch(bringing('token-one'), /token/)
  t.equal(toCredential(request({ caller: 'digest', headers: { authorization: 'Bearer key-one' } })), toCredential(request({})))
  t.end()
})

t.test('callers may bring their own Cloudflare tokens', async t => {
  const proxy = await startProxy(t, { AUTH_MODE: 'passthrough' })
  t.equal((await ask(proxy, saying('say hi'))).status, 401, 'none is no token')
  t.strictSame(proxy.simulator.requests, [])
  const served = await ask(proxy, saying('say hi'), { headers: { authorization: `Bearer ${API_TOKEN}` } })
  t.equal(served.status, 200)
  const refused = await ask(proxy, saying('say hi'), { headers: { 'x-api-key': 'another-token' } })
  t.equal(refused.status, 401, 'Cloudflare judges it')
  t.notMatch(proxy.log(), /another-token/)
  t.notMatch(proxy.log(), API_TOKEN)
})
