import assert from 'node:assert/strict'
import { createParser } from 'eventsource-parser'
import fc from 'fast-check'
import t from 'tap'
import { UpstreamError } from '../../../src/errors.ts'
import { SseDecoder } from '../../../src/workers-ai/answer/sse-decoder.ts'
import { runs } from '../../property-runs.ts'

const BOM = '\uFEFF'

/** Every event of the bytes, read in pieces that end at `cuts`. */
function decoded (bytes: Buffer, cuts: readonly number[] = []): string[] {
  const decoder = new SseDecoder()
  const places = [0, ...cuts, bytes.length]
  const events = places.slice(1).flatMap((end, index) => decoder.push(bytes.subarray(places[index], end)))
  return [...events, ...decoder.end()]
}

/** What another implementation of the same rules reads. It needs the final blank line, which ours does not. */
function parsed (bytes: Buffer): string[] {
  const events: string[] = []
  const parser = createParser({ onEvent: ({ data }) => events.push(data) })
  parser.feed(`${bytes.toString().replace(/^\uFEFF/, '')}\n\n`)
  return events
}

t.test('the data of each event is read', t => {
  const cases = [
    { name: 'a space after the colon belongs to the form', given: 'data: {"response":"hi"}\n\n', expected: ['{"response":"hi"}'] },
    { name: 'no space after the colon', given: 'data:{"response":"hi"}\n\n', expected: ['{"response":"hi"}'] },
    { name: 'a second space belongs to the data', given: 'data:  hi\n\n', expected: [' hi'] },
    { name: 'CRLF', given: 'data: one\r\n\r\ndata: two\r\n\r\n', expected: ['one', 'two'] },
    { name: 'CR', given: 'data: one\r\rdata: two\r\r', expected: ['one', 'two'] },
    { name: 'all ends of line mixed', given: 'data: one\r\n\ndata: two\n\rdata: three\r\r\n', expected: ['one', 'two', 'three'] },
    { name: 'a byte order mark', given: `${BOM}data: hi\n\n`, expected: ['hi'] },
    { name: 'a second byte order mark is data like any other', given: `${BOM}${BOM}data: hi\n\ndata: ${BOM}\n\n`, expected: [BOM] },
    { name: 'comments', given: ': ping\n\ndata: hi\n: still here\n\n:\n\n', expected: ['hi'] },
    { name: 'other fields', given: 'event: message\nid: 7\nretry: 100\ndata: hi\n\n', expected: ['hi'] },
    { name: 'a field that only begins with data', given: 'database: no\n\ndata: hi\n\n', expected: ['hi'] },
    { name: 'several data lines are joined by line feeds', given: 'data: {"a":\ndata: 1}\n\n', expected: ['{"a":\n1}'] },
    { name: 'data without a colon is empty', given: 'data\n\ndata\ndata\n\n', expected: ['', '\n'] },
    { name: 'data with nothing behind the colon is empty', given: 'data:\n\n', expected: [''] },
    { name: 'an event without data is none', given: 'event: ping\n\n\n\n', expected: [] },
    { name: 'letters of several bytes', given: 'data: é漢🙂\n\n', expected: ['é漢🙂'] },
    { name: 'the last event without its blank line', given: 'data: one\n\ndata: [DONE]', expected: ['one', '[DONE]'] },
    { name: 'the last event with half of its blank line', given: 'data: one\n\ndata: [DONE]\r\n', expected: ['one', '[DONE]'] },
    { name: 'the last event before a final CR', given: 'data: [DONE]\r', expected: ['[DONE]'] },
    { name: 'nothing', given: '', expected: [] },
    { name: 'a letter that is cut off for good', given: Buffer.from('data: é').subarray(0, -1), expected: ['\uFFFD'] },
    { name: 'the first byte of a letter that never comes', given: Buffer.from('data: a\xC0b\n\n', 'latin1'), expected: ['a\uFFFDb'] }
  ]
  for (const { name, given, expected } of cases) {
    const bytes = Buffer.from(given)
    t.strictSame(decoded(bytes), expected, name)
    const cuts = Array.from({ length: bytes.length }, (_, cut) => [decoded(bytes, [cut]), decoded(bytes, [cut, cut])]).flat()
    t.ok(cuts.every(events => events.join('\0') === expected.join('\0')), `${name}, cut anywhere, with and without an empty read there`)
    t.strictSame(decoded(bytes, Array.from({ length: bytes.length }, (_, cut) => cut)), expected, `${name}, a byte at a time`)
  }
  t.end()
})

