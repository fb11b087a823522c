import { readdirSync, readFileSync } from 'node:fs'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { buildApp } from '../src/app.ts'
import { Ending } from '../src/stages/ending.ts'
import type { ChatCompletion } from '../src/surfaces/openai/chat-completions/wire.ts'
import type { ErrorBody } from '../src/surfaces/openai/error-body.ts'
import { readSettings } from '../src/settings/reader.ts'
import { ChatChunks } from '../src/surfaces/openai/chat-completions/chunks.ts'
import { GenerationReader } from '../src/workers-ai/answer/generation-reader.ts'
import { SseDecoder } from '../src/workers-ai/answer/sse-decoder.ts'
import { assembled, readChatStream, type AssembledMessage, type ChatStream } from './streams/chat-stream.ts'
import { startRecordedUpstream, type Answer, type RecordedUpstream } from './servers/recorded-upstream.ts'

const FOLDER = new URL('fixtures/native/', import.meta.url)

/** One `*.expected.json`: what a caller must be told for the native bytes beside it. */
interface Case {
  /** The quirk, in one sentence. */
  about: string
  model: string
  /** What Cloudflare answers with; 200 and the content type of the file when absent. */
  status?: number
  contentType?: string
  /** Members of the caller's request beside the model and one message. */
  request?: Record<string, unknown>
  expected: {
    /** The message, or how much of it came before an error; calls have the ids `call_1`, `call_2`. */
    message?: AssembledMessage
    finish_reason?: string
    /** The members that matter. */
    usage?: Record<string, unknown>
    /** `status` is the HTTP status, or "stream" for an error event. */
    error?: { status: number | 'stream', type: string, code: string | null, message?: string }
  }
}

interface Fixture extends Case {
  name: string
  native: Answer & { body: Buffer }
  /** What Cloudflare answers when it is asked without `stream`; the same when absent. */
  plain: Answer | undefined
}

const fixtures = readdirSync(FOLDER).flatMap(folder => readdirSync(new URL(`${folder}/`, FOLDER))
  .filter(file => file.endsWith('.expected.json'))
  .map(file => readFixture(`${folder}/${file.replace('.expected.json', '')}`)))
const streams = fixtures.filter(({ native }) => native.contentType === 'text/event-stream')

t.test('every native answer is told as OpenAI would tell it', async t => {
  let current = fixtures[0] as Fixture
  const upstream = await startRecordedUpstream(t, ({ body }) => body['stream'] === true ? current.native : current.plain ?? current.native)
  const url = await startProxy(t, upstream)
  for (const fixture of fixtures) {
    t.test(`${fixture.name}: ${fixture.about}`, async t => {
      current = fixture
      await checkStream(t, fixture, await ask(url, fixture, true))
      if (!streams.includes(fixture)) await checkAnswer(t, fixture, await ask(url, fixture, false))
    })
  }
})

t.test('however the bytes of a stream are cut, the same chunks come out', t => {
  for (const { name, native } of streams) {
    const expected = chunksOf(native.body, [])
    const letters = Array.from({ length: native.body.length }, (_, at) => at)
    t.equal(chunksOf(native.body, letters), expected, `${name}, a byte at a time`)
    // Long streams are cut at some places only: their frames are all alike.
    const step = Math.ceil(native.body.length / 150)
    const wrong = letters.filter(cut => cut % step === 0 && chunksOf(native.body, [cut]) !== expected)
    t.strictSame(wrong, [], `${name}, in two`)
  }
  t.end()
})

function readFixture (name: string): Fixture {
  const read = (ending: string) => readFileSync(new URL(name + ending, FOLDER))
  const files = readdirSync(new URL('.', new URL(name, FOLDER)))
  const has = (ending: string) => files.includes(`${name.split('/')[1]}${ending}`)
  const { contentType, ...rest } = JSON.parse(read('.expected.json').toString()) as Case
  return {
    name,
    ...rest,
    native: {
      status: rest.status ?? 200,
      contentType: contentType ?? (has('.sse') ? 'text/event-stream' : 'application/json'),
      body: read(has('.sse') ? '.sse' : '.json')
    },
    plain: has('.plain.json') ? { body: read('.plain.json') } : undefined
  }
}

async function startProxy (t: Test, { url }: RecordedUpstream): Promise<string> {
  const { settings } = readSettings({
    env: { CLOUDFLARE_ACCOUNT_ID: 'account', CLOUDFLARE_API_TOKEN: 'token', CLOUDFLARE_API_BASE_URL: url, MAX_RETRIES: '0' },
    readFile: () => ''
  })
  const app = await buildApp(settings, { logger: pino({ level: 'silent' }) })
  t.teardown(() => app.close())
  return app.listen({ host: '127.0.0.1', port: 0 })
}

function ask (url: string, { model, request, expected }: Fixture, stream: boolean): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model,
      messages: [{ role: 'user', content: 'Hello?' }],
      stream,
      ...(stream && expected.usage && { stream_options: { include_usage: true } }),
      ...request
    })
  })
}

