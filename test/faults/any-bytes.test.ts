import fc from 'fast-check'
import t from 'tap'
import { UpstreamError } from '../../src/errors.ts'
import type { Batch } from '../../src/generation/event.ts'
import { GenerationReader } from '../../src/workers-ai/answer/generation-reader.ts'
import { SseDecoder } from '../../src/workers-ai/answer/sse-decoder.ts'
import { readChatStream } from '../streams/chat-stream.ts'
import { cut, JSON_ANSWERS, sizes, spoilt, STREAMS } from '../fuzz/spoilt-bytes.ts'
import { faultsOf } from '../openai-schemas.ts'
import { ask, startProxy } from '../servers/start-proxy.ts'
import { chunk, http, LAST_CHUNK, startRawUpstream, STREAM_HEAD, type Step } from '../servers/raw-upstream.ts'
import { runs } from '../property-runs.ts'

/** How many times as many cases are tried, for those who have the time. */
/** Whether a stream says anywhere that it has come to its end. */
function holdsEnd (bytes: Buffer): boolean {
  const text = bytes.toString()
  return text.includes('[DONE]') || /"finish_reason"\s*:\s*"[^"]/.test(text)
}

/** The events of a stream that comes in these pieces; what the wire would throw is thrown. */
function eventsOf (pieces: readonly Buffer[]): Batch {
  const decoder = new SseDecoder()
  const reader = new GenerationReader(() => 'call_1')
  const batch: Batch = []
  for (const piece of pieces) for (const event of decoder.push(piece)) reader.readEvent(event, batch)
  for (const event of decoder.end()) reader.readEvent(event, batch, true)
  reader.end(batch)
  return batch
}

t.test('any bytes are read as events that end once, and well only where the bytes say so', t => {
  fc.assert(fc.property(spoilt(STREAMS), sizes, (bytes, lengths) => {
    let events: Batch
    try {
      events = eventsOf(cut(bytes, lengths))
    } catch (error) {
      if (error instanceof UpstreamError) return
      throw error
    }
    const ends = events.flatMap(({ type }, index) => type === 'finish' || type === 'failure' ? [index] : [])
    if (ends.length !== 1 || ends[0] !== events.length - 1) throw new Error(`ends at ${ends.join()} of ${events.length}`)
    if (events.at(-1)?.type === 'finish' && !holdsEnd(bytes)) throw new Error('ends well without an end')
    for (const event of events) {
      if ((event.type === 'text' || event.type === 'reasoning') && typeof event.text !== 'string') throw new Error('text that is none')
      if (event.type === 'tool_call' && typeof event.arguments !== 'string') throw new Error('arguments that are none')
    }
  }), { numRuns: runs(3_000) })
  t.pass()
  t.end()
})

t.test('any bytes are read alike, however they are cut', t => {
  fc.assert(fc.property(spoilt(STREAMS), sizes, (bytes, lengths) => {
    const told = (pieces: readonly Buffer[]) => {
      const events = eventsOf(pieces)
      const text = events.map(event => event.type === 'text' ? event.text : '').join('')
      return JSON.stringify([text, events.filter(({ type }) => type !== 'text').map(event => event.type === 'failure' ? event.error.message : event)])
    }
    if (told([bytes]) !== told(cut(bytes, lengths))) throw new Error('a cut made a difference')
  }), { numRuns: runs(1_500) })
  t.pass()
  t.end()
})

t.test('any bytes from Cloudflare become a stream or an answer OpenAI could have sent, or a clean error', async t => {
  let steps: Step[] = []
  const evil = await startRawUpstream(t, () => steps)
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: evil.url, MAX_RETRIES: '0', UPSTREAM_HEADERS_TIMEOUT_MS: '5000', UPSTREAM_IDLE_TIMEOUT_MS: '5000' })
  const weather = { type: 'function', function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } } }
  const rests = [{}, { tools: [weather] }, { response_format: { type: 'json_object' } }, { stop: ['e'] }, { n: 2 }, { max_tokens: 3 }]
  const models = ['@cf/meta/llama-3.3-70b-instruct-fp8-fast', '@cf/mistralai/mistral-small-3.1-24b-instruct', '@cf/openai/gpt-oss-20b', '@cf/qwen/qwq-32b', '@cf/zai-org/glm-4.7-flash', '@cf/evil/x']
  const wire = fc.oneof(
    { weight: 5, arbitrary: fc.record({ head: fc.constant('stream' as const), bytes: spoilt(STREAMS) }) },
    { weight: 2, arbitrary: fc.record({ head: fc.constant('json' as const), bytes: spoilt(JSON_ANSWERS) }) },
    { weight: 1, arbitrary: fc.record({ head: fc.constant('none' as const), bytes: spoilt([Buffer.concat([STREAM_HEAD, chunk(STREAMS[0] ?? ''), Buffer.from(LAST_CHUNK)])]) }) }
  )
  let wrong: string[] = []
  await fc.assert(fc.asyncProperty(wire, sizes, fc.constantFrom(...rests), fc.constantFrom(...models), fc.boolean(), async ({ head, bytes }, lengths, rest, model, stream) => {
    const pieces = cut(bytes, lengths.map(length => length * 10))
    steps = [
      ...(head === 'stream' ? [STREAM_HEAD, ...pieces.map(chunk), LAST_CHUNK] : []),
      ...(head === 'json' ? [http(200, { 'content-type': 'application/json' }), bytes] : []),
      ...(head === 'none' ? pieces : []),
      'FIN'
    ]
    const response = await ask(proxy, { model, messages: [{ role: 'user', content: 'x' }], stream, ...rest })
    wrong = faultsOfAnswer(response, await response.text(), stream, head === 'stream' && !holdsEnd(bytes) && !('stop' in rest))
    if (wrong.length > 0) throw new Error(wrong.join('\n'))
  }), { numRuns: runs(300), endOnFailure: true })
  t.strictSame(proxy.lines().filter(({ level }) => Number(level) >= 50), [], 'none is taken for a bug of ours')
})

/** @param isOpen whether neither the bytes nor the caller set an end, so that nothing may look as if it had come to one */
function faultsOfAnswer (response: Response, text: string, stream: boolean, isOpen: boolean): string[] {
  if (response.status !== 200) return [...(response.status >= 400 && response.status !== 500 ? [] : [`status ${response.status}`]), ...faultsOf('ErrorResponse', JSON.parse(text))]
  if (!stream) return [...(isOpen ? [`an answer without an end: ${text}`] : []), ...faultsOf('CreateChatCompletionResponse', JSON.parse(text))]
  const { chunks, error, isDone, complaints } = readChatStream(text)
  return [
    ...complaints,
    ...chunks.flatMap(one => faultsOf('CreateChatCompletionStreamResponse', one)),
    ...(error ? faultsOf('ErrorResponse', { error }) : []),
    ...(isOpen && isDone ? [`a stream without an end is done: ${text}`] : [])
  ]
}
