import type { Address } from '../settings/address.ts'
import { invalid, ProxyError, type InvalidRequestError } from '../errors.ts'
import type { Change } from '../generation/change.ts'
import type { GenerationRequest } from '../generation/request.ts'
import { toImages, withImageUrls } from '../generation/image-forms.ts'
import { DownloadError, downloadImage, type DownloadOptions } from './download.ts'
import { toHostAddresses, type Lookup } from './host-addresses.ts'

export interface RemoteImagesOptions {
  /** Aborts when the client disconnects. */
  signal: AbortSignal
  /** Finds a host's addresses; the system's name servers by default. */
  lookup?: Lookup
  /** One server that may be called although it is not public; tests use it for loopback. */
  exempt?: Address
  /** Counts bytes that are held from now on; throws a ProxyError when there is no room for them. */
  hold?: (bytes: number) => void
  /** The longest time for one image, including its redirect, in milliseconds. */
  timeoutMs?: number
}

const MAX_IMAGES = 8

/** The size that a body of the default limit could contain as base64, so that a URL does not bypass that limit. */
const MAX_BYTES = 24 * 1_048_576

/**
 * Fetches the images that a request names by http(s) URL, and replaces the URLs by data URIs, because Workers AI takes no others.
 * @returns the same request if it names none
 * @throws InvalidRequestError naming the `image_url.url` that was not fetched, and why; what `hold` throws; the
 *   signal's reason when it aborts
 */
export async function fetchRemoteImages (
  request: GenerationRequest,
  options: RemoteImagesOptions
): Promise<{ request: GenerationRequest, changes: Change[] }> {
  const images = toImages(request.messages).filter(({ url }) => /^https?:/i.test(url))
  if (images.length === 0) return { request, changes: [] }
  const surplus = images[MAX_IMAGES]
  if (surplus) throw notFetched(surplus.param, `at most ${MAX_IMAGES} images are fetched for a request, but it names ${images.length}`)
  const failed = new AbortController()
  const { lookup = toHostAddresses, exempt, hold } = options
  const shared = {
    lookup,
    ...(exempt && { exempt }),
    ...(hold && { hold }),
    budget: { bytes: MAX_BYTES },
    signal: AbortSignal.any([options.signal, failed.signal])
  }
  try {
    const fetched = new Map(
      await Promise.all(images.map(async ({ url, param }) => [param, await fetchImage(url, param, shared, options.timeoutMs)] as const))
    )
    return {
      request: { ...request, messages: withImageUrls(request.messages, fetched) },
      changes: images.map(({ param }) => toChange(param))
    }
  } finally {
    // A failure ends the others.
    failed.abort()
  }
}

async function fetchImage (url: string, param: string, shared: DownloadOptions, timeoutMs = 10_000): Promise<string> {
  const timeout = AbortSignal.timeout(timeoutMs)
  try {
    return await downloadImage(url, { ...shared, signal: AbortSignal.any([shared.signal, timeout]) })
  } catch (error) {
    shared.signal.throwIfAborted()
    if (timeout.aborted) throw notFetched(param, `it took longer than ${timeoutMs / 1000} s`)
    if (error instanceof ProxyError) throw error
    if (error instanceof DownloadError) throw notFetched(param, error.message)
    // Node's own errors have a code; their messages contain addresses, which are not passed on.
    if (error instanceof Error && 'code' in error) throw notFetched(param, 'the connection to its server failed')
    throw error
  }
}

function toChange (param: string): Change {
  return { param, action: 'emulated', reason: 'fetched by the proxy' }
}

function notFetched (param: string, why: string): InvalidRequestError {
  return invalid(param, `the image was not fetched: ${why}.`, 'invalid_image_url')
}
