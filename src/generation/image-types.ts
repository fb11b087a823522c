/** An image type every vision model of Workers AI takes. SVG is answered with an internal error (8005) there. */
export type ImageType = 'png' | 'jpeg' | 'webp' | 'gif'

export const MEBIBYTE = 1_048_576

/** The largest image that is sent, in bytes. */
export const MAX_IMAGE_BYTES = 10 * MEBIBYTE

/** The image type a media type names, `image/jpg` included; undefined for one that is not taken. */
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
 * The image type a file's first bytes tell; undefined for one that is not taken.
 * @param head the first 12 bytes or more, each as the character of its code
 */
export function toImageType (head: string): ImageType | undefined {
  if (head.startsWith('\x89PNG\r\n\x1a\n')) return 'png'
  if (head.startsWith('\xff\xd8\xff')) return 'jpeg'
  if (head.startsWith('RIFF') && head.startsWith('WEBP', 8)) return 'webp'
  return /^GIF8[79]a/.test(head) ? 'gif' : undefined
}
