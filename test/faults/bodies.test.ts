import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib'
import t from 'tap'
import { exchange } from '../servers/http-client.ts'
import { slowness } from '../cpu-time.ts'
import { faultsOf } from '../openai-schemas.ts'
import { ask, LLAMA, MISTRAL, startProxy, type Proxy } from '../servers/start-proxy.ts'
import { startBuiltServer } from '../servers/built-server.ts'
import { json, startRawUpstream } from '../servers/raw-upstream.ts'

// With nothing beside it: it measures how long large bodies take.

const LEVELS = 100_000
const PATHS = ['/v1/chat/completions', '/v1/completions', '/v1/embeddings', '/v1/responses', '/v1/responses/compact']

function post ({ url }: Pick<Proxy, 'url'>, body: string | Uint8Array, { path = '/v1/chat/completions', headers = {} as Record<string, string> } = {}): Promise<Response> {
  return fetch(url + path, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: body as string })
}

function chat (more: object = {}): Record<string, unknown> {
  return { model: LLAMA, messages: [{ role: 'user', content: 'say hi' }], ...more }
}

/** What is wrong with a refusal; empty when it is a 4xx in OpenAI's form. */
async function faultsOfRefusal (response: Response): Promise<string[]> {
  const text = await response.text()
  const isRefusal = response.status >= 400 && response.status < 500
  return [...(isRefusal ? [] : [`status ${response.status}: ${text.slice(0, 200)}`]), ...(isRefusal ? faultsOf('ErrorResponse', JSON.parse(text)) : [])]
}

const valid = JSON.stringify(chat())

t.test('28 kinds of bad JSON are refused in the same words', async t => {
  const proxy = await startProxy(t)
  const kinds: Record<string, string> = {
    nothing: '',
    'white space': ' \n\t ',
    'half an object': valid.slice(0, -1),
    'half a string': '{"model":"x',
    'half a key': '{"mod',
    'half an escape': '{"model":"\\u12',
    'half a literal': '{"stream":tru',
    'two objects': `${valid}${valid}`,
    'an object and rubbish': `${valid}x`,
    'lines of JSON': `${valid}\n${valid}\n`,
    'single quotes': valid.replaceAll('"', "'"),
    'keys without quotes': '{model:"x"}',
    'a comma too many': '{"model":"x",}',
    'a comma too few': '{"model":"x" "stream":true}',
    'a colon too few': '{"model" "x"}',
    'a colon too many': '{"model"::"x"}',
    'a comment': '{"model":"x"/* y */}',
    NaN: '{"temperature":NaN}',
    Infinity: '{"temperature":Infinity}',
    undefined: '{"temperature":undefined}',
    'a number with a plus': '{"temperature":+1}',
    'a number with a leading zero': '{"temperature":01}',
    'a hexadecimal number': '{"max_tokens":0x10}',
    'a number without its end': '{"temperature":1.}',
    'a line break inside a string': '{"model":"a\nb"}',
    'an escape nobody knows': '{"model":"\\x41"}',
    'a NUL between tokens': '{"model":\u0000"x"}',
    'a form': 'model=x&messages=y'
  }
  t.equal(Object.keys(kinds).length, 28)
  for (const [name, body] of Object.entries(kinds)) {
    for (const path of PATHS) {
      const response = await post(proxy, body, { path })
      t.equal(response.status, 400, `${name}, ${path}`)
      t.match(await response.json(), { error: { type: 'invalid_request_error', message: /^We could not parse the JSON body of your request/ } }, `${name}, ${path}`)
    }
  }
  t.equal(proxy.simulator.requests.length, 0)
})

t.test('JSON that is no object is refused', async t => {
  const proxy = await startProxy(t)
  for (const body of ['null', 'true', '42', '-0', '1e999', '"text"', '[]', '[{}]', `[${valid}]`, '{}']) {
    for (const path of PATHS) t.strictSame(await faultsOfRefusal(await post(proxy, body, { path })), [], `${body}, ${path}`)
  }
  t.equal(proxy.simulator.requests.length, 0)
})

