import { readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { toCompatibilityPage } from './compatibility-page.ts'

const FILE = new URL('../docs/compatibility.md', import.meta.url)

t.test('the page on compatibility tells what the translator does', t => {
  const page = toCompatibilityPage()
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(FILE, page)
  t.equal(readFileSync(FILE, 'utf8'), page, 'UPDATE_DOCS=1 npx tap run --disable-coverage test/compatibility.test.ts writes it anew')
  t.end()
})
