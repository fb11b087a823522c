import type { Transform } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import * as zlib from 'node:zlib'
import t from 'tap'
import { toDecoder } from '../../../src/http/body/content-coding.ts'

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
    const decoder = toDecoder(name)
    decoder?.end(bytes)
    t.equal(decoder && (await buffer(decoder)).toString(), text, name)
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
  const decoder = toDecoder('zstd') as Transform
  decoder.end(Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x88, 0x01, 0x00, 0x00]))
  await t.rejects(buffer(decoder))
})
