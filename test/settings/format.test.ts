import t from 'tap'
import { FORMATS, readAliases, toList } from '../../src/settings/format.ts'

const cases: Record<string, { right: string[], wrong: string[] }> = {
  host: {
    right: ['127.0.0.1', '::1', '::', 'localhost', 'proxy.internal', 'a'],
    wrong: ['', 'http://localhost', 'localhost:80', '[::1]', '-a', 'a b']
  },
  'http-url': {
    right: ['https://api.cloudflare.com/client/v4', 'http://127.0.0.1:9/client/v4/'],
    wrong: ['api.cloudflare.com', 'ftp://a', 'https://me:secret@a', 'https://a?x=1', 'https://a#b', '']
  },
  'redis-url': {
    right: ['redis://a', 'redis://127.0.0.1:6379', 'redis://[::1]:6379/0', 'rediss://:p%40ss@cache.example:6380/15', 'redis://user:pass@a/'],
    wrong: ['a:6379', 'http://a', 'redis://', 'redis:///1', 'redis://a/x', 'redis://a/1/2', 'redis://a?db=1', 'redis://a#1', 'redis://:%E0%A4@a', 'unix:///tmp/a']
  },
  'redis-prefix': {
    right: ['wap:', 'team-1:proxy_eu.', 'x'],
    wrong: ['', 'a b', 'a*', 'a/b', 'x'.repeat(65)]
  },
  'worker-count': {
    right: ['1', '9', '10', '64', 'auto'],
    wrong: ['', '0', '-1', '65', '100', '1.5', '01', '1e1', 'AUTO']
  },
  'path-segment': {
    right: ['0123abcd', 'my-gateway_1'],
    wrong: ['', 'a/b', '..', 'a b', 'a%2fb']
  },
  token: {
    right: ['abc_DEF-123.~+/='],
    wrong: ['', 'Bearer abc', 'a\nb', 'clé']
  },
  'key-list': {
    right: ['a', 'a,b', ' a , b ,', 'a\nb\n'],
    wrong: ['', ',', 'a b', 'a,clé']
  },
  'origin-list': {
    right: ['*', 'https://app.example', 'https://a.example:8443,app://obsidian.md', 'vscode-webview://*', 'https://*.app.example,http://localhost:*,app://obsidian.md*'],
    wrong: ['', 'app.example', 'https://*app.example', 'https://app.*', 'https://app.example/', 'https://app.example/path']
  },
  'host-list': {
    right: ['proxy.example', 'localhost,127.0.0.1,[::1]'],
    wrong: ['', 'https://proxy.example', 'proxy.example/v1', 'proxy.example:443']
  },
  'model-aliases': {
    right: ['{}', '{"gpt-4o":"@cf/meta/llama-3.3-70b-instruct-fp8-fast"}'],
    wrong: ['', 'gpt-4o=x', '[]', 'null', '{"a":1}', '{"a":""}', '{"a":']
  },
  'model-fallbacks': {
    right: ['{}', '{"@cf/a/b":["@cf/c/d","e"]}', '{"a":[]}'],
    wrong: ['', '[]', '{"a":"b"}', '{"a":[1]}', '{"a":[""]}']
  },
  'gateway-cache-ttl': {
    right: ['0', '60', '2592000'],
    wrong: ['', '1', '59', '2592001', '00', '60.5', '1h']
  },
  'gateway-metadata': {
    right: ['{"team":"web","key":"{key}","beta":true,"tier":2}'],
    wrong: ['', '{}', '[]', '{"a":null}', '{"a":{}}', '{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1}', `{"a":"${'x'.repeat(2_000)}"}`]
  },
  accounts: {
    right: ['[]', '[{"name":"main"}]'],
    wrong: ['', '{}', '["main"]', '[[]]', '[{']
  },
  'key-limits': {
    right: ['{}', '{"alice":{"rpm":60},"*":{}}'],
    wrong: ['', '[]', '{"alice":60}', '{"alice":[]}']
  }
}

t.same(Object.keys(cases), Object.keys(FORMATS), 'every format has its cases')

for (const [name, { right, wrong }] of Object.entries(cases)) {
  t.test(`the format ${name}`, async t => {
    for (const text of right) t.equal(FORMATS[name]?.accepts(text), true, `takes ${JSON.stringify(text)}`)
    for (const text of wrong) t.equal(FORMATS[name]?.accepts(text), false, `refuses ${JSON.stringify(text)}`)
  })
}

t.same(toList(' a,b ,\nc\r\n,,'), ['a', 'b', 'c'], 'a list is cut at commas and line ends, without blanks')
t.same(toList(''), [], 'an empty text is an empty list')
t.same(readAliases('{"a":"b"}'), { a: 'b' }, 'aliases are read from JSON')
t.equal(readAliases('{"a":["b"]}'), undefined, 'an alias of more than one model is none')
