import fc from 'fast-check'
import { chunk, http, json, LAST_CHUNK, STREAM_HEAD, type Step } from '../servers/raw-upstream.ts'
import { cut, JSON_ANSWERS, sizes, spoilt, STREAMS } from './spoilt-bytes.ts'
import { spoiltRequest, VALID } from './spoilt-json.ts'

/** One thing the upstream does with a connection, in a form that a file keeps: bytes are base64, pauses milliseconds. */
export type SavedStep = { bytes: string, times?: number } | { ms: number } | 'FIN' | 'RESET'

/** What a client does beside asking. Bytes are those of the answer that it has read, headers left out. */
export type Behaviour =
  | { kind: 'reads' }
  | { kind: 'pauses', ms: number }
  | { kind: 'reads nothing', ms: number }
  | { kind: 'leaves', afterBytes: number, byReset: boolean }
  | { kind: 'leaves before the answer', afterMs: number, byReset: boolean }
  | { kind: 'sends a part', share: number }
  | { kind: 'drips', pieces: number, ms: number }
  | { kind: 'half-closes' }

export interface Scenario {
  method: string
  path: string
  headers: Record<string, string>
  /** Base64. */
  body: string
  behaviour: Behaviour
}

/** Requests that are under way at the same time, and what the upstream does with the runs they lead to, in turns. */
export interface Batch {
  scenarios: Scenario[]
  scripts: SavedStep[][]
}

const toBase64 = (bytes: string | Buffer): string => Buffer.from(bytes).toString('base64')
const send = (bytes: string | Buffer, times?: number): SavedStep => ({ bytes: toBase64(bytes), ...(times !== undefined && { times }) })

export function toSteps (saved: readonly SavedStep[]): Step[] {
  return saved.map(step => {
    if (typeof step === 'string') return step
    if ('ms' in step) return step.ms
    const bytes = Buffer.from(step.bytes, 'base64')
    return step.times === undefined ? bytes : { again: bytes, times: step.times }
  })
}

const CODES = [3003, 3006, 3007, 3010, 3030, 3036, 3040, 3041, 3042, 3046, 4006, 5004, 5006, 5007, 5016, 5018, 5021, 5023, 5025, 5028, 5035, 6003, 7000, 7001, 7003, 8001, 8006, 9109, 10000]
const STATUSES = [400, 401, 403, 404, 405, 408, 413, 422, 429, 500, 502, 503, 504, 520, 529]

/** More than client and proxy hold, so that a client that does not read has it held back when the end comes. */
const flood = fc.integer({ min: 1, max: 1_500 }).map(times => send(chunk(`data: ${JSON.stringify({ response: 'x'.repeat(8_000) })}\n\n`), times))

/** How a connection goes on after what was sent; the answer is broken by most of these. */
const ending = fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 7 }), flood, fc.constantFrom<SavedStep[]>([], ['FIN'], ['RESET'], [{ ms: 30 }, 'RESET'], [{ ms: 300 }, 'RESET'], [{ ms: 300 }, 'FIN']))
  .map(([isBroken, chance, flood, end]): SavedStep[] => isBroken ? [...(chance === 0 ? [flood] : []), ...end] : [])

const pause = fc.oneof({ weight: 6, arbitrary: fc.constant<SavedStep[]>([]) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 60 }).map((ms): SavedStep[] => [{ ms }]) })

/** Its connection serves no other request. */
const LAST_STREAM_HEAD = http(200, { 'content-type': 'text/event-stream', 'transfer-encoding': 'chunked', connection: 'close' })

const chunked = fc.tuple(fc.oneof(fc.constantFrom(...STREAMS), spoilt(STREAMS)), sizes, pause, ending, fc.boolean(), fc.boolean()).map(([bytes, lengths, wait, end, isWhole, isLast]): SavedStep[] => {
  const pieces = cut(bytes, lengths.map(length => length * 10)).map(piece => send(chunk(piece)))
  return [send(isLast ? LAST_STREAM_HEAD : STREAM_HEAD), ...pieces.slice(0, 1), ...wait, ...pieces.slice(1), ...(isWhole ? [send(LAST_CHUNK)] : []), ...end]
})

/** An answer that ends with its connection, or says its length, right or wrong. */
const unchunked = fc.tuple(
  fc.oneof(spoilt(STREAMS), spoilt(JSON_ANSWERS)),
  fc.constantFrom('text/event-stream', 'application/json', 'text/html', ''),
  fc.option(fc.integer({ min: -20, max: 20 })),
  fc.constantFrom('keep-alive', 'close', 'close', ''),
  pause,
  ending
).map(([bytes, type, lengthError, connection, wait, end]): SavedStep[] => {
  const half = bytes.length >> 1
  return [
    send(http(200, {
      ...(type !== '' && { 'content-type': type }),
      ...(connection !== '' && { connection }),
      ...(lengthError !== null && { 'content-length': String(Math.max(0, bytes.length + lengthError)) })
    })),
    send(bytes.subarray(0, half)),
    ...wait,
    send(bytes.subarray(half)),
    ...(lengthError === null && end.length === 0 ? ['FIN' as const] : end)
  ]
})

