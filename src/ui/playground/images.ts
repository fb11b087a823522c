import type { AttachedImage } from './turns.ts'

/** The largest image that is attached, in bytes; Cloudflare's models take less. */
export const MAX_IMAGE_BYTES = 10_000_000

/** What is wrong with a file; undefined when it can be attached. */
export function toImageProblem ({ name, type, size }: Pick<File, 'name' | 'type' | 'size'>): string | undefined {
  if (!/^image\/(?:png|jpeg|webp|gif)$/.test(type)) return `${name} is no PNG, JPEG, WebP or GIF image.`
  return size > MAX_IMAGE_BYTES ? `${name} is larger than 10 MB.` : undefined
}

/** Rejects when the browser cannot read the file. */
export function readImage (file: File): Promise<AttachedImage> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.onload = () => resolve({ name: file.name, url: String(reader.result) })
    reader.onerror = () => reject(reader.error ?? new Error('the file cannot be read'))
    reader.readAsDataURL(file)
  })
}
