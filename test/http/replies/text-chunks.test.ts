import { equal } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { TextEvent } from '../../../src/generation/event.ts'
import { TextChunks } from '../../../src/http/replies/text-chunks.ts'

const chunks = new TextChunks('data: {"é":', '}\n\n')

t.test('each piece of text is a chunk', t => {
  const cases: Array<{ name: string, given: TextEvent[], expected: string }> = [
    { name: 'one', given: [{ type: 'text', text: 'a' }], expected: 'data: {"é":"a"}\n\n' },
    { name: 'several', given: [{ type: 'text', text: 'a' }, { type: 'text', text: '漢🙂' }], expected: 'data: {"é":"a"}\n\ndata: {"é":"漢🙂"}\n\n' },
    { name: 'the JSON string it came as', given: [{ type: 'text', text: 'a/b', json: '"a\\/b"' }], expected: 'data: {"é":"a\\/b"}\n\n' },
    { name: 'a lone surrogate, escaped as JSON does', given: [{ type: 'text', text: 'a\uD83D' }], expected: 'data: {"é":"a\\ud83d"}\n\n' }
  ]
  for (const { name, given, expected } of cases) t.equal(chunks.toBytes(given).toString(), expected, name)
  t.end()
})

t.test('any text is written as UTF-8', t => {
  fc.assert(fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1 }), texts => {
    const bytes = chunks.toBytes(texts.map(text => ({ type: 'text', text })))
    equal(bytes.toString(), texts.map(text => `data: {"é":${JSON.stringify(text)}}\n\n`).join(''))
  }))
  t.pass()
  t.end()
})