t.test('bytes that are no text are refused or read as U+FFFD, and never do harm', async t => {
  const proxy = await startProxy(t)
  const around = (bytes: Buffer) => Buffer.concat([Buffer.from('{"model":"'), Buffer.from(LLAMA), Buffer.from('","messages":[{"role":"user","content":"say '), bytes, Buffer.from('"}]}')])
  const cases: Record<string, Buffer> = {
    'a byte that is no UTF-8': around(Buffer.from([0xff])),
    'half a character': around(Buffer.from([0xe2, 0x82])),
    'a surrogate in UTF-8': around(Buffer.from([0xed, 0xa0, 0x80])),
    'an overlong slash': around(Buffer.from([0xc0, 0xaf])),
    UTF16: Buffer.from(valid, 'utf16le'),
    'a NUL': around(Buffer.from([0])),
    'a byte order mark': Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(valid)]),
    'random bytes': Buffer.from(Array.from({ length: 1_000 }, (_, index) => index * 7 % 256)),
    gzip: gzipSync(valid),
    deflate: deflateSync(valid)
  }
  for (const [name, body] of Object.entries(cases)) {
    const { status } = await post(proxy, body)
    t.ok(status === 200 || status === 400, `${name}: ${status}`)
  }
  for (const content of ['\\ud800', '\\udc00\\ud800', 'a\\u0000b', '\\uFFFF', '\\u2028\\u0085']) {
    const response = await post(proxy, JSON.stringify(chat({ messages: [{ role: 'user', content: 'say CONTENT' }] })).replace('CONTENT', content))
    t.equal(response.status, 200, content)
    t.equal(JSON.parse(JSON.stringify(await response.json())).object, 'chat.completion', content)
  }
  for (const { body } of proxy.simulator.requests) t.ok(JSON.stringify(body).isWellFormed(), 'Cloudflare gets well-formed text')
})

t.test('100,000 levels are refused wherever they are', async t => {
  const proxy = await startProxy(t)
  const shapes: Record<string, [string, string]> = {
    lists: ['['.repeat(LEVELS), ']'.repeat(LEVELS)],
    objects: ['{"a":'.repeat(LEVELS) + '1', '}'.repeat(LEVELS)],
    both: ['[{"a":'.repeat(LEVELS / 2) + '1', '}]'.repeat(LEVELS / 2)]
  }
  const schema = '{"type":"object","properties":{"a":'.repeat(LEVELS / 2) + '{}' + '}}'.repeat(LEVELS / 2)
  const withDeep = (place: object, deep: string) => JSON.stringify(place).replace('"DEEP"', deep)
  const places: Record<string, object> = {
    'a field nobody knows': chat({ unknown: 'DEEP' }),
    metadata: chat({ metadata: 'DEEP' }),
    logit_bias: chat({ logit_bias: 'DEEP' }),
    'the model': chat({ model: 'DEEP' }),
    'the messages': chat({ messages: 'DEEP' }),
    'a role': chat({ messages: [{ role: 'DEEP', content: 'x' }] }),
    'the content': chat({ messages: [{ role: 'user', content: 'DEEP' }] }),
    'a part': chat({ messages: [{ role: 'user', content: [{ type: 'DEEP' }] }] }),
    'a field of a message nobody knows': chat({ messages: [{ role: 'user', content: 'x', unknown: 'DEEP' }] }),
    'the parameters of a tool': chat({ tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: { a: 'DEEP' } } } }] }),
    'a list in parameters': chat({ tools: [{ type: 'function', function: { name: 'f', parameters: { enum: ['DEEP'] } } }] }),
    'a function': chat({ functions: [{ name: 'f', parameters: { a: 'DEEP' } }] }),
    'the tool choice': chat({ tool_choice: { type: 'function', function: 'DEEP' } }),
    'a schema': chat({ response_format: { type: 'json_schema', json_schema: { name: 's', schema: { properties: { a: 'DEEP' } } } } }),
    stop: chat({ stop: 'DEEP' }),
    temperature: chat({ temperature: 'DEEP' }),
    stream_options: chat({ stream_options: 'DEEP' })
  }
  for (const [place, body] of Object.entries(places)) {
    for (const [shape, [open, close]] of Object.entries(shapes)) {
      t.strictSame(await faultsOfRefusal(await post(proxy, withDeep(body, open + close))), [], `${shape} in ${place}`)
    }
    t.strictSame(await faultsOfRefusal(await post(proxy, withDeep(body, schema))), [], `schemas in ${place}`)
  }
  for (const path of PATHS) {
    t.strictSame(await faultsOfRefusal(await post(proxy, '['.repeat(LEVELS), { path })), [], `without an end, ${path}`)
    t.strictSame(await faultsOfRefusal(await post(proxy, `{"model":"x","input":${shapes['lists']?.join('')},"prompt":${shapes['lists']?.join('')}}`, { path })), [], path)
  }
  t.equal(proxy.simulator.requests.length, 0)
  t.strictSame(proxy.lines().filter(({ level }) => Number(level) >= 50), [])
})

