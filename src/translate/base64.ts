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
