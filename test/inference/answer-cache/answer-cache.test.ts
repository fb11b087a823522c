import fc from 'fast-check'
import t from 'tap'
import { AnswerCache, type AnswerCacheOptions } from '../../../src/inference/answer-cache/answer-cache.ts'
import type { AnswerStore } from '../../../src/stores/answers/answers.ts'
import { MemoryAnswers } from '../../../src/stores/answers/memory.ts'
import { waited } from '../../servers/http-client.ts'
import { ask, KIMI, LLAMA, post, saying, startProxy, toChunks, type Proxy } from '../../servers/start-proxy.ts'
import { assembled, readChatStream } from '../../streams/chat-stream.ts'
import { readMessageStream } from '../../streams/message-stream.ts'
import { readResponseStream } from '../../streams/response-stream.ts'
import { runs } from '../../property-runs.ts'
import { quietCall } from '../quiet-call.ts'

const BGE = '@cf/baai/bge-base-en-v1.5'
const ON = { ANSWER_CACHE_TTL_SECONDS: '60', MAX_RETRIES: '0' }
const WEATHER = { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } }
const CALL = 'call tool weather with {"city":"Rome"}'
const VERSION = { 'anthropic-version': '2023-06-01' }

/** An answer with what each has of its own left out. */
function plainly (answer: unknown): unknown {
  return JSON.parse(JSON.stringify(answer), (key, value: unknown) => /^(?:id|item_id|call_id|created|created_at|completed_at|system_fingerprint)$/.test(key) ? undefined : value)
}

/** What a client puts together of a stream; fails when that is not well formed. */
const ASSEMBLE = {
  chat: (text: string) => {
    const { chunks, complaints, isDone } = readChatStream(text, { withUsage: true })
    if (complaints.length > 0 || !isDone) throw new Error(complaints.join())
    return { choices: assembled(chunks), usage: chunks.at(-1)?.usage }
  },
  completions: (text: string) => {
    const chunks = toChunks(text).slice(0, -1) as Array<{ choices: Array<{ text: string, finish_reason: string | null }>, usage: unknown }>
    return { text: chunks.flatMap(({ choices }) => choices.map(choice => choice.text)).join(''), end: chunks.flatMap(({ choices }) => choices).at(-1)?.finish_reason, usage: chunks.at(-1)?.usage }
  },
  responses: (text: string) => {
    const { response, complaints } = readResponseStream(text)
    if (complaints.length > 0) throw new Error(complaints.join())
    return response
  },
  messages: (text: string) => {
    const { message, complaints } = readMessageStream(text)
    if (complaints.length > 0) throw new Error(complaints.join())
    return message
  }
}

interface Surface {
  name: string
  path: string
  body: object
  /** Beside `stream`. */
  streamed?: object
  assemble: (text: string) => unknown
  /** A plain answer is mended in ways a stream is not. */
  isMended?: true
}

const usage = { stream_options: { include_usage: true } }
const responses = { model: LLAMA, temperature: 0, store: false }
const SURFACES: Surface[] = [
  { name: 'chat', path: '/v1/chat/completions', body: saying('think hm then say one two three', { temperature: 0, model: KIMI }), streamed: usage, assemble: ASSEMBLE.chat },
  { name: 'a call', path: '/v1/chat/completions', body: saying(CALL, { temperature: 0, tools: [{ type: 'function', function: WEATHER }] }), streamed: usage, assemble: ASSEMBLE.chat, isMended: true },
  { name: 'log probabilities', path: '/v1/chat/completions', body: saying('say a b', { temperature: 0, logprobs: true }), streamed: usage, assemble: ASSEMBLE.chat },
  { name: 'a cut answer', path: '/v1/chat/completions', body: saying('say 50 words', { temperature: 0, max_tokens: 5 }), streamed: usage, assemble: ASSEMBLE.chat },
  { name: 'completions', path: '/v1/completions', body: { model: LLAMA, prompt: 'say one two', temperature: 0 }, streamed: usage, assemble: ASSEMBLE.completions },
  { name: 'responses', path: '/v1/responses', body: { ...responses, input: 'say one two' }, assemble: ASSEMBLE.responses },
  { name: 'a call of responses', path: '/v1/responses', body: { ...responses, input: CALL, tools: [{ type: 'function', ...WEATHER }] }, assemble: ASSEMBLE.responses, isMended: true },
  { name: 'messages', path: '/v1/messages', body: saying('think hm then say one two', { temperature: 0, max_tokens: 100, model: KIMI }), assemble: ASSEMBLE.messages },
  { name: 'a stop sequence', path: '/v1/messages', body: saying('say one two three', { temperature: 0, max_tokens: 100, stop_sequences: ['two'] }), assemble: ASSEMBLE.messages }
]

