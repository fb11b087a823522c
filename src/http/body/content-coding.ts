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

/**
 * By the names of RFC 9110 (8.4.1), RFC 7932 and RFC 8878. A window of zstd may have 8 MiB, the maximum that
 * RFC 9659 allows encoders.
 */
const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: () => zlib.createGunzip({ chunkSize: CHUNK_SIZE }),
  deflate: () => zlib.createInflate({ chunkSize: CHUNK_SIZE }),
  br: () => zlib.createBrotliDecompress({ chunkSize: CHUNK_SIZE }),
  ...(createZstdDecompress && { zstd: () => createZstdDecompress({ chunkSize: CHUNK_SIZE, params: { [windowLogMax]: 23 } }) })
}

const CODINGS = Object.keys(DECODERS).join(', ')

/**
 * The decoder of a content coding.
 * @param coding the value of `content-encoding`
 * @returns undefined if there is nothing to decode
 * @throws ProxyError 415 with `accept-encoding` for an unknown coding, and for several codings
 */
export function toDecoder (coding: string | undefined): Transform | undefined {
  const name = coding?.trim().toLowerCase() ?? ''
  if (name === '' || name === 'identity') return undefined
  const known = name === 'x-gzip' ? 'gzip' : name
  if (Object.hasOwn(DECODERS, known)) return DECODERS[known]?.()
  throw new ProxyError(`Unsupported content-encoding '${quoted(name.slice(0, 100))}'. Send the body as it is, or in one of these: ${CODINGS}.`, {
    status: 415, type: 'invalid_request_error', headers: { 'accept-encoding': CODINGS }
  })
}
