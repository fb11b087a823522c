import { buffer } from 'node:stream/consumers'
import * as zlib from 'node:zlib'
import t from 'tap'
import { toDecoder, type Decoder } from '../../../src/http/body/content-coding.ts'

const { zstdCompressSync } = zlib as { zstdCompressSync?: (bytes: Buffer) => Buffer }
const text = 'süß → 😀 '.repeat(50_000)

t.test('each coding is decoded, however its name is written', async t => {
  const encoded: Record<string, Buffer> = {
    gzip: zlib.gzipSync(text),
    'x-gzip': zlib.gzipSync(text),
    ' GZip ': zlib.gzipSync(text),
    deflate: zlib.deflateSync(text),
    br: zlib.brotliCompressSync(text),
    ...(zstdCompressSync && { zstd: zstdCompressSync(Buffer.from(text)) })
  }
  for (const [name, bytes] of Object.entries(encoded)) {
    const stream = toDecoder(name)?.stream
    stream?.end(bytes)
    t.equal(stream && (await buffer(stream)).toString(), text, name)
  }
})

t.test('without a coding there is nothing to decode', async t => {
  for (const name of [undefined, '', 'identity', 'Identity ']) t.equal(toDecoder(name), undefined, String(name))
})

t.test('other codings, and several on top of each other, are refused with the ones that are taken', async t => {
  const taken = `gzip, deflate, br${zstdCompressSync ? ', zstd' : ''}`
  for (const name of ['compress', 'gzip, gzip', 'gzip,br', 'gzip, identity', '__proto__', 'toString', 'x'.repeat(10_000)]) {
    t.throws(() => toDecoder(name), { status: 415, message: /^Unsupported content-encoding '/, headers: { 'accept-encoding': taken } }, name.slice(0, 20))
  }
})

t.test('a window of zstd is no larger than every decoder has to take', { skip: !zstdCompressSync && 'Node has no zstd' }, async t => {
  // A frame without a size whose window is 128 MiB, and one empty last block (RFC 8878, 3.1.1).
  const { stream } = toDecoder('zstd') as Decoder
  stream.end(Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x88, 0x01, 0x00, 0x00]))
  await t.rejects(buffer(stream))
})

t.test('the memory of a decoder is known by the first byte', async t => {
  const memoryOf = (coding: string, bytes: Buffer) => toDecoder(coding)?.memoryFor(bytes)
  for (let window = zlib.constants.BROTLI_MIN_WINDOW_BITS; window <= zlib.constants.BROTLI_MAX_WINDOW_BITS; window++) {
    const bytes = zlib.brotliCompressSync(text, { params: { [zlib.constants.BROTLI_PARAM_LGWIN]: window } })
    t.equal(memoryOf('br', bytes), 2 ** window + 131_072, `brotli, 2^${window}`)
  }
  t.equal(memoryOf('gzip', zlib.gzipSync(text)), 32_768 + 131_072)
  t.equal(memoryOf('deflate', zlib.deflateSync(text)), 32_768 + 131_072)
  if (zstdCompressSync) t.equal(memoryOf('zstd', zstdCompressSync(Buffer.from(text))), 8_388_608 + 131_072)
})
