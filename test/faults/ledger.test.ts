import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import t from 'tap'
import { chunk, failing, frames, json, LAST_CHUNK, STREAM_HEAD, startRawUpstream, wantsStream, type Asked, type Step } from '../servers/raw-upstream.ts'
import { LLAMA, post, startProxy, type Proxy } from '../servers/start-proxy.ts'
import { waited } from '../servers/http-client.ts'
import { someAtOnce } from './some-at-once.ts'

/** `LEDGER_REQUESTS=10000` is the whole proof; fewer requests have the same kinds in the same mixture. */
const REQUESTS = Number(process.env['LEDGER_REQUESTS'] ?? 1_000)

t.setTimeout(1_200_000)

/** What the upstream has billed, in micro-neurons, by a price list and a tokenizer of its own. */
class Book {
  /** Of answers that said so, or counted their tokens. */
  counted = 0
  /** Of answers that did not come to that. */
  uncounted = 0
}

interface Rates {
  input: number
  output: number
  cached?: number
}

const GLM = '@cf/zai-org/glm-5.3-flash'
const BGE = '@cf/baai/bge-m3'
/** Micro-neurons per token. */
const LLAMA_RATES = { input: 26_668, output: 204_805 }
const GLM_RATES = { input: 13_636, output: 45_455, cached: 2_727 }
const BGE_RATES = { input: 1_091, output: 0 }

const TEXT = 'The quick brown fox jumps over the lazy dog, and then it does so once more. '.repeat(4)
const PATIENCE_MS = 30_000

interface Kind {
  share: number
  path?: string
  body: (word: string) => object
  /** What Cloudflare does when it is asked for the nth time, and bills. */
  upstream: (asked: Asked, count: number, book: Book, number: number) => Step[]
  /** The client leaves once it has read something. */
  leaves?: true
}

function chat (rest: object = {}): Kind['body'] {
  return word => ({ model: LLAMA, messages: [{ role: 'user', content: `${word}: ${TEXT}` }], ...rest })
}

/** Of a model that only this request asks, so that nobody else suffers for its failures. */
function own (rest: object = {}): Kind['body'] {
  return word => ({ ...chat(rest)(word), model: `@cf/ledger/${word}` })
}

function bill (book: Book, { input, output, cached = input }: Rates, prompt: number, completion: number, ofCache = 0): void {
  book.counted += (prompt - ofCache) * input + ofCache * cached + completion * output
}

/** Counts as another tokenizer does, which nobody hears of. */
function billUncounted (book: Book, { input, output }: Rates, { body }: Asked, said: string): void {
  const { messages = [], text = [] } = JSON.parse(body) as { messages?: Array<{ content: string }>, text?: string[] }
  const asked = messages.map(({ content }) => content).join('') + text.join('')
  book.uncounted += (Math.round(asked.length / 3.9) + 7 * messages.length) * input + Math.round(said.length / 4.2) * output
}

function toUsage (prompt: number, completion: number, rest: object = {}): object {
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion, ...rest }
}

function answering (result: object, headers: Record<string, string> = {}): Step[] {
  return [json({ result, success: true, errors: [], messages: [] }, 200, headers)]
}

function streaming (...events: unknown[]): Step[] {
  return [STREAM_HEAD, ...events.map(event => frames(event)), frames('[DONE]'), LAST_CHUNK]
}

/** An answer whose header states its neurons. */
function stated (book: Book, number: number, text: string | null = 'Hello'): Step[] {
  const microNeurons = (number * 7_919) % 5_000_000 + 1
  book.counted += microNeurons
  return answering({ response: text, usage: toUsage(9, 9) }, { 'cf-ai-neurons': String(microNeurons / 1e6) })
}

/** An answer, or a stream, that counts its tokens. */
function counted (asked: Asked, book: Book, number: number, text = 'Hello'): Step[] {
  const [prompt, completion] = [50 + number % 90, 1 + number % 40]
  bill(book, LLAMA_RATES, prompt, completion)
  const usage = toUsage(prompt, completion)
  return wantsStream(asked) ? streaming({ response: text }, { response: '', usage }) : answering({ response: text, usage })
}

function left (asked: Asked): () => Promise<unknown> {
  return () => waited(() => asked.leftAt !== undefined, PATIENCE_MS)
}

const FORMAT = { type: 'json_schema', json_schema: { name: 's', schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } } }
const TOOLS = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: {} } } }]

