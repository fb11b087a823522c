import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import t from 'tap'
import { chooseCoding, readPageFiles } from '../../../src/http/page/page-files.ts'

t.test('every file of the page is read with all its codings, and nothing else is', async t => {
  const folder = t.testdir({
    'index.html': '<p>',
    'index.html.br': 'br of index',
    'index.html.gz': 'gz of index',
    'main-ABC.js': 'main()',
    'main-ABC.js.map': '{}',
    'icon-ABC.svg': '<svg/>',
    'notes.txt': 'no part of it'
  })
  mkdirSync(join(folder, 'folder.js.d'))
  const files = await readPageFiles(pathToFileURL(`${folder}/`))
  t.strictSame([...files.keys()].sort(), ['icon-ABC.svg', 'index.html', 'main-ABC.js'])
  const index = files.get('index.html')
  t.match(index, { type: 'text/html; charset=utf-8', isImmutable: false })
  t.strictSame(Object.entries(index?.bodies ?? {}).map(([coding, body]) => [coding, body.toString()]).sort(), [['br', 'br of index'], ['gzip', 'gz of index'], ['identity', '<p>']])
  t.match(files.get('main-ABC.js'), { type: 'text/javascript; charset=utf-8', isImmutable: true })
  t.match(files.get('icon-ABC.svg'), { type: 'image/svg+xml' })
  await t.rejects(readPageFiles(pathToFileURL(join(folder, 'nowhere/'))), { code: 'ENOENT' })
})

t.test('the build has made all codings of each file, and names with hashes for all but the page', async t => {
  const files = await readPageFiles()
  t.ok(files.size >= 3)
  for (const [name, { bodies, isImmutable }] of files) {
    t.equal(brotliDecompressSync(bodies.br ?? '').compare(bodies.identity), 0, name)
    t.equal(gunzipSync(bodies.gzip ?? '').compare(bodies.identity), 0, name)
    t.match(name, isImmutable ? /^\w+(?:-\w+)*-[A-Z0-9]{8}\.(?:js|css|svg)$/ : 'index.html')
  }
  const built = readdirSync(new URL('../../../dist/ui/', import.meta.url))
  t.strictSame(built.filter(name => !files.has(name.replace(/\.(?:br|gz)$/, ''))), [], 'and nothing that is not served')
  const named = [...(files.get('index.html')?.bodies.identity.toString() ?? '').matchAll(/(?:src|href)="([^":]+)"/g)].map(([, name]) => name ?? '')
  t.ok(named.length >= 2)
  t.strictSame(named.filter(name => !files.has(name)), [], 'the page names files that are there')
})

t.test('the wire has room for a page of 60 kB', async t => {
  const files = [...(await readPageFiles()).values()]
  const bytes = files.reduce((sum, { bodies: { gzip } }) => sum + (gzip?.length ?? 0), 0)
  t.comment(`${bytes} bytes`)
  t.ok(bytes <= 60_000, `${bytes} bytes`)
})

t.test('a browser gets the best coding it takes', t => {
  const identity = Buffer.from('x')
  const all = { bodies: { identity, br: identity, gzip: identity } }
  const cases = [
    [undefined, 'identity'], ['', 'identity'], ['gzip, deflate, br, zstd', 'br'], ['gzip', 'gzip'], ['GZIP', 'gzip'], ['br;q=0, gzip', 'gzip'], ['br;q=0.000,gzip;q=0', 'identity'],
    ['br;q=0.5', 'br'], ['br ; q=0.0 , gzip ; q=0.1', 'gzip'], ['brotli', 'identity'], ['*', 'identity'], ['identity', 'identity'], [',;,', 'identity']
  ] as const
  for (const [accepted, expected] of cases) t.equal(chooseCoding(all, accepted), expected, `${accepted}`)
  t.equal(chooseCoding({ bodies: { identity, gzip: identity } }, 'br, gzip'), 'gzip')
  t.equal(chooseCoding({ bodies: { identity } }, 'br, gzip'), 'identity')
  t.end()
})