function send (proxy: Proxy, { path }: Pick<Surface, 'path'>, body: object, headers: Record<string, string> = {}): Promise<Response> {
  return post(proxy, path, body, { headers: { ...(path === '/v1/messages' && VERSION), ...headers } })
}

/** Started once, because a start takes longer than all that is asked. */
const started = Promise.all([startProxy(t, ON), startProxy(t, ON), startProxy(t)])

interface Told {
  cache: string | null
  age: string | null
  status: number
  answer: unknown
}

async function tell (proxy: Proxy, { path, body, streamed, assemble }: Surface, isStream: boolean): Promise<Told> {
  const response = await send(proxy, { path }, isStream ? { ...body, ...streamed, stream: true } : body)
  const text = await response.text()
  const { status, headers } = response
  return { cache: headers.get('x-proxy-cache'), age: headers.get('age'), status, answer: plainly(isStream ? assemble(text) : JSON.parse(text)) }
}

for (const surface of SURFACES) {
  t.test(`${surface.name}: plain and streamed callers have ${surface.isMended ? 'an answer each' : 'one answer'}`, async t => {
    const [one, other, without] = await started
    for (const [proxy, isStream] of [[one, false], [other, true]] as const) {
      const before = proxy.simulator.requests.length
      const first = await tell(proxy, surface, isStream)
      t.match(first, { cache: 'miss', age: null, status: 200 })
      const second = await tell(proxy, surface, isStream)
      t.match(second, { cache: 'hit', age: /^\d$/, status: 200 })
      t.strictSame(second.answer, first.answer, 'a hit is the first answer')
      const third = await tell(proxy, surface, !isStream)
      t.equal(third.cache, surface.isMended ? 'miss' : 'hit')
      t.strictSame(third.answer, (await tell(without, surface, !isStream)).answer, 'and as it would be without a cache')
      t.equal(proxy.simulator.requests.length, before + (surface.isMended ? 2 : 1), 'it is not asked for again')
    }
  })
}

t.test('embeddings are kept whatever their form', async t => {
  const proxy = await startProxy(t, ON)
  const embed = async (body: object) => {
    const response = await post(proxy, '/v1/embeddings', { model: BGE, input: ['a', 'b'], ...body })
    return { cache: response.headers.get('x-proxy-cache'), body: await response.json() as { data: Array<{ embedding: unknown }> } }
  }
  const first = await embed({})
  const second = await embed({})
  t.equal(first.cache, 'miss')
  t.equal(second.cache, 'hit')
  t.strictSame(second.body, first.body)
  t.equal((await embed({ encoding_format: 'base64' })).cache, 'hit', 'only how it is told differs')
  t.equal((await embed({ input: ['a'] })).cache, 'miss')
  t.equal(proxy.simulator.requests.length, 2)
})

const CONTROLS: Array<{ name: string, path?: string, body: object, headers?: Record<string, string>, told: string[], asked: number }> = [
  { name: 'no temperature', body: saying('say hi'), told: ['bypass', 'bypass'], asked: 2 },
  { name: 'a temperature', body: saying('say hi', { temperature: 0.1 }), told: ['bypass', 'bypass'], asked: 2 },
  { name: 'null is none', body: saying('say hi', { temperature: null }), told: ['bypass', 'bypass'], asked: 2 },
  { name: 'two choices', body: saying('say hi', { temperature: 0, n: 2 }), told: ['bypass', 'bypass'], asked: 4 },
  { name: 'a stored response', path: '/v1/responses', body: { model: LLAMA, input: 'say hi', temperature: 0 }, told: ['bypass', 'bypass'], asked: 2 },
  { name: 'two prompts', path: '/v1/completions', body: { model: LLAMA, prompt: ['say a', 'say b'], temperature: 0 }, told: ['bypass', 'bypass'], asked: 4 },
  { name: 'no-store', body: saying('say hi', { temperature: 0 }), headers: { 'cache-control': 'No-Store, max-age=0' }, told: ['bypass', 'bypass'], asked: 2 },
  { name: 'no-cache', body: saying('say hi', { temperature: 0 }), headers: { 'cache-control': 'no-cache' }, told: ['miss', 'miss'], asked: 2 },
  { name: 'other words', body: saying('say hi', { temperature: 0 }), headers: { 'cache-control': 'max-age=0, no-storex' }, told: ['miss', 'hit'], asked: 1 },
  { name: 'too long an answer', body: saying(`say ${'x'.repeat(270_000)}`, { temperature: 0, model: KIMI, max_tokens: 100_000 }), told: ['miss', 'miss'], asked: 2 },
  { name: 'a failure', body: saying('fail with code 3040', { temperature: 0 }), told: [], asked: 2 },
  { name: 'a broken stream', body: saying('break after 3 frames, say 20 words', { temperature: 0, stream: true }), told: ['miss', 'miss'], asked: 2 }
]

