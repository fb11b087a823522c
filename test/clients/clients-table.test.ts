import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'

const ROOT = new URL('../../', import.meta.url)

function read (path: string): string {
  return readFileSync(new URL(path, ROOT), 'utf8')
}

const readme = read('README.md')
const { packages } = JSON.parse(read('test/clients/package-lock.json')) as { packages: Record<string, { version?: string }> }
const agents = readdirSync(new URL('test/agents/', ROOT)).map(name => read(`test/agents/${name}`)).join('')

t.test('the README names the versions of the clients that were tested', t => {
  const rows = [...readme.matchAll(/^\|.*\| `([^`]+)` (\d+\.\d+\.\d+) \|/gm)]
  t.ok(rows.length > 7)
  for (const [, name = '', version = ''] of rows) {
    const isAgent = agents.includes(`'${name}@${version}'`)
    t.ok(isAgent || packages[`node_modules/${name}`]?.version === version, `${name} ${version}`)
  }
  t.end()
})

t.test('the README leads to recipes that are there', t => {
  const recipes = [...read('docs/clients.md').matchAll(/^### (.+)$/gm)].map(([, title = '']) => title.toLowerCase().replace(/[^\w -]/g, '').replaceAll(' ', '-'))
  const links = [...readme.matchAll(/docs\/clients\.md#([\w-]+)/g)].map(([, anchor = '']) => anchor)
  t.ok(links.length > 10)
  t.strictSame(links.filter(anchor => !recipes.includes(anchor)), [])
  t.end()
})
