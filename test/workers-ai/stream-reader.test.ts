import { deepStrictEqual, equal } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { Batch } from '../../src/generation/event.ts'
import { ChatChunks } from '../../src/translate/chat-chunks.ts'
import { GenerationReader } from '../../src/workers-ai/generation-reader.ts'
import { SseDecoder } from '../../src/workers-ai/sse-decoder.ts'
import { StreamReader } from '../../src/workers-ai/stream-reader.ts'

/** What a stream says, and what a client hears of it, each event read by itself. */
function slowly (bytes: Buffer): { events: unknown[], text: string } {
  const decoder = new SseDecoder()
  const reader = new GenerationReader(() => 'call_1')
  const events: Batch = []
  for (const event of decoder.push(bytes)) reader.readEvent(event, events)
  for (const event of decoder.end()) reader.readEvent(event, events, true)
  reader.end(events)
  return told([events])
}

/** The same, as the stream reader reads it in pieces of these lengths. */
function quickly (bytes: Buffer, lengths: readonly number[]): { events: unknown[], text: string } {
  const reader = new GenerationReader(() => 'call_1')
  const stream = new StreamReader(reader)
  const batches: Batch[] = []
  let at = 0
  for (const length of [...lengths, bytes.length]) batches.push(stream.push(bytes.subarray(at, at += length)))
  const last = stream.end()
  reader.end(last)
  return told([...batches, last])
}

/** Errors are compared by what they say, and texts without the form they came in. */
function told (batches: readonly Batch[]): { events: unknown[], text: string } {
  const chunks = new ChatChunks({ id: 'i', created: 1, model: 'm', legacyFunctions: false }, 0, false)
  const plain = batches.flat().map(event => {
    if (event.type === 'failure') return event.error.message
    return event.type === 'text' ? { type: 'text', text: event.text } : event
  })
  return { events: plain, text: Buffer.concat(batches.map(batch => chunks.tell(batch))).toString() }
}

const response = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }), fc.stringMatching(/^[a-z "\\\n\t/]{0,8}$/), fc.integer(), fc.constant(null))
const frame = fc.oneof(
  { weight: 8, arbitrary: fc.record({ response, tool_calls: fc.constant([]), p: fc.stringMatching(/^[a-z0-9]{0,20}$/) }, { requiredKeys: ['response'] }).map(value => JSON.stringify(value)) },
  fc.record({ response, finish_reason: fc.constantFrom('stop', 'length') }).map(value => JSON.stringify(value)),
  fc.constantFrom('{"response":"","usage":{"prompt_tokens":3,"completion_tokens":4}}', '{"tool_calls":[],"p":"ab"}', '{"errors":[{"code":3040,"message":"busy"}],"success":false}', '{"response":"a\tb"}', '{"response":"a\\/b"}', '{"response":"cut', '[DONE]')
)
const lineEnd = fc.oneof({ weight: 8, arbitrary: fc.constant('\n') }, fc.constantFrom('\r\n', '\r'))
const prefix = fc.oneof({ weight: 12, arbitrary: fc.constant('data: ') }, fc.constantFrom('data:', 'event: x\ndata: ', ': ping\n\ndata: ', '\n\ndata: ', '\uFEFFdata: ', 'data: {}\ndata: '))
const stream = fc.record({
  events: fc.array(fc.tuple(prefix, frame, lineEnd, lineEnd), { maxLength: 12 }),
  isCut: fc.boolean(),
  lengths: fc.array(fc.nat({ max: 60 }), { maxLength: 30 })
})

t.test('the fast lane says exactly what the slow one says, however a stream is cut, and clients hear the same', t => {
  fc.assert(fc.property(stream, ({ events, isCut, lengths }) => {
    const whole = Buffer.from(events.map(([prefix, frame, first, second]) => `${prefix}${frame}${first}${second}`).join(''))
    const bytes = isCut ? whole.subarray(0, -3) : whole
    const expected = slowly(bytes)
    const actual = quickly(bytes, lengths)
    deepStrictEqual(actual.events, expected.events)
    equal(actual.text, expected.text)
  }), { numRuns: 3_000 })
  t.pass()
  t.end()
})

t.test('bytes that are no UTF-8 are read alike, too', t => {
  const piece = fc.oneof(fc.uint8Array({ maxLength: 6 }), fc.constantFrom('data: {"response":"', '"}\n\n', 'é', '漢').map(text => Buffer.from(text)))
  fc.assert(fc.property(fc.array(piece, { maxLength: 20 }), fc.array(fc.nat({ max: 30 }), { maxLength: 20 }), (pieces, lengths) => {
    const bytes = Buffer.concat([Buffer.from('data: {"response":"a"}\n\n'), ...pieces])
    deepStrictEqual(quickly(bytes, lengths), slowly(bytes))
  }), { numRuns: 3_000 })
  t.pass()
  t.end()
})
