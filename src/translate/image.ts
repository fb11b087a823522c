import { InvalidRequestError } from '../errors.ts'
import type { ImagePart, Message } from '../openai/chat-completion-request.ts'
import type { Model } from '../workers-ai/model.ts'
import { toByteLength } from './base64.ts'

/** An image type every vision model of Workers AI takes. SVG is answered with an internal error (8005) there. */
export type ImageType = 'png' | 'jpeg' | 'webp' | 'gif'

/** An image of a request and its place, e.g. `messages[0].content[1]`. */
export interface PlacedImage {
  part: ImagePart
  path: string
}

const MEBIBYTE = 1_048_576

/** The largest image that is sent, in bytes. */
export const MAX_IMAGE_BYTES = 10 * MEBIBYTE

const DATA_URI = /^data:(image\/[\w.+-]{1,64});base64,/i
const TAKEN = 'Send PNG, JPEG, WebP or GIF.'

/** Every image of a conversation, in order. */
export function toImages (messages: readonly Message[]): PlacedImage[] {
  const images: PlacedImage[] = []
  messages.forEach(({ role, content }, index) => {
    if (role !== 'user' || !Array.isArray(content)) return
    content.forEach((part, place) => {
      if (part.type === 'image_url') images.push({ part, path: `messages[${index}].content[${place}]` })
    })
  })
  return images
}

/**
 * Lets the images of a conversation pass that its model is able to see.
 * @param visionModels names the models to suggest when it sees none; asked only then
 * @throws InvalidRequestError naming the first image when the model sees none, else the first that is one too many
 */
export function checkImages (messages: readonly Message[], { id, vision, family }: Model, visionModels: () => readonly string[]): void {
  const images = toImages(messages)
  const [first] = images
  if (first === undefined) return
  if (!vision || family.content !== 'parts') {
    const names = visionModels()
    const advice = `Use a vision model${names.length > 0 ? `, such as ${names.join(', ')}` : ''}; GET /v1/models lists which have "vision": true.`
    throw unsupported(first.path, `the model '${id}' cannot see images. ${advice}`)
  }
  const surplus = images[family.maxImages ?? images.length]
  if (surplus) throw unsupported(surplus.path, `the model '${id}' takes at most ${family.maxImages} ${family.maxImages === 1 ? 'image' : 'images'} in a request, but got ${images.length}.`)
}

/**
 * An image as Workers AI takes it: a base64 data URI of a PNG, JPEG, WebP or GIF of at most 10 MiB. Only its head is
 * decoded, to see whether it is what it is called.
 * @throws InvalidRequestError naming its `image_url.url` for any other
 */
export function toImagePart ({ image_url: { url, detail } }: ImagePart, path: string): ImagePart {
  const param = `${path}.image_url.url`
  const [head, declared] = DATA_URI.exec(url) ?? []
  if (head === undefined || declared === undefined) {
    throw unsupported(param, 'Workers AI takes images as base64 data URIs only (data:image/png;base64,…). Set FETCH_REMOTE_IMAGES=true to have this proxy fetch http(s) URLs.')
  }
  const type = toDeclaredType(declared)
  if (type === undefined) throw unsupported(param, `images of type '${declared}' are not taken by Workers AI. ${TAKEN}`)
  const data = url.slice(head.length)
  const size = toByteLength(data)
  if (size === undefined) throw invalid(param, 'the image is not well-formed base64.')
  if (size > MAX_IMAGE_BYTES) throw invalid(param, `image too large. Expected at most ${MAX_IMAGE_BYTES / MEBIBYTE} MiB, but got ${(size / MEBIBYTE).toFixed(1)} MiB instead.`)
  const actual = toImageType(atob(data.slice(0, 16)))
  if (actual === undefined) throw unsupported(param, `the data is no image that Workers AI takes. ${TAKEN}`)
  if (actual !== type) throw unsupported(param, `the data is image/${actual}, but is called '${declared}'.`)
  // Upper case and `image/jpg` are not known to be read upstream.
  const written = `data:image/${type};base64,`
  return { type: 'image_url', image_url: { url: head === written ? url : written + data, ...(detail != null && { detail }) } }
}

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

function unsupported (param: string, why: string): InvalidRequestError {
  return new InvalidRequestError(`Invalid '${param}': ${why}`, { param, code: 'unsupported_value' })
}

function invalid (param: string, why: string): InvalidRequestError {
  return new InvalidRequestError(`Invalid '${param}': ${why}`, { param, code: 'invalid_value' })
}
