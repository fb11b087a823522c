import t from 'tap'
import { nearestName } from '../../src/settings/did-you-mean.ts'

const names = ['port', 'host', 'demo', 'print-config', 'log-level', 'log-content', 'api-keys', 'cloudflare-account-id', 'cloudflare-api-token', 'cloudflare-ai-gateway-token']

const cases = [
  { name: 'two letters swapped', given: 'prot', expected: 'port' },
  { name: 'a letter too few', given: 'dem', expected: 'demo' },
  { name: 'a letter too many', given: 'demoo', expected: 'demo' },
  { name: 'a wrong letter', given: 'hist', expected: 'host' },
  { name: 'several slips in a long name', given: 'cloudflare-acount-idd', expected: 'cloudflare-account-id' },
  { name: 'other case', given: 'PORT', expected: 'port' },
  { name: 'the beginning of a name', given: 'p', expected: 'port' },
  { name: 'the beginning of several', given: 'log', expected: 'log-level' },
  { name: 'a plural left out', given: 'api-key', expected: 'api-keys' },
  { name: 'words inside a name', given: 'token', expected: 'cloudflare-api-token' },
  { name: 'the end of a name', given: 'account-id', expected: 'cloudflare-account-id' },
  { name: 'a part of a word is none', given: 'oken', expected: undefined },
  { name: 'something else', given: 'temp', expected: undefined },
  { name: 'nothing', given: '', expected: undefined }
]
for (const { name, given, expected } of cases) t.equal(nearestName(given, names), expected, name)
t.equal(nearestName('x', []), undefined, 'where there is no name, none is near')
