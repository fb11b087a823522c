import t from 'tap'
import { exchange } from '../servers/http-client.ts'
import { LLAMA, saying, startProxy, type Proxy } from '../servers/start-proxy.ts'
import { startRecordedUpstream } from '../servers/recorded-upstream.ts'

const NEVER = 'nothing that ever comes'
const SMUGGLED = 'GET /v1/models/smuggled HTTP/1.1\r\nhost: localhost\r\n\r\n'
const BODY = JSON.stringify(saying('hi'))
const CHUNKED = `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`
const POST = 'POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n'

/** All answers that come on one connection to these bytes. */
async function answersTo (proxy: Proxy, bytes: string): Promise<string> {
  // The last request of each case asks for the connection to be closed, or ends in an error that closes it.
  return exchange(proxy, Buffer.from(bytes, 'latin1'), NEVER)
}

/** Requests two servers in a row might not agree about where they end. */
const SMUGGLING: Record<string, string> = {
  'a length and chunks': `${POST}content-length: ${CHUNKED.length + SMUGGLED.length}\r\ntransfer-encoding: chunked\r\n\r\n${CHUNKED}${SMUGGLED}`,
  'chunks and a length': `${POST}transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n${CHUNKED}${SMUGGLED}`,
  'two lengths': `${POST}content-length: ${BODY.length}\r\ncontent-length: ${BODY.length + SMUGGLED.length}\r\n\r\n${BODY}${SMUGGLED}`,
  'two lengths in one line': `${POST}content-length: ${BODY.length}, ${BODY.length + SMUGGLED.length}\r\n\r\n${BODY}${SMUGGLED}`,
  'a length with a sign': `${POST}content-length: +${BODY.length}\r\n\r\n${BODY}${SMUGGLED}`,
  'a negative length': `${POST}content-length: -1\r\n\r\n${BODY}${SMUGGLED}`,
  'a length in hexadecimal': `${POST}content-length: 0x${BODY.length.toString(16)}\r\n\r\n${BODY}${SMUGGLED}`,
  'a length without a number': `${POST}content-length:\r\n\r\n${SMUGGLED}`,
  'a length that is too long for a number': `${POST}content-length: 99999999999999999999\r\n\r\n${BODY}${SMUGGLED}`,
  'a blank before the colon': `${POST}transfer-encoding : chunked\r\n\r\n${CHUNKED}${SMUGGLED}`,
  'chunks that are only a list\'s beginning': `${POST}transfer-encoding: chunked, identity\r\n\r\n${CHUNKED}${SMUGGLED}`,
  'chunks under another name': `${POST}transfer-encoding: xchunked\r\n\r\n${CHUNKED}${SMUGGLED}`,
  'chunks behind a control character': `${POST}transfer-encoding: \u000bchunked\r\n\r\n${CHUNKED}${SMUGGLED}`,
  'a folded header': `${POST}transfer-encoding:\r\n chunked\r\ncontent-length: 3\r\n\r\n${CHUNKED}${SMUGGLED}`,
  'a bare CR in a header': `${POST}x: a\rtransfer-encoding: chunked\r\n\r\n${CHUNKED}${SMUGGLED}`,
  'a header without a name': `${POST}: x\r\ntransfer-encoding: chunked\r\n\r\n${CHUNKED}${SMUGGLED}`,
  'NUL in a header': `${POST}x: a\u0000b\r\n\r\n${SMUGGLED}`,
  'bare LF between headers': `POST /v1/chat/completions HTTP/1.1\nhost: localhost\ncontent-length: ${BODY.length}\n\n${BODY}${SMUGGLED}`,
  'bare LF between chunks': `${POST}transfer-encoding: chunked\r\n\r\n${CHUNKED.replaceAll('\r\n', '\n')}${SMUGGLED}`,
  'a chunk with a sign': `${POST}transfer-encoding: chunked\r\n\r\n+${CHUNKED}${SMUGGLED}`,
  'a chunk in 0x': `${POST}transfer-encoding: chunked\r\n\r\n0x${CHUNKED}${SMUGGLED}`,
  'a chunk that is longer than it says': `${POST}transfer-encoding: chunked\r\n\r\n1\r\n${BODY}\r\n0\r\n\r\n${SMUGGLED}`,
  'a chunk whose size overflows': `${POST}transfer-encoding: chunked\r\n\r\n10000000000000001\r\n${BODY}\r\n0\r\n\r\n${SMUGGLED}`,
  'an extension with a line break': `${POST}transfer-encoding: chunked\r\n\r\n1;x=\n${BODY}\r\n0\r\n\r\n${SMUGGLED}`,
  'another version of HTTP': `POST /v1/chat/completions HTTP/1.9\r\nhost: localhost\r\n\r\n${SMUGGLED}`,
  'two hosts': `GET /health HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\nhost :x\r\n\r\n${SMUGGLED}`
}

