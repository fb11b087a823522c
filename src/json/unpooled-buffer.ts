/**
 * A text in UTF-8, in memory of its own, for what is kept as long as a stream lasts: a part of Node's pool would keep the
 * rest of that in memory, which is many times as much.
 */
export function toUnpooledBuffer (text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text))
  bytes.write(text)
  return bytes
}