for (const [index, { name, path = '/v1/chat/completions', body, headers = {}, told, asked }] of CONTROLS.entries()) {
  t.test(`what is looked for and kept: ${name}`, async t => {
    const [proxy] = await started
    const before = proxy.simulator.requests.length
    const results: Array<string | null> = []
    // Of its own: other cases say the same.
    const own = JSON.parse(JSON.stringify(body).replaceAll('say hi', `say hi ${index}`))
    for (let count = 0; count < 2; count++) {
      const response = await post(proxy, path, own, { headers })
      await response.text()
      results.push(response.headers.get('x-proxy-cache'))
    }
    t.strictSame(results.filter(result => result !== null), told)
    t.equal(proxy.simulator.requests.length - before, asked)
  })
}

t.test('what no-cache brings is kept for others', async t => {
  const proxy = await startProxy(t, ON)
  const body = saying('say hi', { temperature: 0 })
  const of = async (headers = {}) => (await ask(proxy, body, { headers })).headers.get('x-proxy-cache')
  t.strictSame([await of({ 'cache-control': 'no-cache' }), await of(), await of({ 'x-simulator': 'say ho' })], ['miss', 'hit', 'miss'])
})

t.test('a stream whose client leaves is not kept', async t => {
  const proxy = await startProxy(t, ON, { tokensPerSecond: 50 })
  const body = saying('say 40 words', { temperature: 0, stream: true })
  const left = new AbortController()
  const response = await ask(proxy, body, { signal: left.signal })
  await response.body?.getReader().read()
  left.abort()
  await waited(() => proxy.lines().some(({ msg }) => msg === 'client gone'))
  const again = await ask(proxy, body)
  t.equal(again.headers.get('x-proxy-cache'), 'miss')
  await again.text()
  t.equal((await ask(proxy, body)).headers.get('x-proxy-cache'), 'hit')
})

t.test('keys have nothing in common unless that is wanted', async t => {
  for (const [env, told] of [[{}, ['miss', 'miss', 'hit']], [{ ANSWER_CACHE_SHARED: 'true' }, ['miss', 'hit', 'hit']]] as const) {
    const proxy = await startProxy(t, { ...ON, API_KEYS: 'a:k1,b:k2', ...env })
    const results: Array<string | null> = []
    for (const key of ['k1', 'k2', 'k1']) results.push((await ask(proxy, saying('say hi', { temperature: 0 }), { headers: { authorization: `Bearer ${key}` } })).headers.get('x-proxy-cache'))
    t.strictSame(results, told)
  }
})

t.test('callers who bring their own tokens never have anything in common', async t => {
  const proxy = await startProxy(t, { ...ON, AUTH_MODE: 'passthrough', ANSWER_CACHE_SHARED: 'true' })
  const askWith = (token: string) => ask(proxy, saying('say hi', { temperature: 0 }), { headers: { authorization: `Bearer ${token}` } })
  for (const told of ['miss', 'hit']) t.equal((await askWith(proxy.simulator.apiToken)).headers.get('x-proxy-cache'), told)
  t.match(await askWith('a-token-of-nobody'), { ok: false }, 'one that Cloudflare would refuse finds nothing')
})

t.test('a hit is a request that costs nothing', async t => {
  const proxy = await startProxy(t, { ...ON, API_KEYS: 'ann:k', ADMIN_KEYS: 'root:r', KEY_LIMITS: JSON.stringify({ ann: { rpm: 3, tpm: 100_000, neurons_per_day: 1_000 } }) })
  const headers = { authorization: 'Bearer k' }
  const body = saying('say one two three', { temperature: 0 })
  const answers: Response[] = []
  for (let count = 0; count < 4; count++) answers.push(await ask(proxy, body, { headers }))
  t.strictSame(answers.map(({ status }) => status), [200, 200, 200, 429], 'requests a minute count it')
  t.strictSame(answers.slice(0, 3).map(answer => answer.headers.get('x-ratelimit-remaining-requests')), ['2', '1', '0'])
  t.equal(answers[2]?.headers.get('x-proxy-attempts'), '0')
  for (const answer of answers) await answer.text()
  const figures = async (path: string) => (await fetch(proxy.url + path, { headers: { authorization: 'Bearer r' } })).text()
  await waited(() => proxy.lines().filter(({ msg }) => msg === 'request').length === 4)
  const { totals, by_key: [ann] } = JSON.parse(await figures('/usage'))
  t.match(totals, { requests: 4, errors: 1, cache_hits: 2 })
  const alone = await startProxy(t)
  await (await ask(alone, body)).text()
  await waited(() => alone.lines().some(({ msg }) => msg === 'request'))
  const once = JSON.parse(await (await fetch(`${alone.url}/usage`)).text())
  t.strictSame([totals.neurons, totals.output_tokens], [once.totals.neurons, once.totals.output_tokens], 'it is billed once')
  t.match(ann.budget, { used: totals.neurons, reserved: 0 })
  const metrics = await figures('/metrics')
  for (const line of ['{result="miss"} 1', '{result="hit"} 2']) t.ok(metrics.includes(`workers_ai_proxy_answer_cache_total${line}`), line)
  t.strictSame(proxy.lines().filter(({ msg, status }) => msg === 'request' && status === 200).map(({ cache }) => cache), ['miss', 'hit', 'hit'])
})

