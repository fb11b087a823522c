import { deepStrictEqual, equal } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { Batch } from '../../../src/generation/event.ts'
import { ChatChunks } from '../../../src/surfaces/openai/chat-completions/chunks.ts'
import { GenerationReader } from '../../../src/workers-ai/answer/generation-reader.ts'
import { SseDecoder } from '../../../src/workers-ai/answer/sse-decoder.ts'
import { StreamReader } from '../../../src/workers-ai/answer/stream-reader.ts'
import { classicStream } from '../../streams/classic-streams.ts'
import { runs } from '../../property-runs.ts'

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
  const chunks = new ChatChunks({ id: 'i', created: 1, model: 'm', fingerprint: 'fp_1', legacyFunctions: false }, 0, false)
  const plain = batches.flat().map(event => {
    if (event.type === 'failure') return event.error.message
    return event.type === 'text' || event.type === 'reasoning' ? { ...event, json: undefined } : event
  })
  return { events: plain, text: Buffer.concat(batches.map(batch => chunks.encode(batch))).toString() }
}

t.test('the fast path says exactly what the slow one says, however a stream is cut, and clients hear the same', t => {
  fc.assert(fc.property(classicStream, ({ bytes, lengths }) => {
    const expected = slowly(bytes)
    const actual = quickly(bytes, lengths)
    deepStrictEqual(actual.events, expected.events)
    equal(actual.text, expected.text)
  }), { numRuns: runs(3_000) })
  t.pass()
  t.end()
})

type Frame = Record<string, unknown>

