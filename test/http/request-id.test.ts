import t from 'tap'
import { toRequestId } from '../../src/http/request-id.ts'
import { askRaw, startProxy } from '../start-proxy.ts'

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

t.test('every answer bears it, and the log line does', async t => {
  const proxy = await startProxy(t, { API_KEYS: 'k' })
  for (const path of ['/health', '/nope', '/v1/%zz', '/v1/models']) {
    const { headers } = await askRaw(proxy, path, { headers: { 'x-request-id': 'mine-1' } })
    t.equal(headers['x-request-id'], 'mine-1', path)
  }
  const { headers } = await askRaw(proxy, '/nope', { headers: { 'x-request-id': '"; drop' } })
  t.match(headers['x-request-id'], /^req_\w{32}$/)
  t.equal(proxy.lines().filter(({ msg, requestId }) => msg === 'request' && requestId === 'mine-1').length, 3)
})
