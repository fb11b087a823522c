import { readFileSync } from 'node:fs'
import t from 'tap'
import { textOf, unknownVariables } from '../../test/docker/shipped.ts'
import { docker, HARDENED, IMAGE } from './docker.ts'

const MOST_ABOVE_BASE = 90_000_000

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
const base = /^ARG NODE_IMAGE=(.+)$/m.exec(textOf('Dockerfile'))?.[1] ?? ''
const [image] = JSON.parse(await docker('image', 'inspect', IMAGE))
const [baseImage] = JSON.parse(await docker('image', 'inspect', base))

t.test('it says what it is, and of what it was made', t => {
  const labels = Object.entries<string>(image.Config.Labels).map(([name, value]) => [name.replace('org.opencontainers.image.', ''), value])
  t.match(Object.fromEntries(labels), {
    title: 'workers-ai-proxy',
    description: /\w/,
    licenses: 'MIT',
    version,
    revision: /^([\da-f]{40}|unknown)$/,
    created: /^(\d{4}-\d\d-\d\dT[\d:]+([+-]\d\d:\d\d|Z)|unknown)$/,
    source: /^(https:|unknown)/,
    url: /^(https:|unknown)/,
    'base.name': base
  })
  t.end()
})

t.test('it runs as a number that is not root, and tells its port and how its health is checked', t => {
  t.match(image.Config, {
    User: '1000:1000',
    ExposedPorts: { '8686/tcp': {} },
    StopSignal: 'SIGTERM',
    Entrypoint: ['node', 'dist/main.js'],
    Healthcheck: { Test: ['CMD', 'node', 'dist/main.js', 'healthcheck'] }
  })
  t.end()
})

t.test('neither its environment nor its history holds a secret', async t => {
  const own = image.Config.Env.filter((pair: string) => !(baseImage.Config.Env ?? []).includes(pair)).map((pair: string) => pair.split('=')[0])
  t.strictSame(unknownVariables(own), [])
  const [history, baseHistory] = await Promise.all([IMAGE, base].map(async name => (await docker('history', '--no-trunc', '--format', '{{.CreatedBy}}', name)).split('\n')))
  const steps = history?.slice(0, -(baseHistory?.length ?? 0)) ?? []
  t.ok(steps.length > 5)
  t.notMatch([...own, ...steps].join('\n'), /token|secret|password|api_?key/i)
})

t.test('it adds little to its base', t => {
  t.ok(image.Size - baseImage.Size < MOST_ABOVE_BASE, `${image.Size - baseImage.Size} bytes`)
  t.strictSame(image.RootFS.Layers.slice(0, baseImage.RootFS.Layers.length), baseImage.RootFS.Layers, 'and stands on it')
  t.end()
})

t.test('it holds what runs and nothing else, and its user can write none of it', async t => {
  const find = (...argv: string[]) => docker('run', '--rm', '--network', 'none', ...HARDENED, '--entrypoint', 'find', IMAGE, '/app', ...argv)
  t.strictSame((await find('-mindepth', '1', '-maxdepth', '1')).split('\n').sort(), ['LICENSE', 'compiled', 'dist', 'node_modules', 'package.json'].map(name => `/app/${name}`))
  t.strictSame((await find('-path', '/app/node_modules/*', '-prune', '-print')).split('\n').sort(), ['@libsql', '@neon-rs', 'detect-libc', 'libsql'].map(name => `/app/node_modules/${name}`))
  t.equal((await find('-name', '*.node')).split('\n').length, 1, 'one binary: that of this platform')
  t.equal(await find('-writable'), '')
  t.not(await find('-path', '/app/compiled/*', '-type', 'f'), '', 'code was compiled beforehand')
})
