import t from 'tap'
import { readChatStream } from '../streams/chat-stream.ts'
import { waited } from '../servers/http-client.ts'
import { faultsOf } from '../openai-schemas.ts'
import { ask, LLAMA, startProxy } from '../servers/start-proxy.ts'
import { chunk, frames, http, LAST_CHUNK, startRawUpstream, STREAM_HEAD, wantsStream, type Step } from '../servers/raw-upstream.ts'
import { someAtOnce } from './some-at-once.ts'

const IMPATIENT = { MAX_RETRIES: '2', UPSTREAM_IDLE_TIMEOUT_MS: '1000' }
const DEEP = '['.repeat(100_000) + ']'.repeat(100_000)
const DATA = 'data: {"response":"Hel"}\n\n'

interface Fault {
  name: string
  /** What comes after a first frame that says `Hel`. */
  given: Step[]
  code: string | null
  /** The whole answer, where it is not chunked. */
  head?: Buffer
  /** The answer is whole as HTTP goes, so its connection may be used again. */
  isWhole?: true
  /** Long enough to hold up what else this process does meanwhile. */
  isLong?: true
}

const FAULTS: Fault[] = [
  { name: 'a reset', given: [30, 'RESET'], code: 'upstream_truncated' },
  { name: 'the end of the connection', given: ['FIN'], code: 'upstream_truncated' },
  { name: 'the end of the connection inside a frame', given: [chunk('data: {"respo'), 'FIN'], code: 'upstream_truncated' },
  { name: 'the end of the connection inside a chunk', given: ['ff\r\ndata: {', 'FIN'], code: 'upstream_truncated' },
  { name: 'a body that is shorter than its length', head: http(200, { 'content-type': 'text/event-stream', 'content-length': '1000' }, DATA), given: ['FIN'], code: 'upstream_truncated' },
  { name: 'a body that ends with its connection, early', head: http(200, { 'content-type': 'text/event-stream' }, DATA), given: ['FIN'], code: 'upstream_truncated' },
  { name: 'an end without [DONE] and without a finish reason', given: [LAST_CHUNK], code: 'upstream_truncated', isWhole: true },
  { name: 'an end inside a frame', given: [chunk('data: {"respo'), LAST_CHUNK], code: 'upstream_truncated', isWhole: true },
  { name: 'an end inside [DONE]', given: [chunk('data: [DO'), LAST_CHUNK], code: 'upstream_truncated', isWhole: true },
  { name: 'silence', given: [], code: 'upstream_timeout' },
  { name: 'silence inside a frame', given: [chunk('data: {"respo')], code: 'upstream_timeout' },
  { name: 'silence inside a chunk', given: ['ff\r\ndata: {'], code: 'upstream_timeout' },
  { name: 'a frame that does not parse', given: [frames('{"response":', '[DONE]')], code: 'upstream_malformed' },
  { name: 'a frame that is cut by an empty line', given: [frames('{"response":"x', '"}', '[DONE]')], code: 'upstream_malformed' },
  { name: 'a frame of 100,000 levels', given: [frames(`{"response":${DEEP}}`, '[DONE]')], code: 'upstream_malformed', isLong: true },
  { name: 'a frame of 9 MB', given: [frames(`{"response":"${'x'.repeat(9_000_000)}"}`, '[DONE]')], code: 'upstream_malformed', isLong: true },
  { name: 'a frame of very many lines', given: [chunk('data: x\n'.repeat(2_000_000)), '\n\n'], code: 'upstream_malformed', isLong: true },
  { name: 'an end behind a finish reason and a frame that is cut', given: [frames({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }, '{"response":'), LAST_CHUNK], code: 'upstream_malformed', isWhole: true },
  { name: 'a call nobody can name', given: [frames({ tool_calls: [{ arguments: '{}' }] }, '[DONE]')], code: 'upstream_malformed' },
  { name: 'a chunk that is none', given: ['nonsense\r\n'], code: 'upstream_malformed' },
  { name: 'a chunk without its line break', given: ['1\r\nxyz'], code: 'upstream_malformed' },
  { name: 'a head inside the body', given: [http(200, { 'content-length': '2' }, '{}')], code: 'upstream_malformed' },
  { name: 'a frame that tells of a quota', given: [frames({ errors: [{ code: 4006, message: 'daily free allocation' }] })], code: 'insufficient_quota' },
  ...[
    { success: false, errors: [{ code: 3040, message: 'busy' }] },
    { errors: [{ code: 3040, message: 'busy' }] },
    { error: { code: 3040, message: 'busy' } },
    { error: [{ code: '3040', message: 'busy' }] },
    { name: 'AiError', message: 'AiError: busy', internalCode: 3040 },
    { object: 'error', message: 'busy', code: 3040 },
    { response: 'lo', error: { code: 3040 } }
  ].map((frame): Fault => ({ name: `a frame that tells an error: ${JSON.stringify(frame)}`, given: [frames(frame, '[DONE]')], code: 'rate_limit_exceeded' })),
  { name: 'an error without a code', given: [frames({ error: 'no' }, '[DONE]')], code: 'upstream_error' },
  { name: 'a finish reason that is an error', given: [frames({ choices: [{ index: 0, delta: {}, finish_reason: 'error' }] }, '[DONE]')], code: 'upstream_error' }
]