async function checkStream (t: Test, { model, expected }: Fixture, response: Response): Promise<void> {
  const { error } = expected
  if (error && error.status !== 'stream') return checkError(t, error, response)
  t.equal(response.status, 200, 'the stream begins')
  t.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8')
  const stream = readChatStream(await response.text(), { withUsage: expected.usage !== undefined })
  t.strictSame(stream.complaints, [], 'the stream keeps the rules')
  t.equal(stream.chunks[0]?.model, model, 'the model bears the name the caller gave it')
  checkStreamed(t, expected, stream)
}

function checkStreamed (t: Test, expected: Case['expected'], { chunks, error }: ChatStream): void {
  const [choice] = assembled(chunks)
  const { role, refusal, ...message } = toComparable(choice?.message ?? {})
  t.strictSame({ role, refusal }, { role: 'assistant', refusal: null }, 'streamed role')
  t.strictSame(message, toComparable(expected.message ?? {}), 'streamed message')
  t.equal(choice?.finish_reason, expected.finish_reason ?? null, 'streamed finish reason')
  if (expected.usage) t.match(chunks.at(-1)?.usage, expected.usage, 'streamed usage')
  if (expected.error) matchError(t, expected.error, error)
}

async function checkAnswer (t: Test, { model, expected }: Fixture, response: Response): Promise<void> {
  if (expected.error) return checkError(t, expected.error, response)
  t.equal(response.status, 200, 'the answer is a success')
  const answer = await response.json() as ChatCompletion
  const [choice] = answer.choices
  t.match(answer, { id: /^chatcmpl-\w{29}$/, object: 'chat.completion', created: Number, model, service_tier: 'default', system_fingerprint: /^fp_[0-9a-f]{10}$/ })
  t.match(choice, { index: 0, logprobs: null, message: { role: 'assistant', refusal: null, annotations: [] } })
  const { role: _, refusal: __, annotations: ___, ...message } = choice?.message ?? { annotations: [] }
  t.strictSame(withOwnIds(message as AssembledMessage), expected.message, 'message')
  t.equal(choice?.finish_reason, expected.finish_reason, 'finish reason')
  if (expected.usage) t.match(answer.usage, expected.usage, 'usage')
  t.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens, 'the total is the sum')
}

async function checkError (t: Test, expected: NonNullable<Case['expected']['error']>, response: Response): Promise<void> {
  t.equal(response.status, expected.status, 'status')
  matchError(t, expected, (await response.json() as ErrorBody).error)
}

function matchError (t: Test, { type, code, message = '' }: NonNullable<Case['expected']['error']>, error: ErrorBody['error'] | undefined): void {
  t.match(error, { type, code }, 'error')
  t.ok(error?.message.includes(message), `the error says ${JSON.stringify(message)}: ${error?.message}`)
  t.notMatch(error?.message, /<html|accounts\//i, 'and repeats no page and no address')
}

/** A stream cannot know beforehand whether there will be text, so beside calls no text may be null or empty. */
function toComparable (message: AssembledMessage): AssembledMessage {
  const hasCalls = message.tool_calls !== undefined || message.function_call !== undefined
  return withOwnIds({ ...message, content: hasCalls ? message.content || null : message.content ?? '' })
}

function withOwnIds (message: AssembledMessage): AssembledMessage {
  if (message.tool_calls === undefined) return message
  const ids = new Set(message.tool_calls.map(({ id }) => id))
  const areOurs = ids.size === message.tool_calls.length && [...ids].every(id => /^call_\w{24}$|^call_\d$/.test(id))
  return { ...message, tool_calls: message.tool_calls.map((call, index) => ({ ...call, id: areOurs ? `call_${index + 1}` : call.id })) }
}

/** The chunks' text for a stream that is read in pieces which end at `cuts`. */
function chunksOf (bytes: Buffer, cuts: readonly number[]): string {
  let calls = 0
  const decoder = new SseDecoder()
  const reader = new GenerationReader(() => `call_${++calls}`)
  const ending = new Ending({ promptTokens: 5, maxTokens: 100 })
  const chunks = new ChatChunks({ id: 'chatcmpl-1', created: 1, model: 'm', fingerprint: 'fp_1', legacyFunctions: false }, 0, true)
  const places = [0, ...cuts, bytes.length]
  let text = ''
  for (const [index, end] of places.slice(1).entries()) {
    const batch: Parameters<Ending['push']>[0] = []
    for (const event of decoder.push(bytes.subarray(places[index], end))) reader.readEvent(event, batch)
    text += chunks.encode(ending.push(batch))
  }
  const last: Parameters<Ending['push']>[0] = []
  for (const event of decoder.end()) reader.readEvent(event, last, true)
  reader.end(last)
  const failure = last.at(-1)
  return text + chunks.encode(ending.push(last)) + JSON.stringify(chunks.usage) + (failure?.type === 'failure' ? failure.error.message : '')
}
