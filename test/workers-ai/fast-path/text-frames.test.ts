import t from 'tap'
import { CLASSIC_TEXT, TemplateText, type TextFrames, type TextSpan } from '../../../src/workers-ai/fast-path/text-frames.ts'

/** What is read of bytes that begin with a frame; undefined when it is no such frame. */
function read (frames: TextFrames, given: string | Buffer, at = 0): { end: number, json: string, characters: number } | undefined {
  const bytes = Buffer.from(given)
  const text: TextSpan = { start: 0, end: 0, characters: 0, isUtf8: false, view: undefined }
  const end = frames.read(bytes, at, text)
  return end === -1 ? undefined : { end, json: bytes.toString('utf8', text.start, text.end), characters: text.characters }
}

/** Frames with an id, a moment, a text, usage and padding. */
const frames = new TemplateText('text',
  ['{"id":', '"x"', ',"created":', '1', ',"object":"chat.completion.chunk","choices":[{"delta":{"content":'],
  ['}}],"usage":{"prompt_tokens":', '3', ',"total_tokens":', '4', ',"neurons":', '0.5', '},"p":', '"a"', '}']
)

function toFrame ({ id = '"x"', created = '1', text = '"a"', tokens = '3', total = '4', neurons = '0.5', padding = '"a"', object = 'chat.completion.chunk' }): string {
  return `data: {"id":${id},"created":${created},"object":"${object}","choices":[{"delta":{"content":${text}}}],"usage":{"prompt_tokens":${tokens},"total_tokens":${total},"neurons":${neurons}},"p":${padding}}\n\n`
}

t.test('frames of a template are read whatever changes in them', t => {
  const cases = [
    { name: 'the same', given: {}, json: '"a"', characters: 1 },
    { name: 'another text', given: { text: '" süß \\n\\"漢🙂"' }, json: '" süß \\n\\"漢🙂"', characters: 10 },
    { name: 'another id', given: { id: '"chatcmpl-0123456789"' }, json: '"a"', characters: 1 },
    { name: 'an empty id', given: { id: '""' }, json: '"a"', characters: 1 },
    { name: 'another moment', given: { created: '1760000000' }, json: '"a"', characters: 1 },
    { name: 'none', given: { created: '0', total: '0' }, json: '"a"', characters: 1 },
    { name: 'other counts', given: { tokens: '123456789012345', total: '123456789012345' }, json: '"a"', characters: 1 },
    { name: 'a fraction', given: { neurons: '0.25' }, json: '"a"', characters: 1 },
    { name: 'a number below zero', given: { neurons: '-1' }, json: '"a"', characters: 1 },
    { name: 'exponents', given: { neurons: '1.5e-7', created: '1E21' }, json: '"a"', characters: 1 },
    { name: 'other padding', given: { padding: '"abcdefgh"' }, json: '"a"', characters: 1 }
  ]
  for (const { name, given, json, characters } of cases) {
    const frame = toFrame(given)
    t.strictSame(read(frames, frame), { end: Buffer.byteLength(frame), json, characters }, name)
    t.strictSame(read(frames, `data: 1\n\n${frame}data: 2\n\n`, 9), { end: Buffer.byteLength(frame) + 9, json, characters }, `${name}: among others`)
  }
  t.equal(frames.hasUsage, true)
  t.equal(new TemplateText('text', ['{"id":', '"x"', ',"text":'], ['}']).hasUsage, false)
  t.end()
})

t.test('every other frame is left to others', t => {
  const cases = [
    { name: 'no text', given: { text: '""' } },
    { name: 'null', given: { text: 'null' } },
    { name: 'an escaped code', given: { text: '"\\u0041"' } },
    { name: 'an escape with another form', given: { text: '"\\/"' } },
    { name: 'a control character', given: { text: '"\t"' } },
    { name: 'an id with an escape', given: { id: '"\\n"' } },
    { name: 'an id beyond ASCII', given: { id: '"é"' } },
    { name: 'an id that is none', given: { id: '1' } },
    { name: 'a count that holds the place of another', given: { tokens: '0' } },
    { name: 'a count with a fraction', given: { tokens: '1.5' } },
    { name: 'a count that is none', given: { tokens: 'null' } },
    { name: 'a count below zero', given: { tokens: '-1' } },
    { name: 'a count of more digits than are exact', given: { tokens: '1234567890123456' } },
    { name: 'a number that is none', given: { neurons: 'null' } },
    { name: 'a minus without digits', given: { neurons: '-' } },
    { name: 'a number that is no JSON', given: { neurons: '03' } },
    { name: 'a point without digits', given: { neurons: '3.' } },
    { name: 'an exponent without digits', given: { neurons: '1e' } },
    { name: 'a number that is not finite', given: { neurons: '3e999' } },
    { name: 'more digits than are exact', given: { neurons: '1234567890123456' } },
    { name: 'more digits behind the point', given: { neurons: '0.123456789012345678901' } },
    { name: 'another value of what is fixed', given: { object: 'chat.completion.chunx' } }
  ]
  for (const { name, given } of cases) t.equal(read(frames, toFrame(given)), undefined, name)
  const whole = toFrame({ text: '"a\\n"' })
  for (let length = 0; length < whole.length; length++) t.equal(read(frames, whole.slice(0, length)), undefined, `cut after ${length} bytes`)
  t.equal(read(frames, Buffer.from(toFrame({ text: '"\u00E9"' }), 'latin1')), undefined, 'bytes that are no UTF-8')
  const accented = new TemplateText('text', ['{"model":"é漢🙂é漢🙂","text":'], ['}'])
  t.equal(read(accented, 'data: {"model":"é漢🙂é漢é🙂","text":"a"}\n\n'), undefined, 'another letter beyond ASCII in what is fixed')
  t.end()
})

t.test('where a frame may begin is seen by its first bytes', t => {
  const given = Buffer.from(`x${toFrame({})}data: {"response":"a"}\n\n`)
  const classic = given.length - 'data: {"response":"a"}\n\n'.length
  t.equal(frames.mayBegin(given, 1), true)
  t.equal(frames.mayBegin(given, 2), false)
  t.equal(CLASSIC_TEXT.mayBegin(given, 1), false)
  t.equal(CLASSIC_TEXT.mayBegin(given, classic), true)
  t.equal(CLASSIC_TEXT.mayBegin(given, given.length), false)
  t.end()
})
