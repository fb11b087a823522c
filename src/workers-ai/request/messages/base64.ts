/**
 * The number of bytes that a base64 text encodes, computed from its length, so that megabytes are not decoded for it.
 * @returns undefined if the text is malformed: other characters, line breaks, missing or wrong padding
 */
export function toByteLength (base64: string): number | undefined {
  const end = base64.search(/[^A-Za-z0-9+/]/)
  const padding = end === -1 ? '' : base64.slice(end)
  if (base64.length % 4 !== 0 || !/^={0,2}$/.test(padding)) return undefined
  return base64.length / 4 * 3 - padding.length
}

/**
 * The standard form of a base64 text in another form: with MIME's line breaks, without padding, in the URL-safe alphabet, or
 * with percent escapes.
 * @returns the given text if it is well-formed; undefined if it is not base64
 */
export function toStandardBase64 (text: string): string | undefined {
  if (toByteLength(text) !== undefined) return text
  const letters = unescaped(text).replaceAll(/\s+/g, '').replaceAll('-', '+').replaceAll('_', '/')
  let end = letters.length
  while (letters[end - 1] === '=') end--
  // Four characters encode three bytes; a single last character encodes none.
  if (end % 4 === 1) return undefined
  const padded = letters.slice(0, end).padEnd(Math.ceil(end / 4) * 4, '=')
  return toByteLength(padded) === undefined ? undefined : padded
}

function unescaped (text: string): string {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
