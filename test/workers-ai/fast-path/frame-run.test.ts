import t from 'tap'
import type { Batch } from '../../../src/generation/event.ts'
import { FrameBytes, readFrames } from '../../../src/workers-ai/fast-path/frame-run.ts'
import { CLASSIC_TEXT, TemplateText } from '../../../src/workers-ai/fast-path/text-frames.ts'

const read = (text: string, start = 0, frames = CLASSIC_TEXT) => {
  const batch: Batch = []
  return { end: readFrames(frames, new FrameBytes(Buffer.from(text)), start, batch)?.end ?? start, batch }
}

t.test('the commonest event is read as it stands', t => {
  const cases = [
    { name: 'text alone', given: '{"response":"Hi"}', expected: 'Hi' },
    { name: 'text with padding', given: '{"response":" there","p":"abc123"}', expected: ' there' },
    { name: 'text with no calls and padding', given: '{"response":"é漢🙂","tool_calls":[],"p":""}', expected: 'é漢🙂' },
    { name: 'simple escapes', given: '{"response":"a\\n\\"b\\"\\\\\\n"}', expected: 'a\n"b"\\\n' }
  ]
  for (const { name, given, expected } of cases) {
    const event = `data: ${given}\n\n`
    t.strictSame(read(event), { end: Buffer.byteLength(event), batch: [{ type: 'text', text: expected, json: JSON.stringify(expected) }] }, name)
  }
  const empty = 'data: {"response":"","tool_calls":[]}\n\n'
  t.strictSame(read(empty), { end: empty.length, batch: [] }, 'empty text says nothing')
  t.end()
})

t.test('a run of them ends where another event begins', t => {
  const first = 'data: {"response":"a"}\n\n'
  const run = `${first}data: {"response":"b","p":"x"}\n\n`
  const { end, batch } = read(`${run}data: {"response":4}\n\n${first}`)
  t.equal(end, run.length)
  t.match(batch, [{ text: 'a' }, { text: 'b' }])
  t.equal(batch.length, 2)
  t.match(read(run, first.length), { end: run.length, batch: [{ text: 'b' }] }, 'from where it is told')
  t.strictSame(read(run, 3), { end: 3, batch: [] }, 'nowhere else')
  t.end()
})

t.test('every other event is left to the slow path', t => {
  const cases = [
    { name: 'a number', given: 'data: {"response":4}\n\n' },
    { name: 'an escaped code', given: 'data: {"response":"\\u0041"}\n\n' },
    { name: 'a raw control character', given: 'data: {"response":"a\t"}\n\n' },
    { name: 'an escape that is none', given: 'data: {"response":"a\\x"}\n\n' },
    { name: 'calls', given: 'data: {"response":"","tool_calls":[{}]}\n\n' },
    { name: 'usage', given: 'data: {"response":"","usage":{"prompt_tokens":1}}\n\n' },
    { name: 'another order', given: 'data: {"p":"a","response":"x"}\n\n' },
    { name: 'white space', given: 'data: {"response": "x"}\n\n' },
    { name: 'a cut event', given: 'data: {"response":"x"' },
    { name: 'half of a blank line', given: 'data: {"response":"x"}\n' },
    { name: 'another end of line', given: 'data: {"response":"x"}\r\n\r\n' },
    { name: 'two frames', given: 'data: {"response":"x"}{"response":"y"}\n\n' },
    { name: 'two lines', given: 'data: {"response":"x"}\ndata: 1\n\n' },
    { name: 'an error', given: 'data: {"response":"x","errors":[{"code":3040}]}\n\n' },
    { name: 'the end', given: 'data: [DONE]\n\n' }
  ]
  for (const { name, given } of cases) t.strictSame(read(given), { end: 0, batch: [] }, name)
  t.end()
})

t.test('a run tells where its last frame begins', t => {
  const bytes = new FrameBytes(Buffer.from('-data: {"response":"a"}\n\ndata: {"response":"b"}\n\n'))
  t.strictSame(readFrames(CLASSIC_TEXT, bytes, 1, []), { end: 49, lastStart: 25 })
  t.equal(readFrames(CLASSIC_TEXT, bytes, 0, []), undefined)
  t.end()
})

t.test('frames of a template say what they are compiled to say', t => {
  const thought = new TemplateText('reasoning', ['{"thought":'], ['}'])
  t.strictSame(read('data: {"thought":"Hm"}\n\n', 0, thought).batch, [{ type: 'reasoning', text: 'Hm', json: '"Hm"' }])
  t.end()
})

t.test('bytes are text where they are ASCII, and between letters where they are not', t => {
  const ascii = new FrameBytes(Buffer.from('abc'))
  t.equal(ascii.ascii, 'abc')
  t.equal(ascii.slice(1, 2), 'b')
  const letters = new FrameBytes(Buffer.from('aéc'))
  t.equal(letters.ascii, undefined)
  t.equal(letters.slice(1, 3), 'é')
  t.end()
})
