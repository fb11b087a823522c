import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'

const ROOT = new URL('../', import.meta.url)

/** The rows of every table in the page. */
const rows = readFileSync(new URL('docs/reliability.md', ROOT), 'utf8').split('\n')
  .filter(line => line.startsWith('| '))
  .map(line => line.slice(2, -2).split(' | '))
  .filter(([first]) => first !== 'what has to hold')

t.test('the page on reliability names tests that there are', t => {
  t.ok(rows.length > 30)
  for (const [first = '', , tests = ''] of rows) {
    const files = [...tests.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file)
    t.ok(files.length > 0, `${first}: shown by something`)
    t.strictSame(files.filter(file => !existsSync(new URL(file, ROOT))), [], first)
  }
  t.end()
})
