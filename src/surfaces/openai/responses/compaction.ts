/** What a model is asked to say in place of a conversation. */
export const SUMMARY_QUESTION = 'This conversation is about to be replaced by a summary. Write it now, for somebody who goes on with the work and has nothing else: ' +
  'what the user wants, in their words where they matter; what was decided and done, and what came of it; names, paths, values and pieces of code that are still needed; what is left to do, and what comes next. ' +
  'Answer with the summary alone, and call no tool.'

/** What follows a summary that replaces a conversation. */
const PREAMBLE = 'The conversation up to here was replaced by this summary of it:'

const VERSION = 1

/** The version, and a checksum of what follows. */
const HEAD_BYTES = 5

/**
 * The `encrypted_content` of a compaction: base64url of a version, the CRC-32 of the rest, and the summary in UTF-8. There
 * is no key, so every process reads it, also after a new start; it says nothing that its owner does not know.
 */
export function toCompactedContent (summary: string): string {
  const text = Buffer.from(summary)
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeUInt8(VERSION)
  head.writeUInt32BE(toChecksum(text), 1)
  return Buffer.concat([head, text]).toString('base64url')
}

/** The summary in an `encrypted_content` of ours; undefined when it is another server's, or was damaged. */
export function toSummary (content: string): string | undefined {
  const bytes = Buffer.from(content, 'base64url')
  if (bytes.length <= HEAD_BYTES || bytes.readUInt8() !== VERSION || bytes.toString('base64url') !== content) return undefined
  const text = bytes.subarray(HEAD_BYTES)
  return bytes.readUInt32BE(1) === toChecksum(text) ? text.toString() : undefined
}

/** The message that gives a model the summary that replaces a conversation. */
export function toRecalledText (summary: string): string {
  return `${PREAMBLE}\n\n${summary}`
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
