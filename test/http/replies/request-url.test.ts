import t from 'tap'
import { toRoutableUrl } from '../../../src/http/replies/request-url.ts'

const cases = [
  { name: 'a plain path stays', given: '/v1/models', expected: '/v1/models' },
  { name: 'an encoded path stays', given: '/v1/models/@cf%2Fmeta%2Fllama?x=%zz', expected: '/v1/models/@cf%2Fmeta%2Fllama?x=%zz' },
  { name: 'a path that is no encoding is taken as it is written', given: '/v1/%zz/%41?x=%', expected: '/v1/%25zz/%2541?x=%' },
  { name: 'a path that encodes no text is, too', given: '/%ff', expected: '/%25ff' },
  { name: 'of a whole URL the path counts', given: 'http://localhost:80/v1/models?x=1', expected: '/v1/models?x=1' },
  { name: 'a whole URL without a path asks for the root', given: 'HTTPS://localhost?x=1', expected: '/?x=1' },
  { name: 'a whole URL without a server is read all the same', given: 'http:///v1/%zz', expected: '/v1/%25zz' },
  { name: 'what is no path becomes one', given: '*', expected: '/*' },
  { name: 'another scheme does, too', given: 'file:///etc/passwd', expected: '/file:///etc/passwd' }
]
for (const { name, given, expected } of cases) {
  t.equal(toRoutableUrl({ url: given }), expected, name)
}