t.test('a request that two servers could read in two ways is refused, and hides no other', async t => {
  const upstream = await startRecordedUpstream(t)
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: upstream.url })
  t.ok(Object.keys(SMUGGLING).length >= 16)
  for (const [name, bytes] of Object.entries(SMUGGLING)) {
    const answers = await answersTo(proxy, bytes)
    t.match(answers, /^HTTP\/1\.1 4\d\d [^]+"type":"invalid_request_error"/, name)
    t.equal(answers.split('HTTP/1.1 ').length - 1, 1, `${name}: one answer`)
    t.notMatch(answers, /smuggled/, name)
  }
  t.strictSame(upstream.runs, [])
})

t.test('what is one request only, though oddly written, is read as that', async t => {
  const proxy = await startProxy(t)
  const odd: Record<string, string> = {
    'a chunk extension': `${POST}transfer-encoding: chunked\r\nconnection: close\r\n\r\n${BODY.length.toString(16)};x="y"\r\n${BODY}\r\n0\r\n\r\n`,
    trailers: `${POST}transfer-encoding: chunked\r\ntrailer: x\r\nconnection: close\r\n\r\n${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\nauthorization: Bearer x\r\nhost: evil.example\r\n\r\n`,
    'chunks in capitals': `${POST}Transfer-Encoding: Chunked\r\nconnection: close\r\n\r\n${CHUNKED}`,
    'a length with a zero before it': `${POST}content-length: 0${BODY.length}\r\nconnection: close\r\n\r\n${BODY}`
  }
  for (const [name, bytes] of Object.entries(odd)) {
    const answers = await answersTo(proxy, bytes)
    t.match(answers, /^HTTP\/1\.1 200 /, name)
    t.equal(answers.split('HTTP/1.1 ').length - 1, 1, name)
  }
  t.equal(proxy.simulator.requests.length, Object.keys(odd).length)
})

t.test('a body on a request that needs none hides no request either', async t => {
  const upstream = await startRecordedUpstream(t)
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: upstream.url })
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'DELETE', 'TRACE']) {
    const answers = await answersTo(proxy, `${method} /v1/models/first HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}GET /v1/models/last HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`)
    t.notMatch(answers, /smuggled/, method)
  }
})

t.test('no text of a caller\'s splits a header of an answer', async t => {
  const proxy = await startProxy(t, { MODEL_ALIASES: JSON.stringify({ 'a\r\nset-cookie: split=1': LLAMA }), CORS_ORIGINS: 'https://app.example' })
  const split = '\r\nset-cookie: split=1\r\n\r\nHTTP/1.1 200 OK'
  const bodies = [
    saying('say hi', { [`x${split}`]: 1, user: split, metadata: { [split]: split } }),
    saying('say hi', { model: `a${split.slice(0, 23)}` }),
    saying(`say hi${split}`, { stream: true }),
    saying('say hi', { model: split }),
    saying('say hi', { stop: [split], prompt_cache_key: split }),
    saying('say hi', { tools: [{ type: 'function', function: { name: split } }] }),
    saying('say hi', { response_format: { type: 'json_schema', json_schema: { name: split, schema: { [split]: 1 } } } })
  ]
  for (const body of bodies) {
    const text = JSON.stringify(body)
    const answer = await answersTo(proxy, `${POST}content-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`)
    t.notMatch(answer, /^set-cookie/im, text.slice(0, 80))
    t.notMatch(answer.slice(1), /^HTTP\/1\.1/m, text.slice(0, 80))
  }
  for (const path of ['/v1/models/%0d%0aset-cookie:%20split=1', '/%0d%0aset-cookie:%20split=1', '/v1/models?x=%0d%0aset-cookie:split=1', '/v1/models/\u0001', '/v1/\u00e5\u0085']) {
    t.notMatch(await answersTo(proxy, `GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`), /\r\nset-cookie/i, path)
  }
})