t.test('as deep as anybody needs is read', async t => {
  const proxy = await startProxy(t)
  let schema: object = { type: 'string' }
  for (let level = 0; level < 80; level++) schema = { type: 'object', properties: { a: schema } }
  for (const model of [LLAMA, MISTRAL]) {
    const tools = [{ type: 'function', function: { name: 'f', parameters: schema } }]
    t.equal((await ask(proxy, chat({ model, tools }))).status, 200)
    t.notOk((await ask(proxy, chat({ model, response_format: { type: 'json_schema', json_schema: { name: 's', schema } } }))).status === 500)
  }
})

t.test('arguments of an earlier call that are 100,000 levels deep are text like any other', async t => {
  const proxy = await startProxy(t)
  for (const args of ['['.repeat(LEVELS), '{"a":'.repeat(LEVELS) + '1' + '}'.repeat(LEVELS), '['.repeat(LEVELS) + ']'.repeat(LEVELS)]) {
    for (const model of [LLAMA, MISTRAL]) {
      const messages = [
        { role: 'user', content: 'say hi' },
        { role: 'assistant', content: null, tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'f', arguments: args } }] },
        { role: 'tool', tool_call_id: 'call_1', content: 'x' }
      ]
      const { status } = await ask(proxy, chat({ model, messages }))
      t.ok(status < 500, `${model}: ${status}`)
    }
  }
})

t.test('keys that JavaScript knows leave no trace', async t => {
  const proxy = await startProxy(t)
  const bodies = [
    valid.replace('{', '{"__proto__":{"stream":true,"polluted":true},'),
    valid.replace('{', '{"constructor":{"prototype":{"polluted":true}},'),
    valid.replace('{"role"', '{"__proto__":{"polluted":true},"role"'),
    valid.replace('{', '{"\\u005f_proto__":{"polluted":true},'),
    JSON.stringify(chat({ tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } }] })).replace('"properties":{}', '"properties":{"__proto__":{"type":"string"}}'),
    valid.replace('{', '{"toString":"x","hasOwnProperty":1,"valueOf":null,"constructor":"x",'),
    valid.replace('{', '{"model":"shadowed","messages":[],'),
    valid.replace('{', '{"stream":true,"stream":false,"stream":null,')
  ]
  for (const body of bodies) {
    const response = await post(proxy, body)
    t.ok(response.status === 200 || response.status === 400, `${response.status} for ${body.slice(0, 60)}`)
    await response.text()
  }
  t.equal(({} as { polluted?: true }).polluted, undefined)
  for (const { body } of proxy.simulator.requests) t.notMatch(JSON.stringify(body), 'polluted')
  t.equal((await post(proxy, JSON.stringify(chat({ messages: [{ role: 'user', content: 'say {"__proto__": 1}' }] })))).status, 200, 'text about them is text')
})

