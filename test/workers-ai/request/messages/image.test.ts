import t from 'tap'
import type { Change } from '../../../../src/generation/change.ts'
import type { Message, UserPart } from '../../../../src/generation/request.ts'
import { MAX_IMAGE_BYTES } from '../../../../src/generation/image-types.ts'
import { checkImages, toImagePart } from '../../../../src/workers-ai/request/messages/image.ts'
import { modelOf } from '../model-of.ts'

const HEADS = {
  png: '\x89PNG\r\n\x1a\n\0\0\0\rIHDR',
  jpeg: '\xff\xd8\xff\xe0\0\x10JFIF\0\x01',
  webp: 'RIFF\x24\0\0\0WEBPVP8 ',
  gif: 'GIF89a\x01\0\x01\0\x80\0'
}
const PATH = 'messages[0].content[1]'

function toBase64 (bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('base64')
}

function imagePart (url: string) {
  return { type: 'image_url' as const, image_url: { url } }
}

/** An image as it is sent, and what is told of it. */
function sent (url: string, detail?: string): { part: unknown, changes: string[] } {
  const changes: Change[] = []
  const part = toImagePart({ url, ...(detail !== undefined && { detail }), path: PATH, param: `${PATH}.image_url.url` }, changes)
  return { part, changes: changes.map(({ param, action, from, to }) => [param.replace(PATH, ''), action, from, to].filter(one => one !== undefined).join(' ')) }
}

function saying (...content: UserPart[]): Message {
  return { role: 'user', content }
}

t.test('an image that Workers AI takes passes', t => {
  const cases = [
    { name: 'a PNG', mediaType: 'image/png', bytes: HEADS.png },
    { name: 'a JPEG', mediaType: 'image/jpeg', bytes: HEADS.jpeg },
    { name: 'a WebP', mediaType: 'image/webp', bytes: HEADS.webp },
    { name: 'a GIF', mediaType: 'image/gif', bytes: HEADS.gif },
    { name: 'a GIF of 1987', mediaType: 'image/gif', bytes: 'GIF87a\x01\0\x01\0' }
  ]
  for (const { name, mediaType, bytes } of cases) {
    const url = `data:${mediaType};base64,${toBase64(bytes)}`
    t.strictSame(sent(url), { part: imagePart(url), changes: [] }, name)
  }
  t.end()
})

t.test('its type is written as Workers AI reads it', t => {
  const data = toBase64(HEADS.jpeg)
  for (const head of ['data:image/jpg;base64,', 'DATA:IMAGE/JPEG;BASE64,', 'data:image/JPG;Base64,']) {
    t.strictSame(sent(head + data), { part: imagePart(`data:image/jpeg;base64,${data}`), changes: [] }, head)
  }
  t.end()
})

t.test('a detail passes', t => {
  const url = `data:image/png;base64,${toBase64(HEADS.png)}`
  t.match(sent(url, 'low').part, { image_url: { url, detail: 'low' } })
  t.strictSame(sent(url).part, { type: 'image_url', image_url: { url } })
  t.end()
})

t.test('an image is what its bytes say it is, however it is wrapped, and that is told', t => {
  const png = toBase64(HEADS.png)
  const repaired = '.image_url.url repaired'
  const cases = [
    { name: 'a PNG that is called a JPEG', given: `data:image/jpeg;base64,${png}`, changes: [`${repaired} image/jpeg image/png`] },
    { name: 'a PNG that is called text', given: `data:text/plain;base64,${png}`, changes: [`${repaired} text/plain image/png`] },
    { name: 'a PNG that is called nothing', given: `data:;base64,${png}`, changes: [`${repaired}  image/png`] },
    { name: 'base64 alone', given: png, changes: [`${repaired}  image/png`] },
    { name: 'base64 alone, in lines', given: `${png.slice(0, 18)}\n${png.slice(18)}`, changes: [`${repaired}  image/png`, repaired] },
    { name: 'a parameter', given: `data:image/png;charset=utf-8;base64,${png}`, changes: [repaired] },
    { name: 'lines', given: `data:image/png;base64,${png.slice(0, 8)}\r\n${png.slice(8)}\r\n`, changes: [repaired] },
    { name: 'no padding', given: `data:image/png;base64,${png.replace(/=+$/, '')}`, changes: png.endsWith('=') ? [repaired] : [] },
    { name: 'the alphabet for URLs', given: `data:image/jpeg;base64,${toBase64(HEADS.jpeg).replaceAll('/', '_')}`, type: 'jpeg', changes: [repaired] }
  ]
  for (const { name, given, type = 'png', changes } of cases) {
    t.strictSame(sent(given), { part: imagePart(`data:image/${type};base64,${toBase64(type === 'png' ? HEADS.png : HEADS.jpeg)}`), changes }, name)
  }
  t.end()
})

