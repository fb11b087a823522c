import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'
import { ERROR_CODES, MEANINGS } from '../src/workers-ai/transport/error-codes.ts'

const ROOT = new URL('../', import.meta.url)

/** The tables of the page, with their heads. */
const tables = readFileSync(new URL('docs/reliability.md', ROOT), 'utf8').split('\n\n')
  .map(paragraph => paragraph.split('\n').filter(line => line.startsWith('| ')).map(line => line.slice(2, -2).split(' | ')))
  .filter(([head]) => head !== undefined)
const rows = tables.filter(([head]) => head?.[2] === 'shown by').flatMap(([, ...others]) => others)

t.test('the page on reliability names tests that there are', t => {
  t.ok(rows.length > 30)
  for (const [first = '', , tests = ''] of rows) {
    const files = [...tests.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file)
    t.ok(files.length > 0, `${first}: shown by something`)
    t.strictSame(files.filter(file => !existsSync(new URL(file, ROOT))), [], first)
  }
  t.end()
})

t.test('it says what each code of Cloudflare means for an account', t => {
  const accounts = tables.find(([head]) => head?.[0] === 'Cloudflare says')?.slice(1) ?? []
  t.ok(accounts.length > 7)
  const effects = new Map(ERROR_CODES.flatMap(({ code, meaning }) => meaning === undefined ? [] : [[code, 'account' in MEANINGS[meaning] ? MEANINGS[meaning].account : undefined]]))
  const told = accounts.map(([says = '']) => [...says.matchAll(/\b\d{4,5}\b/g)].map(([code]) => Number(code)))
  for (const codes of told) t.equal(new Set(codes.map(code => effects.get(code))).size <= 1, true, `${codes.join(', ')} mean the same`)
  const all = told.flat()
  t.strictSame(all.filter(code => !effects.has(code)), [], 'all of them are in the table of codes')
  const untold = [...effects].filter(([code, effect]) => effect !== undefined && effect !== 'broken' && !all.includes(code)).map(([code]) => code)
  t.strictSame(untold, [], 'and those that move a request are here')
  t.end()
})