const KINDS: Record<string, Kind> = {
  stated: { share: 150, body: chat(), upstream: (_, _count, book, number) => stated(book, number) },
  stated_in_usage: {
    share: 80,
    body: chat(),
    upstream: (_, _count, book, number) => {
      const microNeurons = (number * 104_729) % 9_000_000
      book.counted += microNeurons
      return answering({ response: 'Hello', usage: toUsage(5, 5, { neurons: microNeurons / 1e6 }) })
    }
  },
  counted: { share: 150, body: chat(), upstream: (asked, _, book, number) => counted(asked, book, number) },
  cached: {
    share: 60,
    body: word => ({ ...chat()(word), model: GLM }),
    upstream: (_, _count, book, number) => {
      const [prompt, cached] = [100 + number % 50, number % 90]
      bill(book, GLM_RATES, prompt, 7, cached)
      const usage = toUsage(prompt, 7, { prompt_tokens_details: { cached_tokens: cached } })
      return answering({ choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }], usage })
    }
  },
  stream: { share: 150, body: chat({ stream: true }), upstream: (asked, _, book, number) => counted(asked, book, number) },
  stream_stated: {
    share: 50,
    body: chat({ stream: true }),
    upstream: (_, _count, book, number) => {
      const microNeurons = (number * 15_485_863) % 7_000_000
      book.counted += microNeurons
      return streaming({ response: 'Hello' }, { response: '', usage: toUsage(3, 3, { neurons: microNeurons / 1e6 }) })
    }
  },
  stream_running: {
    share: 50,
    body: word => ({ ...chat({ stream: true })(word), model: GLM }),
    upstream: (_, _count, book) => {
      bill(book, GLM_RATES, 30, 4)
      const piece = (count: number) => ({ choices: [{ index: 0, delta: { content: 'Hi ' } }], usage: toUsage(30, count) })
      return streaming(piece(1), piece(2), piece(3), { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }, { choices: [], usage: toUsage(30, 4) })
    }
  },
  three_choices: { share: 30, body: chat({ n: 3 }), upstream: (_, count, book, number) => stated(book, number + count) },
  asked_again: { share: 20, body: chat({ tools: TOOLS, tool_choice: 'required' }), upstream: (asked, count, book, number) => counted(asked, book, number + count) },
  repaired: {
    share: 20,
    body: chat({ response_format: FORMAT }),
    upstream: (asked, count, book, number) => counted(asked, book, number, count === 1 ? 'no JSON' : '{"city":"Rome"}')
  },
  billed_but_empty: {
    share: 20,
    body: chat({ stream: true }),
    upstream: (asked, count, book, number) => counted(asked, book, number, count === 1 ? '' : 'Hello')
  },
  retried: { share: 10, body: own(), upstream: (_, count, book, number) => count === 1 ? failing(429, 3040) : stated(book, number) },
  failed: { share: 10, body: own(), upstream: () => failing(500, 8005) },
  refused: { share: 20, body: chat(), upstream: () => failing(400, 5006) },
  malformed: {
    share: 10,
    body: own(),
    upstream: (_, _count, book) => {
      book.counted += 250_000
      return [json('no JSON', 200, { 'cf-ai-neurons': '0.25' })]
    }
  },
  mistaken: { share: 20, body: chat({ temperature: 99 }), upstream: () => failing(500, 8005) },
  embedded: {
    share: 40,
    path: '/v1/embeddings',
    body: word => ({ model: BGE, input: `${word} ${TEXT}` }),
    upstream: (_, _count, book, number) => {
      bill(book, BGE_RATES, 10 + number % 50, 0)
      return answering({ shape: [1, 2], data: [[0.5, 0.5]], usage: toUsage(10 + number % 50, 0) })
    }
  },
  embedded_uncounted: {
    share: 20,
    path: '/v1/embeddings',
    body: word => ({ model: BGE, input: `${word} ${TEXT}` }),
    upstream: (asked, _, book) => {
      billUncounted(book, BGE_RATES, asked, '')
      return answering({ shape: [1, 2], data: [[0.5, 0.5]] })
    }
  },
  stream_uncounted: {
    share: 30,
    body: chat({ stream: true }),
    upstream: (asked, _, book) => {
      billUncounted(book, LLAMA_RATES, asked, TEXT)
      return streaming({ response: TEXT })
    }
  },
  left: {
    share: 30,
    body: chat({ stream: true }),
    leaves: true,
    upstream: (asked, _, book) => {
      billUncounted(book, LLAMA_RATES, asked, TEXT)
      return [STREAM_HEAD, frames({ response: TEXT }), left(asked)]
    }
  },
  broken: {
    share: 20,
    body: chat({ stream: true }),
    upstream: (asked, _, book) => {
      billUncounted(book, LLAMA_RATES, asked, TEXT)
      return [STREAM_HEAD, frames({ response: TEXT }), 20, 'RESET']
    }
  },
  stopped: {
    share: 10,
    body: chat({ stream: true, stop: ['THE END'] }),
    upstream: (asked, _, book) => {
      billUncounted(book, LLAMA_RATES, asked, TEXT)
      return [STREAM_HEAD, chunk(`data: ${JSON.stringify({ response: `${TEXT}THE END of it` })}\n\n`), left(asked)]
    }
  }
}

