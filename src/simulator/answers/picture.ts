/** What an image is, without a look at what it shows: `a PNG of 640 × 480 pixels`. */
export function describePicture (url: string): string {
  const [, type = 'image', base64 = ''] = /^data:image\/([\w.+-]+);base64,(.*)$/s.exec(url) ?? []
  const name = type.replace(/^x-/, '').toUpperCase()
  const size = toSize(Buffer.from(base64.slice(0, 64), 'base64'))
  return size === undefined ? `${/^[AEIOU]/.test(name) ? 'an' : 'a'} ${name === 'IMAGE' ? 'image' : name}` : `a ${name} of ${size[0]} × ${size[1]} pixels`
}

/** Width and height from the head of a PNG or GIF; of other types they stand deeper inside. */
function toSize (head: Buffer): [width: number, height: number] | undefined {
  if (head.length >= 24 && head.toString('latin1', 1, 4) === 'PNG') return [head.readUInt32BE(16), head.readUInt32BE(20)]
  if (head.length >= 10 && head.toString('latin1', 0, 3) === 'GIF') return [head.readUInt16LE(6), head.readUInt16LE(8)]
  return undefined
}