const whole = fc.constantFrom(...JSON_ANSWERS).map((bytes): SavedStep[] => [send(json(bytes.toString()))])

const refusal = fc.record({ status: fc.constantFrom(...STATUSES), code: fc.constantFrom(...CODES), retryAfter: fc.constantFrom('', '0', '1', '99999', 'soon'), end: ending }).map(({ status, code, retryAfter, end }): SavedStep[] => [
  send(json({ result: null, success: false, errors: [{ code, message: `AiError: AiError: something (${code})` }], messages: [] }, status, retryAfter === '' ? {} : { 'retry-after': retryAfter })),
  ...end
])

const rawHttp = fc.tuple(spoilt([Buffer.concat([STREAM_HEAD, chunk(STREAMS[0] ?? ''), Buffer.from(LAST_CHUNK)]), json({ result: { response: 'x' }, success: true })]), ending).map(([bytes, end]): SavedStep[] => [send(bytes), ...end])

const script = fc.oneof(
  { weight: 6, arbitrary: chunked },
  { weight: 3, arbitrary: unchunked },
  { weight: 2, arbitrary: whole },
  { weight: 2, arbitrary: refusal },
  { weight: 1, arbitrary: rawHttp }
)

const behaviour: fc.Arbitrary<Behaviour> = fc.oneof(
  { weight: 8, arbitrary: fc.constant({ kind: 'reads' as const }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pauses' as const), ms: fc.integer({ min: 1, max: 700 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('reads nothing' as const), ms: fc.integer({ min: 1, max: 2_500 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('leaves' as const), afterBytes: fc.integer({ min: 0, max: 100_000 }), byReset: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leaves before the answer' as const), afterMs: fc.integer({ min: 0, max: 60 }), byReset: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('sends a part' as const), share: fc.double({ min: 0, max: 0.99, noNaN: true }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('drips' as const), pieces: fc.integer({ min: 2, max: 6 }), ms: fc.integer({ min: 0, max: 20 }) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'half-closes' as const }) }
)

/** Keys of two tenants, and of nobody. */
export const KEYS = ['fuzz-key-of-one', 'fuzz-key-of-two'] as const
const authorization = fc.constantFrom<Record<string, string>>({ authorization: `Bearer ${KEYS[0]}` }, { authorization: `Bearer ${KEYS[1]}` }, { 'x-api-key': KEYS[0] }, {}, { authorization: 'Bearer nobody' }, { authorization: 'Basic' })
const oddHeaders = fc.oneof(
  { weight: 10, arbitrary: fc.constant<Record<string, string>>({}) },
  { weight: 3, arbitrary: fc.constantFrom<Record<string, string>>({ 'x-dry-run': 'true' }, { connection: 'close' }, { expect: '100-continue' }, { 'content-encoding': 'gzip' }, { 'content-type': 'text/plain' }, { 'content-type': '' }, { 'x-request-id': 'a\tb' }, { 'accept-encoding': 'gzip, zstd' }, { upgrade: 'websocket', connection: 'upgrade' }, { origin: 'https://evil.example' }, { host: 'evil.example' }) }
)

const validRequest = fc.constantFrom(...Object.entries(VALID).flatMap(([path, bodies]) => bodies.map(body => ({ path, body: body as unknown }))))

const asking = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.tuple(fc.oneof(validRequest, spoiltRequest), fc.boolean()).map(([{ path, body }, stream]) => ({
      method: 'POST',
      path,
      body: JSON.stringify(stream && typeof body === 'object' && body !== null && path !== '/v1/embeddings' ? { ...body, stream: true } : body) ?? ''
    }))
  },
  {
    weight: 1,
    arbitrary: fc.record({
      method: fc.constantFrom('GET', 'DELETE', 'POST', 'PUT', 'HEAD', 'OPTIONS'),
      path: fc.constantFrom('/v1/models', '/v1/models/@cf/openai/gpt-oss-20b', '/v1/models/x', '/v1/responses', '/v1/responses/resp_1', '/v1/responses/compact', '/v1/responses/resp_1/input_items', '/health', '/readyz', '/nothing', '/v1/chat/completions', '/v1/messages', '/'),
      body: fc.constantFrom('', '{}', '{')
    })
  }
)

const scenario: fc.Arbitrary<Scenario> = fc.tuple(asking, authorization, oddHeaders, behaviour).map(([{ method, path, body }, key, odd, behaviour]) => ({
  method,
  path,
  headers: { 'content-type': 'application/json', ...key, ...odd },
  body: toBase64(body),
  behaviour
}))

const batch: fc.Arbitrary<Batch> = fc.record({
  scenarios: fc.array(scenario, { minLength: 1, maxLength: 12 }),
  scripts: fc.array(script, { minLength: 1, maxLength: 16 })
})

/** @param seed a whole number; the same gives the same batch, as long as the generators stay as they are */
export function toBatch (seed: number): Batch {
  const [one] = fc.sample(batch, { seed, numRuns: 1 })
  return one as Batch
}
