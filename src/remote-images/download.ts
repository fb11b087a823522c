import { get as getByHttp, type IncomingMessage } from 'node:http'
import { get as getByHttps } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import type { Address } from '../settings/address.ts'
import { MAX_IMAGE_BYTES, toDeclaredType, toImageType } from '../generation/image-types.ts'
import type { Lookup } from './host-addresses.ts'
import { isPublicAddress } from './public-address.ts'

export interface DownloadOptions {
  /** Ends the download. */
  signal: AbortSignal
  lookup: Lookup
  /** One server that may be called although it is not public. */
  exempt?: Address
  /** Bytes that may still be read, shared by the downloads of one request. */
  budget: { bytes: number }
  /** Counts bytes, as base64, that are held from now on; throws when there is no room for them. */
  hold?: (bytes: number) => void
}

/** An image that is not fetched. The message ends the sentence "the image was not fetched: …", and is safe to show. */
export class DownloadError extends Error {
  override name = 'DownloadError'
}

const MAX_URL_LENGTH = 8_192
const MAX_REDIRECTS = 1
const REDIRECTS = [301, 302, 303, 307, 308]
const WEB_PORTS = [80, 443]

const HEADERS = {
  accept: 'image/png, image/jpeg, image/webp, image/gif',
  // The counted bytes must be the kept bytes, so nothing may be compressed.
  'accept-encoding': 'identity',
  'user-agent': 'workers-ai-proxy'
}

/**
 * Fetches an image from the public web by one GET without cookies or credentials, following one redirect. Every host
 * is looked up here, once, and called at no address but those that were checked.
 *
 * @returns a base64 data URI
 * @throws DownloadError for a URL, a host or an answer that is not allowed; Node's errors for a connection that fails
 */
export async function downloadImage (address: string, options: DownloadOptions): Promise<string> {
  let url = toUrl(address)
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const response = await open(url, options)
    try {
      if (!REDIRECTS.includes(response.statusCode ?? 0)) return await toDataUri(response, options)
      url = toUrl(response.headers.location ?? '', url)
    } finally {
      response.destroy()
    }
  }
  throw new DownloadError('its server redirects more than once')
}

function toUrl (address: string, base?: URL): URL {
  if (address.length > MAX_URL_LENGTH) throw new DownloadError(`its URL is longer than ${MAX_URL_LENGTH} characters`)
  if (!URL.canParse(address, base?.href)) throw new DownloadError('its URL is not valid')
  const url = new URL(address, base)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new DownloadError('only http and https URLs are fetched')
  if (url.username !== '' || url.password !== '') throw new DownloadError('its URL contains credentials')
  return url
}

async function open (url: URL, options: DownloadOptions): Promise<IncomingMessage> {
  const addresses = await toAddresses(url, options)
  const { signal } = options
  const get = url.protocol === 'https:' ? getByHttps : getByHttp
  // A separate agent: connections for other hosts or other checks are not reused.
  return new Promise((resolve, reject) => {
    get(url, { agent: false, headers: HEADERS, signal, lookup: toPinnedLookup(addresses) }, resolve)
      .on('error', reject)
      // An answer that changes the protocol closes the request without a response or an error.
      .on('close', () => reject(new DownloadError('its server gave no answer')))
  })
}

/** The addresses for a URL: all addresses of its host, or none if any of them is not allowed. */
async function toAddresses ({ protocol, hostname, port }: URL, { lookup, exempt, signal }: DownloadOptions): Promise<string[]> {
  const number = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)
  if (!WEB_PORTS.includes(number) && number !== exempt?.port) throw new DownloadError('only the ports 80 and 443 are called')
  const host = hostname.replaceAll(/[[\]]/g, '')
  const addresses = isIP(host) === 0 ? await lookup(host, signal) : [host]
  signal.throwIfAborted()
  if (addresses.length === 0) throw new DownloadError('its host was not found')
  const isAllowed = (address: string) => isPublicAddress(address) || (address === exempt?.host && number === exempt.port)
  if (!addresses.every(isAllowed)) throw new DownloadError('its host is not on the public internet')
  return addresses
}

/** A lookup that returns the checked addresses, so that a changed answer of a name server has no effect. */
function toPinnedLookup (addresses: readonly string[]): LookupFunction {
  const found = addresses.map(address => ({ address, family: isIP(address) }))
  return (_host, { all }, callback) => {
    if (all) callback(null, found)
    else callback(null, found[0]?.address ?? '', found[0]?.family)
  }
}

async function toDataUri (response: IncomingMessage, options: DownloadOptions): Promise<string> {
  const { statusCode, headers } = response
  if (statusCode !== 200) throw new DownloadError(`its server answered ${statusCode}`)
  const type = toDeclaredType(headers['content-type']?.split(';', 1)[0]?.trim() ?? '')
  if (type === undefined) throw new DownloadError('its server does not call it a PNG, JPEG, WebP or GIF')
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') throw new DownloadError('its server sent it compressed')
  const image = await toBytes(response, options)
  if (toImageType(image.toString('latin1', 0, 12)) !== type) throw new DownloadError(`it is called image/${type}, but is none`)
  return `data:image/${type};base64,${image.toString('base64')}`
}

async function toBytes (response: IncomingMessage, { budget, hold }: DownloadOptions): Promise<Buffer> {
  if (Number(response.headers['content-length'] ?? 0) > MAX_IMAGE_BYTES) throw tooLarge()
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of response as AsyncIterable<Buffer>) {
    size += piece.length
    budget.bytes -= piece.length
    if (size > MAX_IMAGE_BYTES) throw tooLarge()
    if (budget.bytes < 0) throw new DownloadError('the images of this request are too large together')
    hold?.(Math.ceil(piece.length * 4 / 3))
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

function tooLarge (): DownloadError {
  return new DownloadError(`it is larger than ${MAX_IMAGE_BYTES / 1_048_576} MiB`)
}