t.test('a store that fails costs nobody an answer', async t => {
  const errors: string[] = []
  const broken: AnswerStore = { get: () => undefined, set: async () => { throw new Error('secret detail') } }
  const cache = newCache({ store: broken })
  const call = { ...quietCall(), log: { debug: () => {}, error: (fields: object) => { errors.push(JSON.stringify(fields)) } } }
  const { headers, keep } = await cache.vectors({ id: BGE } as never, ['{}'], call)
  t.strictSame(headers, { 'x-proxy-cache': 'miss' })
  keep?.({ vectors: [[1]], usage: { promptTokens: 1, completionTokens: 0 } })
  await waited(() => errors.length === 1)
  t.notMatch(errors[0], 'secret')
  for (const get of [() => Buffer.from('{'), () => { throw new Error('away') }, async () => { throw new Error('away') }]) {
    const { headers } = await newCache({ store: { get, set: () => {} } }).vectors({ id: BGE } as never, ['{}'], quietCall())
    t.strictSame(headers, { 'x-proxy-cache': 'miss' })
  }
})

t.test('it says how old an answer is', async t => {
  let ms = 1_000_000
  const cache = newCache({ store: new MemoryAnswers(1_000_000, () => ms), now: () => ms, ttlSeconds: 10 })
  const look = () => cache.vectors({ id: BGE } as never, ['{}'], quietCall())
  ;(await look()).keep?.({ vectors: [[1, 0.1]], usage: { promptTokens: 1, completionTokens: 0 } })
  ms += 3_999
  t.strictSame(await look(), { headers: { 'x-proxy-cache': 'hit', age: '3' }, hit: { vectors: [[1, 0.1]], usage: { promptTokens: 1, completionTokens: 0 } } })
  ms += 7_000
  t.strictSame((await look()).headers, { 'x-proxy-cache': 'miss' })
})

t.test('requests that differ in anything have different keys', async () => {
  const keys: string[] = []
  const store: AnswerStore = { get: key => { keys.push(key); return undefined }, set: () => {} }
  const facts = fc.record({ model: fc.constantFrom('a', 'b', 'a"'), bodies: fc.array(fc.string({ maxLength: 3 }), { maxLength: 3 }), caller: fc.constantFrom('x', 'y', ''), route: fc.constantFrom('/a', '/b'), version: fc.constantFrom('1', '2') })
  await fc.assert(fc.asyncProperty(facts, facts, async (one, other) => {
    keys.length = 0
    for (const { model, bodies, caller, route, version } of [one, other]) {
      const call = { ...quietCall(), caller }
      call.record.route = route
      await newCache({ store, version }).vectors({ id: model } as never, bodies, call)
    }
    return (keys[0] === keys[1]) === (JSON.stringify(one) === JSON.stringify(other)) && /^[\w-]{43}$/.test(keys[0] ?? '')
  }), { numRuns: runs(100) })
})

t.test('a hit is what would be answered, whatever is said', async t => {
  const [proxy,, without] = await started
  const words = fc.array(fc.stringMatching(/^[a-z0-9\u00e9\u4e2d"\\{<]{1,8}$/), { minLength: 1, maxLength: 8 }).map(list => list.join(' '))
  let count = 0
  await fc.assert(fc.asyncProperty(fc.constantFrom(...SURFACES.filter(({ name }) => /^(?:chat|completions|responses|messages)$/.test(name))), words, fc.boolean(), fc.boolean(), async (surface, said, isFirstStreamed, isStream) => {
    const body = JSON.parse(JSON.stringify(surface.body), (_, value: unknown) => typeof value === 'string' && value.includes('say ') ? value.replace(/say .*/, () => `say ${count} ${said}`) : value)
    count++
    await tell(proxy, { ...surface, body }, isFirstStreamed)
    const { cache, answer } = await tell(proxy, { ...surface, body }, isStream)
    t.strictSame({ cache, answer }, { cache: 'hit', answer: (await tell(without, { ...surface, body }, isStream)).answer })
  }), { numRuns: runs(30) })
})

function newCache (options: Partial<AnswerCacheOptions>): AnswerCache {
  return new AnswerCache({ store: new MemoryAnswers(1_000_000), ttlSeconds: 60, isShared: false, version: '1', now: Date.now, ...options })
}
