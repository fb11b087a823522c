/**
 * How many bytes a base64 text stands for. Told by its length, so that megabytes are not decoded only to be measured.
 * @returns undefined when the text is not well-formed: other characters, line breaks, no or wrong padding
 */
export function toByteLength (base64: string): number | undefined {
  const end = base64.search(/[^A-Za-z0-9+/]/)
  const padding = end === -1 ? '' : base64.slice(end)
  if (base64.length % 4 !== 0 || !/^={0,2}$/.test(padding)) return undefined
  return base64.length / 4 * 3 - padding.length
}

/**
 * The standard form of a base64 text that clients write in others: in lines as MIME has them, without padding, in the
 * alphabet for URLs, or with percent escapes.
 * @returns the given text when it is well-formed; undefined when it is no base64 at all
 */
export function toStandardBase64 (text: string): string | undefined {
  if (toByteLength(text) !== undefined) return text
  const letters = unescaped(text).replaceAll(/\s+/g, '').replaceAll('-', '+').replaceAll('_', '/')
  let end = letters.length
  while (letters[end - 1] === '=') end--
  // Four letters are three bytes; one alone is not even one.
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
