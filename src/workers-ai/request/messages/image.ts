import { invalid, quoted } from '../../../errors.ts'
import type { Change } from '../../../generation/change.ts'
import type { Message } from '../../../generation/request.ts'
import type { Model } from '../../models/model.ts'
import { toByteLength, toStandardBase64 } from './base64.ts'
import { toImages, type PlacedImage } from '../../../generation/image-forms.ts'
import { MAX_IMAGE_BYTES, MEBIBYTE, toDeclaredType, toImageType } from '../../../generation/image-types.ts'
import type { NativeImagePart } from '../native-message.ts'

const DATA_URI = /^data:([^,;]{0,100})((?:;[^,;]{0,100}){0,8}),/i
const TAKEN = 'Send PNG, JPEG, WebP or GIF.'

/**
 * Checks that the model can take the images of a conversation.
 * @param visionModels returns models to suggest; called only for a model without vision
 * @throws InvalidRequestError naming the first image for a model without vision, otherwise the first image above the limit
 */
export function checkImages (messages: readonly Message[], { id, vision, family }: Model, visionModels: () => readonly string[]): void {
  const images = toImages(messages)
  const [first] = images
  if (first === undefined) return
  if (!vision || family.content !== 'parts') {
    const names = visionModels()
    const advice = `Use a vision model${names.length > 0 ? `, such as ${names.join(', ')}` : ''}; GET /v1/models lists which have "vision": true.`
    throw invalid(first.path, `the model '${id}' cannot see images. ${advice}`)
  }
  const surplus = images[family.maxImages ?? images.length]
  if (surplus) throw invalid(surplus.path, `the model '${id}' takes at most ${family.maxImages} ${family.maxImages === 1 ? 'image' : 'images'} in a request, but got ${images.length}.`)
}

/**
 * An image as Workers AI takes it: a base64 data URI of a PNG, JPEG, WebP or GIF of at most 10 MiB. Its first bytes decide its
 * type. A data URI with another type, or with base64 in another form, is rewritten, which is a change.
 * @throws InvalidRequestError naming the member that holds the URL, for any other
 */
export function toImagePart ({ url, detail, param }: PlacedImage, changes: Change[]): NativeImagePart {
  const { head, declared, isPlain, data } = readDataUri(url, param)
  const base64 = toStandardBase64(data)
  if (base64 === undefined) throw invalid(param, 'the image is not well-formed base64.', 'invalid_value')
  const size = toByteLength(base64) ?? 0
  if (size > MAX_IMAGE_BYTES) throw invalid(param, `image too large. Expected at most ${MAX_IMAGE_BYTES / MEBIBYTE} MiB, but got ${(size / MEBIBYTE).toFixed(1)} MiB instead.`, 'invalid_value')
  const type = toImageType(atob(base64.slice(0, 16)))
  if (type === undefined) throw invalid(param, `${declared === '' || toDeclaredType(declared) ? 'the data is not an image that Workers AI takes' : `images of type '${quoted(declared)}' are not taken by Workers AI`}. ${TAKEN}`)
  if (toDeclaredType(declared) !== type) {
    changes.push({ param, action: 'repaired', from: declared, to: `image/${type}`, reason: 'an image is sent with the type that its first bytes show' })
  }
  if (base64 !== data || !isPlain) changes.push({ param, action: 'repaired', reason: 'an image is sent as a data URI without parameters, and its base64 in the standard form' })
  // It is not known whether upstream reads upper case, `image/jpg` and parameters.
  const written = `data:image/${type};base64,`
  return { type: 'image_url', image_url: { url: head === written && base64 === data ? url : written + base64, ...(detail != null && { detail }) } }
}

interface DataUri {
  /** The URI before its data; empty for base64 alone. */
  head: string
  /** The media type; empty if there is none. */
  declared: string
  /** Without parameters. */
  isPlain: boolean
  data: string
}

function readDataUri (url: string, param: string): DataUri {
  const [head, declared = '', parameters = ''] = DATA_URI.exec(url) ?? []
  if (head !== undefined && /;base64$/i.test(parameters)) return { head, declared: declared.trim(), isPlain: parameters.length === ';base64'.length, data: url.slice(head.length) }
  if (head === undefined && /^[\w+/-]{8}/.test(url)) return { head: '', declared: '', isPlain: true, data: url }
  throw invalid(param, 'Workers AI takes images as base64 data URIs only (data:image/png;base64,…). Set FETCH_REMOTE_IMAGES=true to have this proxy fetch http(s) URLs.')
}
