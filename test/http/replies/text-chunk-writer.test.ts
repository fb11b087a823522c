import { equal } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { TextChunkWriter } from '../../../src/http/replies/text-chunk-writer.ts'
import { TextChunks } from '../../../src/http/replies/text-chunks.ts'

const BEGIN = 'data: {"é":'
const END = '}\n\n'

function newSink (begin = BEGIN): TextChunkWriter {
  return new TextChunkWriter(Buffer.from(END + begin), END.length, () => true)
}

t.test('each JSON string is a chunk, and all of them are one piece', t => {
  const sink = newSink()
  const bytes = Buffer.from('--"a"--"漢"')
  sink.add(bytes, 2, 5)
  sink.add(bytes, 7, bytes.length)
  t.equal(sink.take().toString(), 'data: {"é":"a"}\n\ndata: {"é":"漢"}\n\n')
  t.equal(sink.take().length, 0)
  sink.add(bytes, 2, 5)
  t.equal(sink.take().toString(), 'data: {"é":"a"}\n\n')
  t.end()
})

t.test('they are the chunks that are made of events, whatever the text', t => {
  fc.assert(fc.property(fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.string({ minLength: 60, maxLength: 80 })), { minLength: 1 }), texts => {
    const sink = newSink()
    for (const text of texts) {
      const json = Buffer.from(JSON.stringify(text))
      sink.add(json, 0, json.length)
    }
    equal(sink.take().toString(), new TextChunks(BEGIN, END).toBytes(texts.map(text => ({ type: 'text', text }))).toString())
  }))
  t.pass()
  t.end()
})

t.test('what there is no room for is not taken, and what was taken before is not lost', t => {
  const begin = `data: ${'x'.repeat(4_000)}`
  const sink = newSink(begin)
  const json = Buffer.from('"a"')
  let count = 0
  while (count < 1_000 && sink.add(json, 0, json.length)) count++
  t.ok(count > 100 && count < 1_000, `${count} chunks`)
  t.equal(sink.add(json, 0, json.length), false)
  t.equal(sink.take().toString(), `${begin}"a"${END}`.repeat(count))
  t.equal(sink.add(json, 0, json.length), true, 'there is room again')
  sink.take()
  t.end()
})

t.test('what one stream added before it broke is in no chunk of another', t => {
  const json = Buffer.from('"secret"')
  newSink().add(json, 0, json.length)
  const other = newSink()
  other.begin()
  other.add(Buffer.from('"a"'), 0, 3)
  t.equal(other.take().toString(), `${BEGIN}"a"${END}`)
  other.begin()
  t.equal(other.take().length, 0)
  t.end()
})

t.test('streams take turns, and each says when it is ready', t => {
  const one = newSink('1')
  const other = newSink('2')
  const json = Buffer.from('"a"')
  const taken = [one, other, one].map(sink => {
    sink.add(json, 0, json.length)
    return sink.take().toString()
  })
  t.strictSame(taken, ['1"a"}\n\n', '2"a"}\n\n', '1"a"}\n\n'])
  t.equal(new TextChunkWriter(Buffer.alloc(0), 0, () => false).isReady, false)
  t.end()
})
