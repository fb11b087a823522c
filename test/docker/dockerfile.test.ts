import { existsSync } from 'node:fs'
import t from 'tap'
import { SETTINGS } from '../../src/settings/schema.ts'
import { textOf, unknownVariables } from './shipped.ts'

interface Instruction {
  name: string
  rest: string
}

const text = textOf('Dockerfile')
const instructions = toInstructions(text)
const last = instructions.slice(instructions.map(({ name }) => name).lastIndexOf('FROM'))

t.test('an image is built of what is pinned, and without asking anybody for more', t => {
  t.notMatch(text, /^# *syntax=/m, 'a frontend would have to be fetched')
  t.strictSame(all('ADD'), [], 'ADD fetches and unpacks')
  for (const [, image = ''] of text.matchAll(/^ARG \w*IMAGE=(\S+)/gm)) t.match(image, /:(?!latest)[\w.-]+$/, `${image} has a tag that says which`)
  for (const from of all('FROM')) t.match(from, /^\$\{\w*IMAGE\}( AS \w+)?$/, 'the base is an argument')
  t.match(text, /npm ci /, 'the lockfile says what is installed')
  t.notMatch(text, /npm (install|i) |\blatest\b|curl|wget/)
  t.end()
})

t.test('nothing but what is copied gets to the builder, and all of that is there', t => {
  const [first, ...allowed] = textOf('.dockerignore').split('\n').filter(line => line !== '' && !line.startsWith('#'))
  const copied = all('COPY').filter(rest => !rest.startsWith('--from')).flatMap(rest => rest.split(' ').slice(0, -1))
  t.equal(first, '*')
  t.strictSame(allowed.map(line => line.replace('!', '')).sort(), [...new Set(copied)].sort())
  t.strictSame(copied.filter(path => !existsSync(new URL(`../../${path}`, import.meta.url))), [])
  t.end()
})

t.test('it runs as nobody in particular, and signals reach it', t => {
  t.match(last.filter(({ name }) => name === 'USER').map(({ rest }) => rest), [/^[1-9]\d*:[1-9]\d*$/], 'a number, and not root')
  for (const name of ['ENTRYPOINT', 'CMD']) {
    for (const { rest } of last.filter(one => one.name === name)) t.type(JSON.parse(rest), Array, `${name} without a shell`)
  }
  t.match(last.find(({ name }) => name === 'HEALTHCHECK')?.rest, /CMD \["node", "dist\/main\.js", "healthcheck"\]$/)
  t.equal(last.find(({ name }) => name === 'STOPSIGNAL')?.rest, 'SIGTERM')
  t.end()
})

t.test('it sets what the proxy reads, and no secret', t => {
  const pairs = last.filter(({ name }) => name === 'ENV').flatMap(({ rest }) => rest.split(/\s+/))
  const variables = Object.fromEntries(pairs.map(pair => pair.split('=') as [string, string]))
  t.strictSame(unknownVariables(Object.keys(variables)), [])
  const secrets = /KEY|TOKEN|SECRET|PASSWORD/
  t.strictSame([...Object.keys(variables), ...all('ARG')].filter(name => secrets.test(name)), [])
  t.equal(last.find(({ name }) => name === 'EXPOSE')?.rest, variables['PORT'])
  t.equal(variables['PORT'], SETTINGS.find(({ name }) => name === 'PORT')?.default)
  t.equal(variables['HOST'], '0.0.0.0')
  t.notOk('ALLOW_UNAUTHENTICATED' in variables, 'whoever runs it has to say who may come in')
  t.end()
})

function all (name: string): string[] {
  return instructions.filter(instruction => instruction.name === name).map(({ rest }) => rest)
}

/** Without comments, each on one line. */
function toInstructions (text: string): Instruction[] {
  const lines = text.replace(/^#.*\n/gm, '').replace(/\s*\\\n\s*/g, ' ').split('\n')
  return lines.filter(line => line !== '').map(line => {
    const [, name = '', rest = ''] = /^([A-Z]+) (.*)$/.exec(line) ?? []
    return { name, rest: rest.trim() }
  })
}