t.test('an id of the caller\'s is taken over only when it is short and plain', async t => {
  const proxy = await startProxy(t)
  const idOf = async (line: string): Promise<string | undefined> =>
    /^x-request-id: (.*)\r$/im.exec(await answersTo(proxy, `GET /v1/models/x HTTP/1.1\r\nhost: localhost\r\n${line}\r\nconnection: close\r\n\r\n`))?.[1]
  for (const id of ['a', 'req_123', 'a-b.c:d_e', '0'.repeat(128)]) t.equal(await idOf(`x-request-id: ${id}`), id)
  const odd = ['', ' ', 'a b', '0'.repeat(129), '<script>', '"x"', 'a,b', '{"level":60}', 'a\tb', 'h\u00e9', '../x', 'a;b', '%0d%0a', '$(id)', '\u00ff']
  for (const id of odd) t.match(await idOf(`x-request-id: ${id}`), /^req_[A-Za-z0-9]{32}$/, JSON.stringify(id))
  t.match(await idOf('x-request-id: a\r\nx-request-id: b'), /^req_/, 'two of them')
  t.match(await idOf('request-id: mine'), /^req_/, 'another header')
})

/** Requests that end in a refusal, by Node's parser, by Fastify, and by us. */
const REFUSED: Record<string, string> = {
  'no HTTP': 'hello\r\n\r\n',
  'an unknown method': 'FOO / HTTP/1.1\r\nhost: localhost\r\n\r\n',
  TLS: '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003',
  'HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'HTTP/0.9': 'GET /\r\n\r\n',
  'no host': 'GET / HTTP/1.1\r\nconnection: close\r\n\r\n',
  'long headers': `GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`,
  'a long URL': `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nhost: localhost\r\n\r\n`,
  'many headers': `GET /nope HTTP/1.1\r\nhost: localhost\r\n${'x: y\r\n'.repeat(1_500)}connection: close\r\n\r\n`,
  'a foreign host': 'GET / HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n',
  'an unknown path': 'GET /etc/passwd HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n',
  'a path out of the root': 'GET /../../etc/passwd HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n',
  'a broken escape': 'GET /%zz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n',
  'a path that is no URL': 'GET http:///nope HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n',
  'a star': 'OPTIONS * HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n',
  'another version': 'GET /v1/models/none HTTP/1.1\r\nhost: localhost\r\naccept-version: 9\r\nexpect: nonsense\r\nconnection: close\r\n\r\n',
  'an upgrade': 'GET /v1/models/none HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade, close\r\nupgrade: websocket\r\nsec-websocket-key: x\r\nsec-websocket-version: 13\r\n\r\n',
  'an upgrade to HTTP/2': 'GET /v1/models/none HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade, http2-settings, close\r\nupgrade: h2c\r\nhttp2-settings: x\r\n\r\n',
  ...Object.fromEntries(['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND', 'PURGE', 'LINK', 'M-SEARCH', 'QUERY', 'REPORT', 'SEARCH', 'ACL', 'LOCK'].map(method =>
    [`the method ${method}`, `${method} /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nx-secret: echo-0815\r\nconnection: close\r\n\r\n`])),
  'a GET where a POST belongs': 'GET /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n',
  'no content type': `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`,
  'a body that is too large': `${POST}content-length: 99999999\r\nconnection: close\r\n\r\n`,
  'a compressed body': `${POST}content-encoding: gzip\r\ncontent-length: 2\r\nconnection: close\r\n\r\n\u001f\u008b`,
  'no JSON': `${POST}content-length: 8\r\nconnection: close\r\n\r\n{"a":"b"`,
  nothing: `${POST}content-length: 0\r\nconnection: close\r\n\r\n`,
  'a poisoned prototype': `${POST}content-length: 16\r\nconnection: close\r\n\r\n{"__proto__":{}}`,
  'a wrong field': `${POST}content-length: 11\r\nconnection: close\r\n\r\n{"model":1}`,
  'an unknown model': `${POST}content-length: 55\r\nconnection: close\r\n\r\n{"model":"x","messages":[{"role":"user","content":"a"}]}`
}

