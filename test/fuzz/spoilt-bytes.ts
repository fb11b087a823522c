import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'

const FIXTURES = new URL('../fixtures/native/', import.meta.url)

/** What Cloudflare has sent, as the fixtures have it. */
const answers = readdirSync(FIXTURES, { recursive: true, encoding: 'utf8' })
  .filter(file => /\.(?:sse|json)$/.test(file) && !file.endsWith('.expected.json'))
  .map(file => ({ isStream: file.endsWith('.sse'), bytes: readFileSync(new URL(file, FIXTURES)) }))
export const STREAMS = answers.filter(({ isStream }) => isStream).map(({ bytes }) => bytes)
export const JSON_ANSWERS = answers.filter(({ isStream }) => !isStream).map(({ bytes }) => bytes)

/** Bytes that mean something to somebody who reads streams, JSON or HTTP. */
const TELLING = ['\n\n', '\r\n', '\r', 'data: ', 'data:', ': ', '[DONE]', 'data: [DONE]\n\n', '{', '}', '[', ']', '"', '\\', '\\u', '\\ud800', 'null', 'true', '1e999', '-', ',', ':', '\u0000', '\uFEFF', '\u2028', '<think>', '</think>', '<tool_call>', '"response":', '"choices":', '"tool_calls":', '"error":', '"finish_reason":"stop"', '__proto__', '0\r\n\r\n'].map(text => Buffer.from(text))

const telling = fc.constantFrom(...TELLING)
const random = fc.uint8Array({ maxLength: 40 }).map(bytes => Buffer.from(bytes))

/** One way to spoil bytes, at a place given as a share of their length. */
const mutation = fc.oneof(
  fc.record({ kind: fc.constant('insert' as const), at: fc.double({ min: 0, max: 1, noNaN: true }), bytes: fc.oneof(telling, random) }),
  fc.record({ kind: fc.constant('overwrite' as const), at: fc.double({ min: 0, max: 1, noNaN: true }), bytes: fc.oneof(telling, random) }),
  fc.record({ kind: fc.constant('remove' as const), at: fc.double({ min: 0, max: 1, noNaN: true }), length: fc.integer({ min: 1, max: 60 }) }),
  fc.record({ kind: fc.constant('repeat' as const), at: fc.double({ min: 0, max: 1, noNaN: true }), length: fc.integer({ min: 1, max: 200 }) }),
  fc.record({ kind: fc.constant('end' as const), at: fc.double({ min: 0, max: 1, noNaN: true }) })
)
type Mutation = typeof mutation extends fc.Arbitrary<infer T> ? T : never

function mutated (bytes: Buffer, mutations: readonly Mutation[]): Buffer {
  return mutations.reduce(changed, bytes)
}

function changed (bytes: Buffer, change: Mutation): Buffer {
  const at = Math.floor(change.at * bytes.length)
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)]
  switch (change.kind) {
    case 'insert': return Buffer.concat([before, change.bytes, after])
    case 'overwrite': return Buffer.concat([before, change.bytes, after.subarray(change.bytes.length)])
    case 'remove': return Buffer.concat([before, after.subarray(change.length)])
    case 'repeat': return Buffer.concat([before, after.subarray(0, change.length), after])
    case 'end': return before
  }
}

/** Some of these bytes with a few changes, or other bytes altogether. */
export const spoilt = (sources: readonly Buffer[]) => fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constantFrom(...sources), fc.array(mutation, { maxLength: 4 })).map(([bytes, mutations]) => mutated(bytes, mutations)) },
  { weight: 1, arbitrary: fc.array(fc.oneof(telling, random), { maxLength: 30 }).map(Buffer.concat) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 2_000 }).map(bytes => Buffer.from(bytes)) }
)

/** The bytes in pieces of these sizes, again and again. */
export function cut (bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0, count = 0; at < bytes.length; count++) {
    const size = sizes[count % sizes.length] ?? bytes.length
    pieces.push(bytes.subarray(at, at + size))
    at += size
  }
  return pieces
}

/** How long the pieces are. */
export const sizes = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 5 })
