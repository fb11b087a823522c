import { readFileSync } from 'node:fs'
import t from 'tap'

interface Manifest {
  version: string
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
}

interface Locked {
  version?: string
  integrity?: string
  resolved?: string
  link?: boolean
}

const ROOT = new URL('../../', import.meta.url)

/** Versions in which what was once reported of these was mended; older ones are no match for what this proxy is exposed to. */
const OLDEST: Record<string, string> = {
  fastify: '5.8.5', // content types that skip validation, memory, a forged host
  undici: '7.28.0', // endless decompression, poisoned queues
  'find-my-way': '9.7.0', // patterns that take for ever
  'fast-uri': '3.1.6', // other servers by odd URLs
  'secure-json-parse': '4.0.0', // poisoned prototypes
  ajv: '8.18.0' // patterns that take for ever
}

function read (path: string): string {
  return readFileSync(new URL(path, ROOT), 'utf8')
}

const manifest = JSON.parse(read('package.json')) as Manifest
const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> }

t.test('every package is pinned to a version and to its bytes', t => {
  const locked = Object.entries(packages).filter(([path]) => path !== '')
  t.ok(locked.length > 100)
  t.strictSame(locked.filter(([, { version, integrity, link }]) => !link && (version === undefined || !/^sha512-[A-Za-z0-9+/]{86}==/.test(integrity ?? ''))).map(([path]) => path), [])
  t.strictSame(locked.filter(([, { resolved, link }]) => link || resolved !== undefined).map(([path]) => path), [], 'and from the registry that is set up, not from an address')
  t.end()
})

t.test('a new major version comes only when somebody takes it', t => {
  const ranges = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })
  t.strictSame(ranges.filter(([, range]) => !/^[~^]?\d+\.\d+\.\d+$/.test(range)), [])
  t.end()
})

t.test('what is installed has its known holes mended', t => {
  for (const [name, oldest] of Object.entries(OLDEST)) {
    const { version } = JSON.parse(read(`node_modules/${name}/package.json`)) as Manifest
    t.ok(isAtLeast(version, oldest), `${name} ${version} is ${oldest} or newer`)
    t.equal(packages[`node_modules/${name}`]?.version, version, `${name} is the one that is pinned`)
  }
  t.end()
})

function isAtLeast (version: string, oldest: string): boolean {
  const [one, other] = [version, oldest].map(text => text.split('.').map(Number)) as [number[], number[]]
  const at = one.findIndex((part, index) => part !== other[index])
  return at < 0 || (one[at] ?? 0) > (other[at] ?? 0)
}
