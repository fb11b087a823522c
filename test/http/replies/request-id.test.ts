import t from 'tap'
import { toRequestId } from '../../../src/http/replies/request-id.ts'

const cases = [
  { name: 'a plain one is kept', given: 'abc-1.2:3_4', kept: true },
  { name: 'the longest is kept', given: 'a'.repeat(128), kept: true },
  { name: 'one that is longer is replaced', given: 'a'.repeat(129), kept: false },
  { name: 'an empty one is replaced', given: '', kept: false },
  { name: 'one with spaces is replaced', given: 'a b', kept: false },
  { name: 'one with a line break is replaced', given: 'a\nb', kept: false },
  { name: 'one that would be markup is replaced', given: '<script>', kept: false },
  { name: 'two are replaced', given: ['a', 'b'], kept: false }
]
for (const { name, given, kept } of cases) {
  const id = toRequestId({ headers: { 'x-request-id': given } } as unknown as Parameters<typeof toRequestId>[0])
  t.match(id, kept ? given : /^req_[A-Za-z0-9]{32}$/, name)
}