t.test('no refusal tells of what the proxy is made, or repeats what it was told', async t => {
  const proxy = await startProxy(t, { BODY_LIMIT_BYTES: '100000' })
  for (const [name, bytes] of Object.entries(REFUSED)) {
    // Without its id, in which chance may write any word.
    const answer = (await answersTo(proxy, bytes)).replace(/\breq_\w+/g, '')
    const [head = '', body = ''] = answer.split('\r\n\r\n')
    t.match(head, /^HTTP\/1\.1 4\d\d /, name)
    t.match(JSON.parse(body), { error: { message: String, type: 'invalid_request_error' } }, name)
    t.match(head, /^content-type: application\/json; charset=utf-8\r?$/m, name)
    t.notMatch(answer, /fastify|undici|node|ajv|\bFST_|HPE_|ERR_|find-my-way|llhttp|\/work|\/src\/|\.ts\b|\.js\b|\bat [A-Z]\w+|stack|v\d+\.\d+\.\d+|workers-ai-proxy|echo-0815/i, name)
    t.strictSame(headerNames(head).filter(header => !ORDINARY.includes(header)), [], `${name}: no banner`)
  }
  t.strictSame(proxy.simulator.requests, [])
})

t.test('an answer bears no banner either, and HEAD gets the head of a GET', async t => {
  const proxy = await startProxy(t)
  for (const path of ['/health', '/v1/models', `/v1/models/${LLAMA}`]) {
    const got = await answersTo(proxy, `GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`)
    const [head = ''] = got.split('\r\n\r\n')
    t.strictSame(headerNames(head).filter(header => !ORDINARY.includes(header)), [], path)
    const headed = await answersTo(proxy, `HEAD ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`)
    t.match(headed, /^HTTP\/1\.1 200 [^]*\r\n\r\n$/, `HEAD ${path} has no body`)
    t.strictSame(headerNames(headed.trimEnd()), headerNames(head), path)
  }
  for (const path of ['/nope', '/v1/chat/completions', '/v1/models/none']) {
    t.match(await answersTo(proxy, `HEAD ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`), /^HTTP\/1\.1 40[45] [^]*\r\n\r\n$/, `HEAD ${path}`)
  }
})

t.test('a CONNECT makes no tunnel', async t => {
  const proxy = await startProxy(t)
  const answer = await answersTo(proxy, `CONNECT 127.0.0.1:${proxy.simulator.port} HTTP/1.1\r\nhost: 127.0.0.1:${proxy.simulator.port}\r\n\r\nGET / HTTP/1.1\r\n\r\n`)
  t.notMatch(answer, / 2\d\d /)
  t.equal((await fetch(`${proxy.url}/health`)).status, 200)
})

t.test('long and odd URLs are answered at once', async t => {
  const proxy = await startProxy(t)
  const paths = ['/'.repeat(15_000), '/..'.repeat(5_000), '/%2e%2e'.repeat(2_000), `/v1/models/${'a/'.repeat(7_000)}`, `/v1/models/${'%40'.repeat(5_000)}`, `/${'-'.repeat(15_000)}`, `/v1/models?${'a=b&'.repeat(3_700)}`, `/v1/models/${'a.b-'.repeat(3_700)}`, `/v1/chat/completions${';a'.repeat(7_000)}`]
  for (const path of paths) {
    const began = Date.now()
    t.match(await answersTo(proxy, `GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`), /^HTTP\/1\.1 (200|4\d\d) /, path.slice(0, 20))
    t.ok(Date.now() - began < 5_000, path.slice(0, 20))
  }
})

const ORDINARY = ['content-type', 'content-length', 'connection', 'date', 'keep-alive', 'allow', 'x-request-id', 'vary', 'transfer-encoding']

function headerNames (head: string): string[] {
  return head.split('\r\n').slice(1).map(line => line.split(':')[0]?.toLowerCase() ?? '')
}
