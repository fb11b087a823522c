import t from 'tap'
import { isInPieces, toText, type RequestBody } from '../../../src/workers-ai/transport/request-body.ts'

const bytes = Buffer.from('{"prompt":"é😀"}')
const cases: Array<{ name: string, given: RequestBody, isCut: boolean }> = [
  { name: 'text', given: bytes.toString(), isCut: false },
  { name: 'bytes', given: bytes, isCut: false },
  { name: 'pieces, cut inside a character', given: [bytes.subarray(0, 12), bytes.subarray(12)], isCut: true },
  { name: 'one piece', given: [bytes], isCut: true }
]
for (const { name, given, isCut } of cases) {
  t.equal(toText(given), '{"prompt":"é😀"}', name)
  t.equal(isInPieces(given), isCut, name)
}