const piece = fc.oneof({ weight: 4, arbitrary: fc.stringMatching(/^[a-zA "\\\n/é漢]{1,4}$/) }, fc.string({ unit: 'binary', maxLength: 3 }), fc.constantFrom('', 'assistant', 'chat', 'stop', '\uD83D'), fc.integer(), fc.constant(null))
const count = fc.oneof({ weight: 6, arbitrary: fc.nat({ max: 200 }) }, fc.constantFrom(null, -1, 1.5, 1e-7, 1e21, 'many'))
const usage = fc.record({
  prompt_tokens: count,
  completion_tokens: count,
  prompt_tokens_details: fc.oneof(fc.record({ cached_tokens: count }), fc.constant(null)),
  neurons: fc.double({ min: 0, max: 1 })
}, { requiredKeys: [] })
const said = fc.oneof(fc.record({ content: piece }), fc.record({ reasoning_content: piece }), fc.record({ reasoning: piece }))

/** What the frames of one stream have in common; the members of a delta are also those of a second voice. */
const manner = fc.record({
  head: fc.record({ id: fc.constantFrom('chat', 'x'), object: fc.constant('chat.completion.chunk'), created: fc.nat(), model: fc.constant('@cf/m(o)del.*') }, { requiredKeys: [] }),
  delta: fc.record({ role: fc.constant('assistant'), tool_calls: fc.constantFrom(null, []), reasoning_content: fc.constantFrom(null, ''), content: fc.constantFrom(null, '', 'b') }, { requiredKeys: [] }),
  choice: fc.record({ index: fc.constantFrom(0, 0, 0, 1), logprobs: fc.constant(null), finish_reason: fc.constantFrom(null, ''), text: fc.constantFrom('', 'd') }, { requiredKeys: ['index'] }),
  tail: fc.record({ p: fc.constantFrom('', 'abc'), response: fc.constantFrom('', 'c'), prompt_token_ids: fc.constant(null) }, { requiredKeys: [] }),
  hasUsage: fc.boolean(),
  order: fc.array(fc.nat(), { minLength: 12, maxLength: 12 }),
  isSpaced: fc.boolean(),
  isWrapped: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.constant(true))
})
/** Now and then one frame is in another manner. */
const oddity = fc.constantFrom<Frame>({ finish_reason: 'stop' }, { usage: { prompt_tokens: 7, completion_tokens: 8 } }, { usage: null }, { id: 'other' }, { id: '"' }, { error: { message: 'busy' } }, { tool_calls: [{ name: 'f', arguments: {} }] }, { response: 'r' }, { choices: [] })
const openAIFrame = fc.tuple(said, usage, fc.option(oddity, { freq: 8 }))
const openAIStream = fc.record({
  manner,
  frames: fc.array(openAIFrame, { minLength: 1, maxLength: 12 }),
  isDone: fc.boolean(),
  lengths: fc.array(fc.nat({ max: 900 }), { maxLength: 12 })
})

function toOpenAIFrames ({ manner, frames }: { manner: Frame & { hasUsage: boolean, order: number[], isSpaced: boolean, isWrapped: boolean }, frames: Array<[Frame, Frame, Frame | null]> }): string[] {
  const { head, delta, choice, tail, hasUsage, order, isSpaced, isWrapped } = manner
  return frames.map(([said, usage, oddity]) => {
    const choices = [inOrder({ ...choice as Frame, delta: inOrder({ ...delta as Frame, ...said }, order) }, order)]
    const frame = inOrder({ ...head as Frame, choices, ...(hasUsage && { usage }), ...tail as Frame, ...oddity }, order)
    const json = JSON.stringify(isWrapped ? { result: frame } : frame, null, isSpaced ? 1 : 0)
    return `data: ${json.replaceAll(/\n */g, ' ')}\n\n`
  })
}

function inOrder (frame: Frame, order: number[]): Frame {
  const ranked = Object.entries(frame).map((entry, index) => ({ entry, rank: order[index] ?? 0 }))
  return Object.fromEntries(ranked.sort((one, other) => one.rank - other.rank).map(({ entry }) => entry))
}

t.test('so it does of frames it has learned, whatever their members and their order', t => {
  fc.assert(fc.property(openAIStream, ({ lengths, isDone, ...frames }) => {
    const bytes = Buffer.from(toOpenAIFrames(frames).join('') + (isDone ? 'data: [DONE]\n\n' : ''))
    const expected = slowly(bytes)
    const actual = quickly(bytes, [1, ...lengths])
    deepStrictEqual(actual.events, expected.events)
    equal(actual.text, expected.text)
  }), { numRuns: runs(5_000) })
  t.pass()
  t.end()
})

t.test('a first piece that also stands elsewhere in its frame, or looks like a part of it, is read like any other', t => {
  const frames: Array<(text: string) => object> = [
    response => ({ response, tool_calls: [], p: 'ab' }),
    response => ({ p: 'ab', response }),
    content => ({ id: 'content', choices: [{ index: 0, delta: { role: 'assistant', content }, finish_reason: null }], usage: { prompt_tokens: 1, completion_tokens: 2 } }),
    reasoning => ({ choices: [{ delta: { reasoning_content: reasoning }, index: 0, logprobs: null }] })
  ]
  for (const first of [':', ',', ',"', '":"', '{', '}', '[', ']', '"', '\\', '~', ':~', 'ab', 'content', 'response', 'assistant', 'null', 'true', '0', '1', ' ']) {
    for (const frame of frames) {
      const text = [first, 'then', first, '.'].map(piece => `data: ${JSON.stringify(frame(piece))}\n\n`).join('')
      const bytes = Buffer.from(`: begin\n\n${text}data: [DONE]\n\n`)
      deepStrictEqual(quickly(bytes, [3]), slowly(bytes))
    }
  }
  t.end()
})

t.test('a piece of a call beside each text is not lost, though nothing is told of it before its name', t => {
  const frames = [{ content: 'a' }, { content: 'b' }, { content: 'c' }, { content: '' }].map((said, index) => ({
    choices: [{ delta: { ...said, tool_calls: [{ index: 0, function: { arguments: '1', ...(index === 3 && { name: 'f' }) } }] } }]
  }))
  const bytes = Buffer.from(`${frames.map(frame => `data: ${JSON.stringify(frame)}\n\n`).join('')}data: [DONE]\n\n`)
  t.strictSame(quickly(bytes, [1]), slowly(bytes))
  t.match(quickly(bytes, [1]).events[3], { name: 'f', arguments: '1111' })
  t.end()
})

t.test('a long stream of like frames is not parsed frame by frame', t => {
  const frames = Array.from({ length: 1_000 }, (_, index) => JSON.stringify({
    id: 'chatcmpl-1',
    choices: [{ index: 0, delta: index < 500 ? { reasoning_content: `r${index}` } : { content: `c${index}` }, finish_reason: null }],
    usage: { prompt_tokens: 3, completion_tokens: index }
  }))
  const pieces = frames.map(frame => Buffer.from(`data: ${frame}\n\n`))
  const parse = t.capture(JSON, 'parse', JSON.parse)
  const reader = new GenerationReader(() => 'call_1')
  const stream = new StreamReader(reader)
  const events = [...pieces, Buffer.from('data: [DONE]\n\n')].flatMap(bytes => stream.push(bytes))
  reader.end(events)
  t.equal(events.length, 1_002)
  t.match(events.at(-2), { type: 'usage', usage: { promptTokens: 3, completionTokens: 999 } })
  const parsed = parse().length
  t.ok(parsed > 0 && parsed < 10, `${parsed} times`)
  t.end()
})

t.test('bytes that are no UTF-8 are read alike, too', t => {
  const piece = fc.oneof(fc.uint8Array({ maxLength: 6 }), fc.constantFrom('data: {"response":"', '"}\n\n', 'é', '漢').map(text => Buffer.from(text)))
  fc.assert(fc.property(fc.array(piece, { maxLength: 20 }), fc.array(fc.nat({ max: 30 }), { maxLength: 20 }), (pieces, lengths) => {
    const bytes = Buffer.concat([Buffer.from('data: {"response":"a"}\n\n'), ...pieces])
    deepStrictEqual(quickly(bytes, lengths), slowly(bytes))
  }), { numRuns: runs(3_000) })
  t.pass()
  t.end()
})