t.test('content types never lead around the checks', async t => {
  const proxy = await startProxy(t, { ALLOWED_HOSTS: 'localhost' })
  const types = [
    'text/plain', 'text/json', 'text/html', 'application/xml', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x',
    'application/octet-stream', 'application/jsonx', 'application/x-json', 'application/json-seq', 'application/', '/json', 'json', '*/*',
    'application /json', 'application/ json', ' application/json', '\tapplication/json', 'application/json\t', 'application/json,text/plain',
    'application/json;', 'application/json;charset', 'application/json; charset=utf-16', 'application/json ; charset=utf-8', 'APPLICATION/JSON',
    'application/json;;;', 'application/json\u00e9', 'a'.repeat(1_000), '__proto__', 'constructor', ''
  ]
  for (const type of types) {
    for (const body of ['{}', '{"model":42}', '{"__proto__":{}}', 'rubbish']) {
      const answer = await exchange(proxy, `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`, 'never')
      t.match(answer, /^HTTP\/1\.1 4\d\d [^]*"error":\{"message":/, `${JSON.stringify(type)}: ${body}`)
    }
  }
  const none = await exchange(proxy, 'POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}', 'never')
  t.match(none, /^HTTP\/1\.1 4\d\d [^]*"error":/)
  t.equal(proxy.simulator.requests.length, 0)
})

t.test('a body that is too large is refused before it is read', async t => {
  const LIMIT = 100_000
  const server = await startBuiltServer(t, { BODY_LIMIT_BYTES: String(LIMIT), MAX_BODY_MEMORY_BYTES: '64000000' })
  const head = 'POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n'
  const chunks = `${(65_536).toString(16)}\r\n${' '.repeat(65_536)}\r\n`
  const zipped = gzipSync(Buffer.alloc(LIMIT + 1, ' '))
  const cases: Record<string, string | Buffer> = {
    'by its length': `${head}content-length: ${LIMIT + 1}\r\n\r\n{`,
    'by an enormous length': `${head}content-length: 9007199254740991\r\n\r\n{`,
    'in chunks': `${head}transfer-encoding: chunked\r\n\r\n${chunks}${chunks}`,
    'compressed, by its length': `${head}content-encoding: gzip\r\ncontent-length: ${LIMIT + 1}\r\n\r\n`,
    'compressed, in chunks': Buffer.concat([Buffer.from(`${head}content-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n${zipped.length.toString(16)}\r\n`), zipped, Buffer.from('\r\n')])
  }
  for (const [name, bytes] of Object.entries(cases)) {
    const startedAt = performance.now()
    t.match(await exchange(server, bytes, '}}'), /^HTTP\/1\.1 413 [^]*"message":"The request body is too large/, name)
    t.ok(performance.now() - startedAt < 3_000, `${name}: at once`)
  }
  t.equal((await post(server, valid.padEnd(LIMIT))).status, 200, 'as large as the limit is read')
  t.equal((await post(server, valid.padEnd(LIMIT + 1))).status, 413)
  const { rss } = await server.vitals()
  const spaces = Buffer.alloc(200_000_000, ' ')
  // The window of a decoder, 4 and 16 MiB, is far larger than what it is read to.
  const brotli = (window: number) => brotliCompressSync(spaces, { params: { [constants.BROTLI_PARAM_QUALITY]: 1, [constants.BROTLI_PARAM_LGWIN]: window } })
  const bombs: Array<[name: string, coding: string, count: number, mostBytes: number, bomb: Buffer]> = [
    ['gzip', 'gzip', 20, 100e6, gzipSync(spaces)],
    ['br', 'br', 20, 100e6, brotli(22)],
    // Those that are refused while a thread decodes them are there until it is done; all of them would take 1,700 MB.
    ['br with the widest window', 'br', 100, 250e6, brotli(24)]
  ]
  for (const [name, coding, count, mostBytes, bomb] of bombs) {
    const answers = await Promise.all(Array.from({ length: count }, () => post(server, bomb.subarray(0, LIMIT), { headers: { 'content-encoding': coding } })))
    const statuses = answers.map(({ status }) => status)
    t.ok(statuses.every(status => status === 413 || (status === 503 && coding === 'br')), `${name}: ${[...new Set(statuses)]}`)
    t.ok(statuses.includes(413), name)
    const { peakRss } = await server.vitals()
    t.comment(`${count} bombs of 200 MB in ${bomb.length} bytes of ${name} at once: peak RSS +${Math.round((peakRss - rss) / 1e6)} MB`)
    t.ok(peakRss - rss < mostBytes, `${name}: ${Math.round((peakRss - rss) / 1e6)} MB more`)
  }
  const wide = brotliCompressSync(valid, { params: { [constants.BROTLI_PARAM_LGWIN]: 24 } })
  t.equal((await post(server, wide, { headers: { 'content-encoding': 'br' } })).status, 200, 'a body that is in order is read, and nothing is held any more')
})

t.test('a body that never ends is read no further than the limit', async t => {
  const server = await startBuiltServer(t, { BODY_LIMIT_BYTES: '100000' })
  await (await ask(server, chat())).text()
  const { rss } = await server.vitals()
  const piece = Buffer.alloc(65_536, ' ')
  const framed = Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')])
  // Nothing comes out of them.
  const zipped = Buffer.concat(Array.from({ length: 3_000 }, () => gzipSync('')))
  const cases: Record<string, { head: string, bytes: Buffer }> = {
    'in chunks': { head: 'transfer-encoding: chunked', bytes: framed },
    'in chunks, compressed': { head: 'content-encoding: gzip\r\ntransfer-encoding: chunked', bytes: Buffer.concat([Buffer.from(`${zipped.length.toString(16)}\r\n`), zipped, Buffer.from('\r\n')]) },
    'of an enormous length': { head: 'content-length: 9007199254740991', bytes: piece }
  }
  for (const [name, { head, bytes }] of Object.entries(cases)) {
    const socket = connect(server.port, '127.0.0.1').on('error', () => {})
    let answer = ''
    socket.on('data', read => { answer += read.toString() })
    socket.write(`POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n${head}\r\n\r\n`)
    let sent = 0
    for (; sent < 200_000_000 && !socket.destroyed; sent += bytes.length) {
      if (!socket.write(bytes)) await Promise.race([once(socket, 'drain'), once(socket, 'close'), sleep(2_000)]).catch(() => {})
    }
    const { peakRss } = await server.vitals()
    t.comment(`${name}: ${Math.round(sent / 1e6)} MB sent, ${socket.destroyed ? 'cut' : 'taken'}, peak RSS +${Math.round((peakRss - rss) / 1e6)} MB`)
    t.match(answer, /^HTTP\/1\.1 413 /, name)
    t.ok(peakRss - rss < 60e6, `${name}: ${Math.round((peakRss - rss) / 1e6)} MB more`)
    socket.destroy()
  }
})

t.test('large and odd bodies are answered in time, and hold up nobody else', async t => {
  const evil = await startRawUpstream(t, ({ path }) => [json({ result: path.endsWith('bge-m3') ? { shape: [1, 2], data: [[0, 1]] } : { response: 'hi' } })])
  const server = await startBuiltServer(t, { CLOUDFLARE_API_BASE_URL: evil.url })
  const many = (count: number, content: unknown) => JSON.stringify(chat({ messages: Array.from({ length: count }, () => ({ role: 'user', content })), max_tokens: 1 }))
  const png = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
  const embedding = { model: '@cf/baai/bge-m3' }
  const cases: Array<{ name: string, body: string, path?: string }> = [
    { name: '30 MB of text', body: JSON.stringify(chat({ messages: [{ role: 'user', content: `say ${'word '.repeat(6_000_000)}` }], max_tokens: 1 })) },
    { name: '30 MB of small values', body: JSON.stringify(chat({ unknown: 'LIST', max_tokens: 1 })).replace('"LIST"', `[${'0,'.repeat(15_000_000)}0]`) },
    { name: '30 MB of escapes', body: JSON.stringify(chat({ messages: [{ role: 'user', content: '\n\u0000"\\'.repeat(2_000_000) }], max_tokens: 1 })) },
    { name: '30 MB of lone surrogates', body: JSON.stringify(chat({ messages: [{ role: 'user', content: '\ud800'.repeat(5_000_000) }], max_tokens: 1 })) },
    { name: '100,000 messages', body: many(100_000, 'x') },
    { name: '100,000 messages of parts', body: many(100_000, [{ type: 'text', text: 'x' }]) },
    { name: '100,000 wrong messages', body: many(100_000, 'x').replaceAll('"user"', '"nobody"') },
    { name: '20,000 images', body: JSON.stringify({ ...chat({ max_tokens: 1 }), model: MISTRAL, messages: [{ role: 'user', content: Array.from({ length: 20_000 }, () => ({ type: 'image_url', image_url: { url: png } })) }] }) },
    { name: '20,000 images in as many messages', body: JSON.stringify({ ...chat({ max_tokens: 1 }), model: MISTRAL, messages: Array.from({ length: 20_000 }, () => ({ role: 'user', content: [{ type: 'image_url', image_url: { url: png } }] })) }) },
    { name: '20,000 tools', body: JSON.stringify(chat({ tools: Array.from({ length: 20_000 }, (_, index) => ({ type: 'function', function: { name: `f${index}`, parameters: {} } })) })) },
    { name: 'a tool with 50,000 properties', body: JSON.stringify(chat({ max_tokens: 1, tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`p${index}`, { type: ['string', 'null'] }])) } } }] })) },
    { name: 'a schema with 5,000 properties', body: JSON.stringify(chat({ max_tokens: 1, response_format: { type: 'json_schema', json_schema: { name: 's', schema: { type: 'object', properties: Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`p${index}`, { type: 'string' }])) } } } })) },
    { name: '200,000 fields nobody knows', body: JSON.stringify(chat({ max_tokens: 1, ...Object.fromEntries(Array.from({ length: 200_000 }, (_, index) => [`field${index}`, 1])) })) },
    { name: '100,000 calls of an earlier turn', body: JSON.stringify(chat({ max_tokens: 1, messages: [{ role: 'user', content: 'x' }, { role: 'assistant', content: null, tool_calls: Array.from({ length: 100_000 }, (_, index) => ({ id: `call_${index}`, type: 'function', function: { name: 'f', arguments: '{}' } })) }] })) },
    { name: '10 MB of arguments that are no JSON', body: JSON.stringify(chat({ max_tokens: 1, messages: [{ role: 'user', content: 'x' }, { role: 'assistant', content: null, tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'f', arguments: '{"a": [1, '.repeat(1_000_000) } }] }] })) },
    { name: 'a stop sequence of 10 MB', body: JSON.stringify(chat({ max_tokens: 1, stop: 'ab'.repeat(5_000_000) })) },
    { name: '1,000,000 texts to embed', path: '/v1/embeddings', body: JSON.stringify({ ...embedding, input: Array.from({ length: 1_000_000 }, () => 'x') }) },
    { name: '30 MB to embed', path: '/v1/embeddings', body: JSON.stringify({ ...embedding, input: 'word '.repeat(6_000_000) }) },
    { name: '1,000,000 prompts', path: '/v1/completions', body: JSON.stringify({ model: LLAMA, max_tokens: 1, prompt: Array.from({ length: 1_000_000 }, () => 'x') }) },
    { name: '30 MB of a prompt', path: '/v1/completions', body: JSON.stringify({ model: LLAMA, max_tokens: 1, prompt: 'word '.repeat(6_000_000) }) },
    { name: '100,000 items', path: '/v1/responses', body: JSON.stringify({ model: LLAMA, input: Array.from({ length: 100_000 }, () => ({ role: 'user', content: 'x' })) }) },
    { name: '100,000 items to be cut', path: '/v1/responses', body: JSON.stringify({ model: LLAMA, truncation: 'auto', input: Array.from({ length: 100_000 }, () => ({ role: 'user', content: 'x' })) }) },
    { name: '100,000 items to be compacted', path: '/v1/responses/compact', body: JSON.stringify({ model: LLAMA, input: Array.from({ length: 100_000 }, () => ({ role: 'user', content: 'x' })) }) },
    { name: '100,000 calls as items', path: '/v1/responses', body: JSON.stringify({ model: LLAMA, input: Array.from({ length: 100_000 }, (_, index) => ({ type: 'function_call', call_id: `call_${index}`, name: 'f', arguments: '{}' })) }) }
  ]
  await (await ask(server, chat())).text()
  await server.vitals()
  for (const { name, body, path = '/v1/chat/completions' } of cases) {
    const startedAt = performance.now()
    const asked = post(server, body, { path }).then(async response => {
      await response.text()
      return response.status
    })
    let slowest = 0
    for (let isOpen = true; isOpen;) {
      const healthAt = performance.now()
      t.equal((await fetch(`${server.url}/health`)).status, 200)
      slowest = Math.max(slowest, performance.now() - healthAt)
      isOpen = await Promise.race([asked.then(() => false), sleep(20, true)])
    }
    const ms = performance.now() - startedAt
    const { maxDelayMs } = await server.vitals()
    t.comment(`${name}: ${await asked} in ${Math.round(ms)} ms, event loop held up ${Math.round(maxDelayMs)} ms, /health in ${Math.round(slowest)} ms at most`)
    t.ok(await asked < 500, name)
    const times = slowness()
    t.ok(ms < 8_000 * times, `${name}: ${Math.round(ms)} ms`)
    t.ok(slowest < 5_000 * times, `${name}: /health in ${Math.round(slowest)} ms`)
  }
})
