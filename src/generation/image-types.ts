/** An image type that every vision model of Workers AI takes. SVG leads to an internal error (8005) there. */
export type ImageType = 'png' | 'jpeg' | 'webp' | 'gif'

export const MEBIBYTE = 1_048_576

/** The largest image that is sent, in bytes. */
export const MAX_IMAGE_BYTES = 10 * MEBIBYTE

/** The image type of a media type, including `image/jpg`; undefined for unsupported types. */
export function toDeclaredType (mediaType: string): ImageType | undefined {
  switch (mediaType.toLowerCase()) {
    case 'image/png': return 'png'
    case 'image/jpeg':
    case 'image/jpg': return 'jpeg'
    case 'image/webp': return 'webp'
    case 'image/gif': return 'gif'
    default: return undefined
  }
}

/**
 * The image type by a file's first bytes; undefined for unsupported types.
 * @param head the first 12 bytes or more, each as the character of its code
 */
export function toImageType (head: string): ImageType | undefined {
  if (head.startsWith('\x89PNG\r\n\x1a\n')) return 'png'
  if (head.startsWith('\xff\xd8\xff')) return 'jpeg'
  if (head.startsWith('RIFF') && head.startsWith('WEBP', 8)) return 'webp'
  return /^GIF8[79]a/.test(head) ? 'gif' : undefined
}
