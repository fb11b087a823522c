import t from 'tap'
import { matchesEverySite, toOriginRule } from '../../src/settings/origin-pattern.ts'

function matches (text: string, origin: string): boolean {
  const rule = toOriginRule(text)
  return rule instanceof RegExp ? rule.test(origin) : rule === origin
}

const cases: Array<{ text: string, lets: string[], refuses: string[] }> = [
  { text: 'https://app.example', lets: ['https://app.example'], refuses: ['http://app.example', 'https://app.example:8443', 'https://app.example.', 'https://a.app.example', 'https://app.example.evil.com', 'https://evilapp.example'] },
  { text: 'HTTPS://App.Example:443', lets: ['https://app.example'], refuses: ['https://App.Example', 'https://app.example:443'] },
  { text: 'https://bücher.example', lets: ['https://xn--bcher-kva.example'], refuses: ['https://bücher.example'] },
  { text: 'http://[::0:1]:80', lets: ['http://[::1]'], refuses: ['http://[::1]:80'] },
  { text: 'app://obsidian.md', lets: ['app://obsidian.md'], refuses: ['app://obsidian.md.evil.com', 'https://obsidian.md'] },
  {
    text: 'app://obsidian.md*',
    lets: ['app://obsidian.md', 'app://obsidian.md:80'],
    refuses: ['app://obsidian.md.evil.com', 'app://obsidian.mdx', 'app://obsidian.md/x', 'app://obsidianxmd', 'https://obsidian.md', 'xapp://obsidian.md', 'app://obsidian.md:80.evil.com', 'app://obsidian.md:80@evil.com']
  },
  {
    text: 'https://*.example.com',
    lets: ['https://a.example.com', 'https://a.b-c.example.com', 'https://xn--bcher-kva.example.com'],
    refuses: [
      'https://example.com', 'https://.example.com', 'https://evil.com/.example.com', 'https://example.com.evil.com', 'https://a.example.com.evil.com', 'https://evilexample.com', 'https://a.examplexcom', 'http://a.example.com',
      'https://a.example.com:8443', 'https://a.example.com.', 'https://evil.com:80.example.com', 'https://evil.com:a.example.com', 'https://evil.com@a.example.com', 'https://evil.com?.example.com', 'https://evil.com#.example.com', 'https://evil.com\\.example.com',
      'https://a.example.com\n', 'https://evil.com\n.example.com', 'https://a..example.com', 'https://a.example.com https://evil.com', 'https://A.example.com', 'null', ''
    ]
  },
  { text: 'https://*.example.com:8443', lets: ['https://a.example.com:8443'], refuses: ['https://a.example.com', 'https://a.example.com:84430'] },
  { text: 'https://*.example.com:*', lets: ['https://a.example.com', 'https://a.example.com:1'], refuses: ['https://example.com:1', 'https://a.example.com:1.evil.com'] },
  { text: 'http://localhost:*', lets: ['http://localhost', 'http://localhost:3000'], refuses: ['https://localhost', 'http://localhost.evil.com', 'http://localhost:3000.evil.com', 'http://localhost:', 'http://localhost:80@evil.com', 'http://a.localhost:3000'] },
  { text: 'http://[::1]:*', lets: ['http://[::1]', 'http://[::1]:3000'], refuses: ['http://[::2]'] },
  { text: 'https://*', lets: ['https://any.example', 'https://any.example:1'], refuses: ['http://any.example', 'null'] },
  { text: 'chrome-extension://*', lets: ['chrome-extension://abc'], refuses: ['chrome-extensionx://abc', 'https://abc'] },
  { text: 'file://*', lets: ['file://'], refuses: ['https://file'] }
]
for (const { text, lets, refuses } of cases) {
  t.strictSame(lets.filter(origin => !matches(text, origin)), [], `${text} lets them in`)
  t.strictSame(refuses.filter(origin => matches(text, origin)), [], `${text} refuses the others`)
}

for (const text of [
  '', 'app.example', 'null', 'https://', 'https://a/', 'https://a/b', 'https://a?b', 'https://a#b', 'https://me@a.example', 'https://a b', 'https://a:99999', 'https://a:', 'https://[::1', '://a', '*://a.example', '**', '*.example.com',
  'https://a*.example.com', 'https://*a.example.com', 'https://exam*ple.com', 'https://app.*', 'https://*.*', 'https://*.*.com', 'https://**', 'https://*:80', 'https://*:*', 'https://a.*.com', 'https://*.1.2.3.4', 'https://*.[::1]', 'https://a:8*', 'https://a.example**', '/^https:/'
]) t.equal(toOriginRule(text), undefined, `'${text}' is refused`)

for (const text of ['*', 'https://*', 'http://*', 'HTTPS://*', 'https://*.com', 'https://*.com.', 'http://*.dev:*']) t.ok(matchesEverySite(text), text)
for (const text of ['https://app.example', 'https://*.example.com', 'http://*.localhost', 'http://*.local:*', 'http://*.internal', 'app://*', 'http://localhost:*', 'https://com', 'nonsense']) t.notOk(matchesEverySite(text), text)
