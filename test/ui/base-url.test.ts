import t from 'tap'
import { toBaseUrl } from '../../src/ui/base-url.ts'

t.test('the base URL stands beside the page', t => {
  t.equal(toBaseUrl('http://127.0.0.1:8686/ui/'), 'http://127.0.0.1:8686/v1')
  t.equal(toBaseUrl('https://ai.example/ui/index.html?x#requests'), 'https://ai.example/v1')
  t.equal(toBaseUrl('https://ai.example/proxy/ui/'), 'https://ai.example/proxy/v1', 'with the path that a server in front has')
  t.end()
})
