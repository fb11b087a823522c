import t from 'tap'
import type { Message, UserPart } from '../../src/openai/chat-completion-request.ts'
import { checkImages, MAX_IMAGE_BYTES, toDeclaredType, toImagePart, toImages, toImageType } from '../../src/translate/image.ts'
import { modelOf } from './model-of.ts'

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
    const part = imagePart(`data:${mediaType};base64,${toBase64(bytes)}`)
    t.strictSame(toImagePart(part, PATH), part, name)
  }
  t.end()
})

t.test('its type is written as Workers AI reads it', t => {
  const data = toBase64(HEADS.jpeg)
  for (const head of ['data:image/jpg;base64,', 'DATA:IMAGE/JPEG;BASE64,', 'data:image/JPG;Base64,']) {
    t.equal(toImagePart(imagePart(head + data), PATH).image_url.url, `data:image/jpeg;base64,${data}`, head)
  }
  t.end()
})

t.test('a detail passes, and one of null does not', t => {
  const url = `data:image/png;base64,${toBase64(HEADS.png)}`
  t.strictSame(toImagePart({ type: 'image_url', image_url: { url, detail: 'low' } }, PATH).image_url, { url, detail: 'low' })
  t.strictSame(toImagePart({ type: 'image_url', image_url: { url, detail: null } }, PATH).image_url, { url })
  t.end()
})

t.test('any other image is refused before anything is sent', t => {
  const png = toBase64(HEADS.png)
  const svg = toBase64('<svg xmlns="http://www.w3.org/2000/svg"/>')
  const cases = [
    { name: 'an address', given: 'https://example.com/a.png', code: 'unsupported_value', says: /FETCH_REMOTE_IMAGES=true/ },
    { name: 'a file', given: 'file:///etc/passwd', code: 'unsupported_value', says: /base64 data URIs only/ },
    { name: 'bare base64', given: png, code: 'unsupported_value', says: /base64 data URIs only/ },
    { name: 'nothing', given: '', code: 'unsupported_value', says: /base64 data URIs only/ },
    { name: 'text', given: 'data:text/plain;base64,aGVsbG8=', code: 'unsupported_value', says: /base64 data URIs only/ },
    { name: 'percent-encoding', given: 'data:image/png,%89PNG', code: 'unsupported_value', says: /base64 data URIs only/ },
    { name: 'a parameter, which upstream does not read', given: `data:image/png;charset=utf-8;base64,${png}`, code: 'unsupported_value', says: /base64 data URIs only/ },
    { name: 'an SVG', given: `data:image/svg+xml;base64,${svg}`, code: 'unsupported_value', says: /'image\/svg\+xml' are not taken.*PNG, JPEG, WebP or GIF/ },
    { name: 'a TIFF', given: `data:image/tiff;base64,${toBase64('II*\0')}`, code: 'unsupported_value', says: /'image\/tiff' are not taken/ },
    { name: 'an SVG that is called a PNG', given: `data:image/png;base64,${svg}`, code: 'unsupported_value', says: /no image that Workers AI takes.*PNG, JPEG, WebP or GIF/ },
    { name: 'no bytes', given: 'data:image/png;base64,', code: 'unsupported_value', says: /no image that Workers AI takes/ },
    { name: 'the beginning of a PNG\'s beginning', given: `data:image/png;base64,${toBase64('\x89PNG')}`, code: 'unsupported_value', says: /no image that Workers AI takes/ },
    { name: 'a sound in the same wrapping as a WebP', given: `data:image/webp;base64,${toBase64('RIFF\x24\0\0\0WAVEfmt ')}`, code: 'unsupported_value', says: /no image that Workers AI takes/ },
    { name: 'a JPEG that is called a PNG', given: `data:image/png;base64,${toBase64(HEADS.jpeg)}`, code: 'unsupported_value', says: /is image\/jpeg, but is called 'image\/png'/ },
    { name: 'base64 that is cut', given: `data:image/png;base64,${png}A`, code: 'invalid_value', says: /not well-formed base64/ },
    { name: 'base64 with line breaks', given: `data:image/png;base64,${png.slice(0, 8)}\n${png.slice(8)}`, code: 'invalid_value', says: /not well-formed base64/ },
    { name: 'too many bytes', given: `data:image/png;base64,${'A'.repeat((MAX_IMAGE_BYTES + 2) / 3 * 4)}`, code: 'invalid_value', says: /at most 10 MiB, but got 10\.0 MiB/ }
  ]
  for (const { name, given, code, says } of cases) {
    t.throws(() => toImagePart(imagePart(given), PATH), { name: 'InvalidRequestError', status: 400, param: `${PATH}.image_url.url`, code, message: says }, `not ${name}`)
  }
  t.end()
})

t.test('the largest image passes, and only its head is decoded', t => {
  const head = toBase64(HEADS.png.slice(0, 12))
  const rest = MAX_IMAGE_BYTES / 3 * 4 - head.length
  const url = `data:image/png;base64,${head}${'A'.repeat(Math.floor(rest / 4) * 4)}`
  t.equal(toImagePart(imagePart(url), PATH).image_url.url, url)
  t.end()
})

t.test('the images of a conversation are found where they are', t => {
  const one = imagePart('data:one')
  const other = imagePart('data:other')
  const messages: Message[] = [
    { role: 'system', content: 'Look.' },
    saying({ type: 'text', text: 'a' }, one),
    { role: 'assistant', content: 'A cat.' },
    { role: 'user', content: 'And this?' },
    { role: 'user', content: null },
    saying(other)
  ]
  t.strictSame(toImages(messages), [{ part: one, path: 'messages[1].content[1]' }, { part: other, path: 'messages[5].content[0]' }])
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

t.test('types are told by name and by bytes', t => {
  const named = [
    { given: 'image/png', expected: 'png' },
    { given: 'IMAGE/PNG', expected: 'png' },
    { given: 'image/jpeg', expected: 'jpeg' },
    { given: 'image/jpg', expected: 'jpeg' },
    { given: 'image/webp', expected: 'webp' },
    { given: 'image/gif', expected: 'gif' },
    { given: 'image/svg+xml', expected: undefined },
    { given: 'image/png2', expected: undefined },
    { given: 'text/html', expected: undefined },
    { given: '', expected: undefined }
  ]
  for (const { given, expected } of named) t.equal(toDeclaredType(given), expected, given || 'no name')
  for (const [type, head] of Object.entries(HEADS)) t.equal(toImageType(head), type, `the bytes of ${type}`)
  for (const head of ['', 'GIF88a', 'RIFF\x24\0\0\0AVI ', '%PDF-1.7', '<svg', '\xff\xd8', 'BM']) t.equal(toImageType(head), undefined, JSON.stringify(head))
  t.end()
})
