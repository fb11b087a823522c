import t from 'tap'
import type { ChunkWriter } from '../../../src/generation/pipeline.ts'
import { TextRelay } from '../../../src/workers-ai/fast-path/text-relay.ts'

interface Passed {
  /** Bytes that were taken. */
  end: number
  /** JSON strings that came through. */
  texts: string[]
  /** What was counted. */
  characters: number
}

/** Sends bytes through a relay that is open, to somebody who has room for so many texts. */
function pass (given: string | Buffer, { room = Infinity } = {}): Passed {
  const relay = new TextRelay()
  const texts: string[] = []
  const sink: ChunkWriter = {
    isReady: true,
    begin () {},
    add (json, start, end) {
      if (texts.length >= room) return false
      texts.push(Buffer.from(json.subarray(start, end)).toString())
      return true
    },
    take: () => Buffer.alloc(0)
  }
  relay.connect(sink, () => undefined)
  relay.free(true)
  return { end: relay.push(Buffer.from(given)), texts, characters: relay.countPassed() }
}

t.test('the commonest frame goes through as it is, and its text is counted as a string would be', t => {
  const cases = [
    { name: 'text alone', given: '{"response":"Hi"}', expected: 'Hi' },
    { name: 'text with padding', given: '{"response":" there","p":"abc123"}', expected: ' there' },
    { name: 'text with no calls and padding', given: '{"response":"é漢🙂","tool_calls":[],"p":""}', expected: 'é漢🙂' },
    { name: 'no calls and no padding', given: '{"response":"a","tool_calls":[]}', expected: 'a' },
    { name: 'simple escapes', given: '{"response":"a\\n\\"b\\"\\\\\\n\\t\\r\\b\\f"}', expected: 'a\n"b"\\\n\t\r\b\f' },
    { name: 'a long text', given: `{"response":"${'word '.repeat(100)}"}`, expected: 'word '.repeat(100) }
  ]
  for (const { name, given, expected } of cases) {
    const frame = `data: ${given}\n\n`
    t.strictSame(pass(frame), { end: Buffer.byteLength(frame), texts: [JSON.stringify(expected)], characters: expected.length }, name)
  }
  const empty = 'data: {"response":"","tool_calls":[]}\n\n'
  t.strictSame(pass(empty), { end: empty.length, texts: [], characters: 0 }, 'empty text says nothing')
  t.end()
})

t.test('what goes through ends where another frame begins', t => {
  const first = 'data: {"response":"a"}\n\n'
  const run = `${first}data: {"response":"b","p":"x"}\n\n`
  t.strictSame(pass(`${run}data: {"response":4}\n\n${first}`), { end: run.length, texts: ['"a"', '"b"'], characters: 2 })
  t.strictSame(pass(run, { room: 1 }), { end: first.length, texts: ['"a"'], characters: 1 }, 'or where there is no room')
  t.end()
})

t.test('every other frame is left to the others', t => {
  const cases: Array<{ name: string, given: string | Buffer }> = [
    { name: 'a number', given: 'data: {"response":4}\n\n' },
    { name: 'an escaped code', given: 'data: {"response":"\\u0041"}\n\n' },
    { name: 'an escape with another form', given: 'data: {"response":"a\\/b"}\n\n' },
    { name: 'an escape that is none', given: 'data: {"response":"a\\x"}\n\n' },
    { name: 'a raw control character', given: 'data: {"response":"a\t"}\n\n' },
    { name: 'calls', given: 'data: {"response":"","tool_calls":[{}]}\n\n' },
    { name: 'usage', given: 'data: {"response":"","usage":{"prompt_tokens":1}}\n\n' },
    { name: 'another order', given: 'data: {"p":"a","response":"x"}\n\n' },
    { name: 'white space', given: 'data: {"response": "x"}\n\n' },
    { name: 'another end of line', given: 'data: {"response":"x"}\r\n\r\n' },
    { name: 'two frames', given: 'data: {"response":"x"}{"response":"y"}\n\n' },
    { name: 'two lines', given: 'data: {"response":"x"}\ndata: 1\n\n' },
    { name: 'an error', given: 'data: {"response":"x","errors":[{"code":3040}]}\n\n' },
    { name: 'padding with an escape', given: 'data: {"response":"x","p":"\\n"}\n\n' },
    { name: 'padding that is more than ASCII', given: 'data: {"response":"x","p":"é"}\n\n' },
    { name: 'bytes that are no UTF-8', given: Buffer.from('data: {"response":"\u00E9"}\n\n', 'latin1') },
    { name: 'half of a surrogate pair', given: Buffer.concat([Buffer.from('data: {"response":"'), Buffer.from([0xed, 0xa0, 0xbd]), Buffer.from('"}\n\n')]) },
    { name: 'the end', given: 'data: [DONE]\n\n' }
  ]
  for (const { name, given } of cases) t.strictSame(pass(given), { end: 0, texts: [], characters: 0 }, name)
  const whole = 'data: {"response":"a\\n","tool_calls":[],"p":"x"}\n\n'
  for (let length = 0; length < whole.length; length++) t.equal(pass(whole.slice(0, length)).end, 0, `cut after ${length} bytes`)
  t.end()
})

t.test('it is closed until it leads to somebody who is ready, and while somebody in between wants to see text', t => {
  const frame = Buffer.from('data: {"response":"a"}\n\n')
  let isReady = false
  const relay = new TextRelay()
  relay.free(true)
  t.equal(relay.push(frame), 0, 'it leads to nobody')
  relay.connect({ get isReady () { return isReady }, begin () {}, add: () => true, take: () => frame }, () => 'cancel')
  t.equal(relay.push(frame), 0, 'nobody is ready')
  isReady = true
  t.equal(relay.push(frame), frame.length)
  t.equal(relay.flush(), 'cancel', 'it says what is said to it')
  relay.free(false)
  t.equal(relay.push(frame), 0)
  t.equal(relay.countPassed(), 1)
  t.equal(relay.countPassed(), 0, 'since it was asked the last time')
  t.end()
})
