const VERSION = 1

/** The version, and a checksum of what follows. */
const HEAD_BYTES = 5

/**
 * Text that a client keeps for us and gives back: base64url of a version, the CRC-32 of the rest, and the text in UTF-8. There
 * is no key, so every process reads it, also after a new start; it says nothing that its owner does not know.
 */
export function toCheckedText (text: string): string {
  const bytes = Buffer.from(text)
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeUInt8(VERSION)
  head.writeUInt32BE(toChecksum(bytes), 1)
  return Buffer.concat([head, bytes]).toString('base64url')
}

/** The text in it; undefined when it is another server's, was damaged, or holds none. */
export function fromCheckedText (content: string): string | undefined {
  const bytes = Buffer.from(content, 'base64url')
  if (bytes.length <= HEAD_BYTES || bytes.readUInt8() !== VERSION || bytes.toString('base64url') !== content) return undefined
  const text = bytes.subarray(HEAD_BYTES)
  return bytes.readUInt32BE(1) === toChecksum(text) ? text.toString() : undefined
}

/** CRC-32 as in RFC 1952. */
function toChecksum (bytes: Uint8Array): number {
  let checksum = 0xFFFFFFFF
  for (let index = 0; index < bytes.length; index++) {
    checksum = (CHECKSUMS[(checksum ^ (bytes[index] as number)) & 0xff] as number) ^ (checksum >>> 8)
  }
  return ~checksum >>> 0
}

const CHECKSUMS = Uint32Array.from({ length: 256 }, (_, byte) => {
  let checksum = byte
  for (let bit = 0; bit < 8; bit++) checksum = checksum & 1 ? 0xEDB88320 ^ (checksum >>> 1) : checksum >>> 1
  return checksum >>> 0
})