t.test('an event is given by the read that completes it', t => {
  const decoder = new SseDecoder()
  t.strictSame(decoder.push(Buffer.from('data: one\n\ndata: t')), ['one'])
  t.strictSame(decoder.push(Buffer.from('wo\n')), [])
  t.strictSame(decoder.push(Buffer.from('\n')), ['two'])
  t.strictSame(decoder.push(Buffer.from('data: three\r\n\r')), ['three'], 'a CR is enough, whether or not an LF follows')
  t.strictSame(decoder.push(Buffer.from('\ndata: four\n\n')), ['four'])
  t.strictSame(decoder.end(), [])
  t.end()
})

t.test('however the bytes are cut, the events are those another reader of the standard finds', t => {
  const end = fc.constantFrom('\n', '\r\n', '\r')
  const line = fc.oneof(
    fc.constantFrom('data: {"response":"é漢🙂"}', 'data:', 'data', 'data: [DONE]', ': ping', ':', '', '', '', 'event: x', 'id: 1', 'other', 'data:  two', 'dataset: x'),
    fc.string({ unit: fc.constantFrom('d', 'a', 't', ':', ' ', 'é', '🙂', 'x'), maxLength: 12 }).map(text => `data:${text}`)
  )
  const stream = fc.tuple(fc.boolean(), fc.array(fc.tuple(line, end), { maxLength: 25 })).map(([bom, lines]) =>
    Buffer.from((bom ? BOM : '') + lines.map(parts => parts.join('')).join('')))
  const cuts = fc.array(fc.nat(400), { maxLength: 12 })
  t.doesNotThrow(() => fc.assert(fc.property(stream, cuts, (bytes, cuts) => {
    const sorted = cuts.filter(cut => cut < bytes.length).sort((one, other) => one - other)
    assert.deepEqual(decoded(bytes, sorted), parsed(bytes))
  }), { numRuns: runs(600) }))
  t.end()
})

t.test('events of any reasonable size are read, larger ones end the stream', t => {
  const tooLarge = { name: 'UpstreamError', kind: 'malformed', message: 'Cloudflare sent an event of more than 8 MiB' }
  const megabyte = Buffer.alloc(1024 * 1024, 'x')
  const repeat = (decoder: SseDecoder, bytes: Buffer, times: number) => Array.from({ length: times }, () => decoder.push(bytes)).flat()

  const large = new SseDecoder()
  large.push(Buffer.from('data: '))
  repeat(large, megabyte, 7)
  t.equal(large.push(Buffer.from('\n\n'))[0]?.length, 7 * 1024 * 1024, 'a frame of 7 MiB')

  const slow = new SseDecoder()
  const started = performance.now()
  slow.push(Buffer.from('data: '))
  repeat(slow, Buffer.alloc(64, 'x'), 32_768)
  t.equal(slow.push(Buffer.from('\n\n'))[0]?.length, 64 * 32_768, 'a frame of 2 MiB in pieces of 64 bytes')
  t.ok(performance.now() - started < 5_000, 'without reading each piece again and again')

  const endless = new SseDecoder()
  t.throws(() => repeat(endless, megabyte, 9), tooLarge, 'a line that does not end')
  const growing = new SseDecoder()
  t.throws(() => repeat(growing, Buffer.concat([Buffer.from('data: '), megabyte, Buffer.from('\n')]), 9), UpstreamError, 'an event whose lines do not end')
  const many = new SseDecoder()
  t.equal(repeat(many, Buffer.concat([Buffer.from('data: '), megabyte, Buffer.from('\n\n')]), 12).length, 12, 'many events may hold more together')
  t.end()
})
