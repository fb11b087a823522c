import type { Transform } from 'node:stream'
import * as zlib from 'node:zlib'
import { ProxyError, quoted } from '../../errors.ts'

interface Options {
  chunkSize: number
  params?: Record<number, number>
}

/** What Node has from 22.15 and 23.8 on, and the types of Node 20 do not know. */
const { createZstdDecompress } = zlib as { createZstdDecompress?: (options: Options) => Transform }
const { ZSTD_d_windowLogMax: windowLogMax = 0 } = zlib.constants as { ZSTD_d_windowLogMax?: number }

/** Bytes that come out of a decoder at a time: no more are decoded than somebody has asked for. */
const CHUNK_SIZE = 65_536

/**
 * By the names of RFC 9110 (8.4.1), RFC 7932 and RFC 8878. A window of zstd may have 8 MiB, as much as RFC 9659 lets
 * encoders use.
 */
const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: () => zlib.createGunzip({ chunkSize: CHUNK_SIZE }),
  deflate: () => zlib.createInflate({ chunkSize: CHUNK_SIZE }),
  br: () => zlib.createBrotliDecompress({ chunkSize: CHUNK_SIZE }),
  ...(createZstdDecompress && { zstd: () => createZstdDecompress({ chunkSize: CHUNK_SIZE, params: { [windowLogMax]: 23 } }) })
}

const CODINGS = Object.keys(DECODERS).join(', ')

/**
 * What decodes a body that was sent in a content coding.
 * @param coding the value of `content-encoding`
 * @returns undefined when there is nothing to decode
 * @throws ProxyError 415 with `accept-encoding` for a coding that is not known, and for several on top of each other
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
