import t from 'tap'
import { toDeclaredType, toImageType } from '../../src/generation/image-types.ts'

const HEADS = {
  png: '\x89PNG\r\n\x1a\n\0\0\0\rIHDR',
  jpeg: '\xff\xd8\xff\xe0\0\x10JFIF\0\x01',
  webp: 'RIFF\x24\0\0\0WEBPVP8 ',
  gif: 'GIF89a\x01\0\x01\0\x80\0'
}

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
