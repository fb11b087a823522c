import t from 'tap'
import { toUnpooledBuffer } from '../../src/json/unpooled-buffer.ts'

t.test('a text in UTF-8 that shares its memory with nothing', async t => {
  for (const text of ['', 'abc', 'naïve 你好 🙂', 'x'.repeat(10_000)]) {
    const bytes = toUnpooledBuffer(text)
    t.equal(bytes.toString(), text)
    t.equal(bytes.buffer.byteLength, bytes.length)
  }
})
