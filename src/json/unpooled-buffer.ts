/**
 * A text in UTF-8 in its own memory, for data that lives as long as a stream: a slice of Node's pool would keep the whole pool
 * in memory, which is many times larger.
 */
export function toUnpooledBuffer (text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text))
  bytes.write(text)
  return bytes
}
