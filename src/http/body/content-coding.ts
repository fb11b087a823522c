import type { Transform } from 'node:stream'
import * as zlib from 'node:zlib'
import { ProxyError, quoted } from '../../errors.ts'

interface Options {
  chunkSize: number
  params?: Record<number, number>
}

/** Available from Node 22.15 and 23.8 on, and missing in the types of Node 20. */
const { createZstdDecompress } = zlib as { createZstdDecompress?: (options: Options) => Transform }
const { ZSTD_d_windowLogMax: windowLogMax = 0 } = zlib.constants as { ZSTD_d_windowLogMax?: number }

/** Bytes of one output chunk of a decoder, so that no more is decoded than is read. */
const CHUNK_SIZE = 65_536

/** The window of gzip and deflate (RFC 1951), and the largest of zstd that RFC 9659 allows encoders, as powers of two. */
const DEFLATE_WINDOW = 15
const ZSTD_WINDOW = 23

interface Coding {
  create: () => Transform
  /** The window that a decoder keeps, as a power of two, by the first byte of what is encoded. */
  windowOf: (first: number) => number
}

/** By the names of RFC 9110 (8.4.1), RFC 7932 and RFC 8878. */
const DECODERS: Readonly<Record<string, Coding>> = {
  gzip: { create: () => zlib.createGunzip({ chunkSize: CHUNK_SIZE }), windowOf: () => DEFLATE_WINDOW },
  deflate: { create: () => zlib.createInflate({ chunkSize: CHUNK_SIZE }), windowOf: () => DEFLATE_WINDOW },
  br: { create: () => zlib.createBrotliDecompress({ chunkSize: CHUNK_SIZE }), windowOf: toBrotliWindow },
  ...(createZstdDecompress && {
    zstd: {
      create: () => createZstdDecompress({ chunkSize: CHUNK_SIZE, params: { [windowLogMax]: ZSTD_WINDOW } }),
      windowOf: () => ZSTD_WINDOW
    }
  })
}

const CODINGS = Object.keys(DECODERS).join(', ')

/** Decodes a body. */
export interface Decoder {
  stream: Transform
  /** Bytes that it takes beside what it has decoded, by the first piece of the body, which is not empty. */
  memoryFor: (piece: Buffer) => number
}

/**
 * The decoder of a content coding.
 * @param coding the value of `content-encoding`
 * @returns undefined if there is nothing to decode
 * @throws ProxyError 415 with `accept-encoding` for an unknown coding, and for several codings
 */
export function toDecoder (coding: string | undefined): Decoder | undefined {
  const name = coding?.trim().toLowerCase() ?? ''
  if (name === '' || name === 'identity') return undefined
  const known = name === 'x-gzip' ? 'gzip' : name
  const found = Object.hasOwn(DECODERS, known) ? DECODERS[known] : undefined
  if (found) return { stream: found.create(), memoryFor: ([first = 0]) => 2 ** found.windowOf(first) + 2 * CHUNK_SIZE }
  throw new ProxyError(`Unsupported content-encoding '${quoted(name.slice(0, 100))}'. Send the body as it is, or in one of these: ${CODINGS}.`, {
    status: 415, type: 'invalid_request_error', headers: { 'accept-encoding': CODINGS }
  })
}

/** The window of a brotli stream, a power of two from 10 to 24, by its first byte (RFC 7932, 9.1). */
function toBrotliWindow (first: number): number {
  if ((first & 1) === 0) return 16
  const large = first >> 1 & 7
  if (large > 0) return 17 + large
  const small = first >> 4 & 7
  return small === 0 ? 17 : 8 + small
}
