import t from 'tap'
import type { Batch, PieceEvent } from '../../../src/generation/event.ts'
import { FrameBytes } from '../../../src/workers-ai/fast-path/frame-run.ts'
import { FrameTemplates } from '../../../src/workers-ai/fast-path/frame-templates.ts'

type Frame = Record<string, unknown>

/** A slow path that knows one member for each kind, and counts how often it is asked. */
function slowPath (): { read: (data: string) => Batch | undefined, asked: () => number } {
  let asked = 0
  return {
    asked: () => asked,
    read: data => {
      asked++
      const { text, thought, ends } = JSON.parse(data) as Frame
      if (ends !== undefined) return undefined
      return Object.entries({ text, reasoning: thought })
        .flatMap(([type, value]) => typeof value === 'string' && value !== '' ? [{ type, text: value } as PieceEvent] : [])
    }
  }
}

function templateOf (data: string, piece: PieceEvent): FrameTemplates {
  const frames = new FrameTemplates(slowPath().read)
  frames.compile(data, piece)
  return frames
}

/** What is read of one more frame; undefined when it is left to the slow path. */
function readWith (frames: FrameTemplates, data: string): Batch | undefined {
  const bytes = Buffer.from(`data: ${data}\n\n`)
  const batch: Batch = []
  const run = frames.read(new FrameBytes(bytes), 0, batch)
  return run?.end === bytes.length ? batch : undefined
}

const a: PieceEvent = { type: 'text', text: 'a' }

t.test('nothing is known at first', t => {
  t.equal(readWith(new FrameTemplates(slowPath().read), '{"text":"a"}'), undefined)
  t.end()
})

t.test('frames that differ in nothing but their piece, and in what nobody reads, are known after the first', t => {
  const cases = [
    { name: 'another text', given: '{"text":"a"}', next: '{"text":"\\"b\\""}', says: '"b"' },
    { name: 'members in any order', given: '{"x":[{"y":null}],"text":"a","z":1.5}', next: '{"x":[{"y":null}],"text":"b","z":1.5}', says: 'b' },
    { name: 'another id and moment', given: '{"id":"x(1)","created":1,"text":"a"}', next: '{"id":"y","created":23,"text":"b"}', says: 'b' },
    { name: 'padding', given: '{"text":"a","p":"abc"}', next: '{"text":"b","p":""}', says: 'b' },
    { name: 'padding by another name', given: '{"text":"a","obfuscation":"abc"}', next: '{"text":"b","obfuscation":"d"}', says: 'b' },
    { name: 'running usage', given: '{"text":"a","usage":{"prompt_tokens":3,"details":{"cached_tokens":0},"neurons":0.5}}', next: '{"text":"b","usage":{"prompt_tokens":3,"details":{"cached_tokens":12},"neurons":1.5e-7}}', says: 'b' },
    { name: 'white space', given: ' {"id": "x", "text": "a", "p": "y"} ', next: ' {"id": "z", "text": "b", "p": ""} ', says: 'b' }
  ]
  for (const { name, given, next, says } of cases) {
    t.strictSame(readWith(templateOf(given, a), next), [{ type: 'text', text: says, json: JSON.stringify(says) }], name)
  }
  t.strictSame(readWith(templateOf('{"thought":"Hm"}', { type: 'reasoning', text: 'Hm' }), '{"thought":"."}'), [{ type: 'reasoning', text: '.', json: '"."' }], 'thinking')
  t.end()
})

t.test('every other frame is left to the slow path', t => {
  const given = '{"id":"x","text":"a","index":0,"ends_at":null,"usage":{"prompt_tokens":3}}'
  const cases = [
    { name: 'one with another member', next: '{"id":"x","text":"a","index":0,"ends_at":null,"more":1,"usage":{"prompt_tokens":3}}' },
    { name: 'one without a member', next: '{"id":"x","text":"a","index":0,"usage":{"prompt_tokens":3}}' },
    { name: 'another value that may be read', next: '{"id":"x","text":"a","index":1,"ends_at":null,"usage":{"prompt_tokens":3}}' },
    { name: 'empty text, because something else may be the text then', next: '{"id":"x","text":"","index":0,"ends_at":null,"usage":{"prompt_tokens":3}}' },
    { name: 'an escaped code', next: '{"id":"x","text":"\\u0041","index":0,"ends_at":null,"usage":{"prompt_tokens":3}}' },
    { name: 'an escape in what nobody reads', next: '{"id":"\\"","text":"a","index":0,"ends_at":null,"usage":{"prompt_tokens":3}}' },
    { name: 'a number that is no JSON', next: '{"id":"x","text":"a","index":0,"ends_at":null,"usage":{"prompt_tokens":03}}' },
    { name: 'a number that is not finite', next: '{"id":"x","text":"a","index":0,"ends_at":null,"usage":{"prompt_tokens":3e999}}' },
    { name: 'no usage', next: '{"id":"x","text":"a","index":0,"ends_at":null,"usage":{"prompt_tokens":null}}' }
  ]
  t.not(readWith(templateOf(given, a), given), undefined, 'but not the same')
  for (const { name, next } of cases) t.equal(readWith(templateOf(given, a), next), undefined, name)
  t.end()
})

t.test('what cannot be told for certain makes no template', t => {
  const cases = [
    { name: 'a piece that is not found as it came', given: '{"text":"\\u0061"}' },
    { name: 'a piece that is found elsewhere first', given: '{"x":"a","text":"a"}' },
    { name: 'a member that counts only the last time', given: '{"text":"a","text":"a"}' },
    { name: 'two kinds at once', given: '{"text":"a","thought":"b"}' },
    { name: 'a frame that does more than say something', given: '{"text":"a","ends":1}' },
    { name: 'several lines', given: '{"text":\n"a"}' },
    { name: 'a very long frame', given: JSON.stringify({ text: 'a', x: ' '.repeat(5_000) }) }
  ]
  for (const { name, given } of cases) t.equal(readWith(templateOf(given, a), given), undefined, name)
  t.end()
})

t.test('a stream whose frames change has a new template', t => {
  const frames = templateOf('{"text":"a"}', a)
  frames.compile('{"text":"a","x":1}', a)
  t.strictSame(readWith(frames, '{"text":"b","x":1}'), [{ type: 'text', text: 'b', json: '"b"' }])
  t.equal(readWith(frames, '{"text":"b"}'), undefined, 'and knows the last')
  t.end()
})

t.test('what is known is not compiled again', t => {
  const { read, asked } = slowPath()
  const frames = new FrameTemplates(read)
  for (const text of ['a', 'b', 'c']) frames.compile(JSON.stringify({ text, p: text }), { type: 'text', text })
  t.equal(asked(), 1)
  t.end()
})

t.test('a stream whose frames have nothing in common is left to the slow path', t => {
  const { read, asked } = slowPath()
  const frames = new FrameTemplates(read)
  for (let x = 0; x < 100; x++) frames.compile(JSON.stringify({ text: 'a', x }), a)
  t.equal(asked(), 8)
  t.end()
})

t.test('a stream whose frames change now and then has a template as long as it lasts', t => {
  const { read, asked } = slowPath()
  const frames = new FrameTemplates(read)
  for (let x = 0; x < 100; x++) {
    const data = JSON.stringify({ text: 'a', x })
    frames.compile(data, a)
    t.not(readWith(frames, data), undefined)
  }
  t.equal(asked(), 100)
  t.end()
})
