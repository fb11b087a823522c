import t from 'tap'
import { serverAddress } from '../../../src/ui/server/call-server.ts'

const cases = [
  { given: 'http://127.0.0.1:8686/ui/', expected: 'http://127.0.0.1:8686/' },
  { given: 'http://127.0.0.1:8686/ui/#/requests', expected: 'http://127.0.0.1:8686/' },
  { given: 'https://example.com/ai/ui/index.html', expected: 'https://example.com/ai/' }
]
for (const { given, expected } of cases) t.equal(serverAddress(given), expected, given)