t.test('whatever goes wrong after the first token ends the stream with an error, and nothing else', async t => {
  const evil = await startRawUpstream(t, ({ path }) => {
    const { head, given = [] } = FAULTS[Number(/\d+$/.exec(path))] ?? {}
    return head ? [head, 30, ...given] : [STREAM_HEAD, frames({ response: 'Hel' }), 30, ...given]
  })
  const proxy = await startProxy(t, { ...IMPATIENT, CLOUDFLARE_API_BASE_URL: evil.url })
  const check = async ({ name, code, isWhole }: Fault) => {
    const index = FAULTS.findIndex(fault => fault.name === name)
    const response = await ask(proxy, { model: `@cf/evil/fault-${index}`, messages: [{ role: 'user', content: 'x' }], stream: true, stream_options: { include_usage: true } })
    t.equal(response.status, 200, name)
    const { chunks, error, isDone, complaints } = readChatStream(await response.text(), { withUsage: true })
    t.strictSame(complaints, [], `${name}: the stream is well-formed`)
    t.equal(chunks.map(one => one.choices[0]?.delta.content ?? '').join(''), 'Hel', `${name}: what came is told`)
    t.strictSame(chunks.flatMap(one => one.choices.map(choice => choice.finish_reason ?? [])).flat(), [], `${name}: nothing finishes`)
    t.equal(isDone, false, `${name}: it is not done`)
    t.equal(error?.code, code, `${name}: the error says why`)
    t.strictSame(faultsOf('ErrorResponse', { error }), [], `${name}: in OpenAI's form`)
    const asked = evil.asked.filter(({ path }) => path.endsWith(`/fault-${index}`))
    t.equal(asked.length, 1, `${name}: no second bill`)
    if (!isWhole) t.ok(await waited(() => asked[0]?.isClosed === true).catch(() => Infinity) < 1_000, `${name}: the connection is closed`)
  }
  await someAtOnce(8, FAULTS.filter(({ isLong }) => !isLong), check)
  await someAtOnce(1, FAULTS.filter(({ isLong }) => isLong), check)
  t.strictSame(proxy.lines().filter(({ level }) => Number(level) >= 50), [], 'none is taken for a bug of ours')
})

t.test('the same ends a plain answer with its status, because nobody has read a byte of it', async t => {
  const evil = await startRawUpstream(t, ({ path }) => {
    const { head, given = [] } = FAULTS[Number(/\d+$/.exec(path))] ?? {}
    return head ? [head, ...given] : [STREAM_HEAD, frames({ response: 'Hel' }), ...given]
  })
  const proxy = await startProxy(t, { ...IMPATIENT, CLOUDFLARE_API_BASE_URL: evil.url })
  await someAtOnce(8, FAULTS, async ({ name, code }, index) => {
    const response = await ask(proxy, { model: `@cf/evil/plain-${index}`, messages: [{ role: 'user', content: 'x' }] })
    const { error } = await response.json() as { error: { code: string | null } }
    t.ok(response.status >= 429, `${name}: ${response.status}`)
    t.equal(error.code, code, name)
    t.equal(evil.asked.filter(({ path }) => path.endsWith(`/plain-${index}`)).length, 1, `${name}: no second bill`)
  })
})

t.test('text and a failure that come in one read are told both, because the text was first', async t => {
  const evil = await startRawUpstream(t, () => [Buffer.concat([STREAM_HEAD, frames({ response: 'Hel' }, { errors: [{ code: 3040, message: 'busy' }] }), Buffer.from(LAST_CHUNK)])])
  const proxy = await startProxy(t, { ...IMPATIENT, CLOUDFLARE_API_BASE_URL: evil.url })
  const response = await ask(proxy, { model: '@cf/evil/x', messages: [{ role: 'user', content: 'x' }], stream: true })
  const { chunks, error, isDone, complaints } = readChatStream(await response.text())
  t.match({ status: response.status, content: chunks.map(one => one.choices[0]?.delta.content ?? '').join(''), error, isDone, complaints }, { status: 200, content: 'Hel', error: { code: 'rate_limit_exceeded' }, isDone: false, complaints: [] })
  const plain = await ask(proxy, { model: '@cf/evil/y', messages: [{ role: 'user', content: 'x' }] })
  t.equal(plain.status, 429, 'a plain answer is no answer then')
})

t.test('one of several choices that breaks ends them all', async t => {
  const evil = await startRawUpstream(t, ({ body }) => {
    const { seed } = JSON.parse(body) as { seed: number }
    return seed === 8 ? [STREAM_HEAD, frames({ response: 'Hel' }), 50, 'RESET'] : [STREAM_HEAD, frames({ response: 'Hel' })]
  })
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: evil.url })
  const response = await ask(proxy, { model: '@cf/evil/x', messages: [{ role: 'user', content: 'x' }], n: 3, seed: 7, stream: true })
  const { error, isDone, complaints } = readChatStream(await response.text())
  t.match({ error, isDone, complaints }, { error: { code: 'upstream_truncated' }, isDone: false, complaints: [] })
  await waited(() => evil.asked.length === 3 && evil.asked.every(({ isClosed }) => isClosed))
})

t.test('an answer that is asked for plainly and told as a stream fails with its status', async t => {
  const evil = await startRawUpstream(t, asked => {
    t.equal(wantsStream(asked), false)
    return [http(200, { 'content-length': '1000' }, '{"result":'), 'FIN']
  })
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: evil.url })
  const response = await ask(proxy, { messages: [{ role: 'user', content: 'x' }], model: LLAMA, stream: true, response_format: { type: 'json_object' } })
  t.match({ status: response.status, body: await response.json() }, { status: 502, body: { error: { code: 'upstream_truncated' } } })
})