t.test('any other image is refused before anything is sent', t => {
  const png = toBase64(HEADS.png)
  const svg = toBase64('<svg xmlns="http://www.w3.org/2000/svg"/>')
  const cases = [
    { name: 'an address', given: 'https://example.com/a.png', code: 'unsupported_value', says: /FETCH_REMOTE_IMAGES=true/ },
    { name: 'a file', given: 'file:///etc/passwd', code: 'unsupported_value', says: /base64 data URIs only/ },
    { name: 'nothing', given: '', code: 'unsupported_value', says: /base64 data URIs only/ },
    { name: 'text', given: 'data:text/plain;base64,aGVsbG8=', code: 'unsupported_value', says: /'text\/plain' are not taken/ },
    { name: 'percent-encoding', given: 'data:image/png,%89PNG', code: 'unsupported_value', says: /base64 data URIs only/ },
    { name: 'an SVG', given: `data:image/svg+xml;base64,${svg}`, code: 'unsupported_value', says: /'image\/svg\+xml' are not taken.*PNG, JPEG, WebP or GIF/ },
    { name: 'a TIFF', given: `data:image/tiff;base64,${toBase64('II*\0')}`, code: 'unsupported_value', says: /'image\/tiff' are not taken/ },
    { name: 'an SVG that is called a PNG', given: `data:image/png;base64,${svg}`, code: 'unsupported_value', says: /not an image that Workers AI takes.*PNG, JPEG, WebP or GIF/ },
    { name: 'no bytes', given: 'data:image/png;base64,', code: 'unsupported_value', says: /not an image that Workers AI takes/ },
    { name: 'the beginning of a PNG\'s beginning', given: `data:image/png;base64,${toBase64('\x89PNG')}`, code: 'unsupported_value', says: /not an image that Workers AI takes/ },
    { name: 'a sound in the same wrapping as a WebP', given: `data:image/webp;base64,${toBase64('RIFF\x24\0\0\0WAVEfmt ')}`, code: 'unsupported_value', says: /not an image that Workers AI takes/ },
    { name: 'base64 that is cut', given: `data:image/png;base64,${png}A`, code: 'invalid_value', says: /not well-formed base64/ },
    { name: 'too many bytes', given: `data:image/png;base64,${'A'.repeat((MAX_IMAGE_BYTES + 2) / 3 * 4)}`, code: 'invalid_value', says: /at most 10 MiB, but got 10\.0 MiB/ }
  ]
  for (const { name, given, code, says } of cases) {
    t.throws(() => sent(given), { name: 'InvalidRequestError', status: 400, param: `${PATH}.image_url.url`, code, message: says }, `not ${name}`)
  }
  t.end()
})

t.test('the largest image passes, and only its head is decoded', t => {
  const head = toBase64(HEADS.png.slice(0, 12))
  const rest = MAX_IMAGE_BYTES / 3 * 4 - head.length
  const url = `data:image/png;base64,${head}${'A'.repeat(Math.floor(rest / 4) * 4)}`
  t.strictSame(sent(url), { part: imagePart(url), changes: [] })
  t.end()
})

t.test('images go to models that see them all', t => {
  const image = imagePart('data:x')
  const names = () => ['@cf/a/one', '@cf/b/two']
  const never = () => t.fail('names are asked for although they are not needed') as never
  const passing = [
    { name: 'one to a model that sees', model: modelOf('openai', { vision: true }), given: [saying(image)] },
    { name: 'several to a model without a known limit', model: modelOf('kimi', { vision: true }), given: [saying(image, image), saying(image)] },
    { name: 'one to a model that takes one', model: modelOf('vision', { vision: true }), given: [saying(image)] },
    { name: 'none to a model that sees none', model: modelOf('classic'), given: [saying({ type: 'text', text: 'hi' })] }
  ]
  for (const { name, model, given } of passing) t.doesNotThrow(() => checkImages(given, model, never), name)

  const blind = { name: 'InvalidRequestError', status: 400, code: 'unsupported_value', param: /^messages\[0\]\.content\[1\]$/, message: /cannot see images\. Use a vision model, such as @cf\/a\/one, @cf\/b\/two; GET/ }
  t.throws(() => checkImages([saying({ type: 'text', text: 'a' }, image)], modelOf('openai'), names), blind, 'a model that sees none')
  t.throws(() => checkImages([saying({ type: 'text', text: 'a' }, image)], modelOf('classic', { vision: true }), names), blind, 'a model that takes text only')
  t.throws(() => checkImages([saying(image)], modelOf('openai'), () => []), { message: /Use a vision model; GET \/v1\/models/ }, 'nothing is suggested where nothing is known')
  t.throws(() => checkImages([saying(image), saying({ type: 'text', text: 'b' }, image)], modelOf('vision', { vision: true }), names),
    { name: 'InvalidRequestError', status: 400, code: 'unsupported_value', param: /^messages\[1\]\.content\[1\]$/, message: /takes at most 1 image in a request, but got 2/ }, 'one too many')
  t.throws(() => checkImages([saying(image, image, image)], modelOf('openai', { vision: true, family: { maxImages: 2 } }), names), { message: /at most 2 images in a request, but got 3/ }, 'one too many of several')
  t.end()
})
