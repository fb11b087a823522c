import t from 'tap'
import { describePicture } from '../../../src/simulator/answers/picture.ts'

const png = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII='
const cases = [
  { given: png, expected: 'a PNG of 1 × 1 pixels' },
  { given: `data:image/gif;base64,${Buffer.from('GIF89a\x02\x00\x03\x00', 'latin1').toString('base64')}`, expected: 'a GIF of 2 × 3 pixels' },
  { given: 'data:image/jpeg;base64,/9j/4AAQ', expected: 'a JPEG' },
  { given: 'data:image/avif;base64,AAAA', expected: 'an AVIF' },
  { given: 'data:image/png;base64,iVBO', expected: 'a PNG' },
  { given: 'https://example.com/a.png', expected: 'an image' }
]
for (const { given, expected } of cases) t.equal(describePicture(given), expected, expected)
