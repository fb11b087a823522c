import { equal } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { ChunkSink } from '../../src/translate/chunk-sink.ts'
import { TextChunks } from '../../src/translate/text-chunks.ts'

const BEGIN = 'data: {"é":'
const END = '}\n\n'

/** Somebody to send to, and what was sent. */
function newSink (begin = BEGIN): { sink: ChunkSink, sent: string[] } {
  const sent: string[] = []
  const sink = new ChunkSink(Buffer.from(END + begin), END.length, () => true, piece => {
    sent.push(piece.toString())
    return undefined
  })
  return { sink, sent }
}

t.test('each JSON string is a chunk, and all of them are sent as one piece', t => {
  const { sink, sent } = newSink()
  const bytes = Buffer.from('--"a"--"漢"')
  sink.add(bytes, 2, 5)
  sink.add(bytes, 7, bytes.length)
  sink.flush()
  sink.flush()
  sink.add(bytes, 2, 5)
  sink.flush()
  t.strictSame(sent, ['data: {"é":"a"}\n\ndata: {"é":"漢"}\n\n', 'data: {"é":"a"}\n\n'])
  t.end()
})

t.test('they are the chunks that are made of events, whatever the text', t => {
  fc.assert(fc.property(fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.string({ minLength: 60, maxLength: 80 })), { minLength: 1 }), texts => {
    const { sink, sent } = newSink()
    for (const text of texts) {
      const json = Buffer.from(JSON.stringify(text))
      sink.add(json, 0, json.length)
    }
    sink.flush()
    equal(sent.join(), new TextChunks(BEGIN, END).toBytes(texts.map(text => ({ type: 'text', text }))).toString())
  }))
  t.pass()
  t.end()
})

t.test('what there is no room for is not taken, and what was taken before is sent', t => {
  const begin = `data: ${'x'.repeat(4_000)}`
  const { sink, sent } = newSink(begin)
  const json = Buffer.from('"a"')
  let count = 0
  while (count < 1_000 && sink.add(json, 0, json.length)) count++
  t.ok(count > 100 && count < 1_000, `${count} chunks`)
  t.equal(sink.add(json, 0, json.length), false)
  sink.flush()
  t.equal(sent.join(), `${begin}"a"${END}`.repeat(count))
  t.equal(sink.add(json, 0, json.length), true, 'there is room again')
  sink.flush()
  t.end()
})

t.test('streams take turns, and each says when it is ready', t => {
  const one = newSink('1')
  const other = newSink('2')
  const json = Buffer.from('"a"')
  for (const { sink } of [one, other, one]) {
    sink.add(json, 0, json.length)
    sink.flush()
  }
  t.strictSame([one.sent.join(''), other.sent.join('')], ['1"a"}\n\n1"a"}\n\n', '2"a"}\n\n'])
  t.equal(new ChunkSink(Buffer.alloc(0), 0, () => false, () => undefined).isReady, false)
  t.end()
})
