import { readFileSync } from 'node:fs'
import t from 'tap'
import { findPackageRoot } from '../src/package-root.ts'

t.test('the package is found from any of its files', t => {
  const root = new URL('../', import.meta.url)
  const { version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { version: string }
  t.strictSame(findPackageRoot(), { folder: root, version })
  t.end()
})