/** The kinds by their shares, each at least once, always in the same disorder. */
function toSchedule (requests: number): string[] {
  const all = Object.entries(KINDS).flatMap(([kind, { share }]) => Array.from({ length: Math.max(1, Math.round(requests * share / 1_000)) }, () => kind))
  let seed = 1
  const random = () => (seed = seed * 48_271 % 2_147_483_647)
  return all.map(kind => ({ kind, place: random() })).sort((one, other) => one.place - other.place).map(({ kind }) => kind)
}

interface Totals {
  requests: number
  neurons: number
  estimated_neurons: number
}

async function totalsOf ({ url }: Pick<Proxy, 'url'>): Promise<Totals> {
  return (await (await fetch(`${url}/usage`)).json() as { totals: Totals }).totals
}

t.test(`after ${REQUESTS} mixed requests the ledger has what was billed, to the micro-neuron`, async t => {
  const book = new Book()
  const counts = new Map<string, number>()
  const upstream = await startRawUpstream(t, asked => {
    const [word = '', kind = '', number = '0'] = /ledger-([a-z_]+)-(\d+)/.exec(asked.body) ?? /ledger-([a-z_]+)-(\d+)/.exec(asked.path) ?? []
    const count = (counts.get(word) ?? 0) + 1
    counts.set(word, count)
    return KINDS[kind]?.upstream(asked, count, book, Number(number)) ?? ['RESET']
  })
  const folder = mkdtempSync(join(tmpdir(), 'ledger-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const env = { CLOUDFLARE_API_BASE_URL: upstream.url, MAX_RETRIES: '1', STORE_PATH: join(folder, 'usage.db') }
  const proxy = await startProxy(t, env, {}, { logger: pino({ level: 'silent' }) })
  const schedule = toSchedule(REQUESTS)
  const startedAt = performance.now()
  await someAtOnce(32, schedule, async (kind, index) => {
    const { body, leaves, path = '/v1/chat/completions' } = KINDS[kind] as Kind
    const leaving = new AbortController()
    try {
      const response = await post(proxy, path, body(`ledger-${kind}-${index}`), { signal: leaving.signal })
      if (leaves) await response.body?.getReader().read()
      else await response.text()
    } catch {
      // A stream that breaks tells so.
    }
    leaving.abort()
  })
  const ms = performance.now() - startedAt
  let totals = await totalsOf(proxy)
  for (const since = Date.now(); totals.requests < schedule.length && Date.now() - since < PATIENCE_MS; totals = await totalsOf(proxy)) await sleep(50)
  t.equal(totals.requests, schedule.length, 'every request counts once')
  t.equal(Math.round(totals.neurons * 1e6), book.counted, 'every answer that had a count is booked as it was billed')
  const share = totals.estimated_neurons * 1e6 / book.uncounted
  t.ok(Math.abs(share - 1) <= 0.2, `estimated ${totals.estimated_neurons} of ${book.uncounted / 1e6} neurons that nobody counted`)
  t.comment(`${schedule.length} requests, ${upstream.asked.length} calls in ${(ms / 1_000).toFixed(1)} s: ${totals.neurons} neurons counted, ${totals.estimated_neurons} estimated of ${book.uncounted / 1e6}`)
  await proxy.app.close()
  const again = await startProxy(t, env)
  t.strictSame(await totalsOf(again), totals, 'the next start goes on with the same sums')
})
