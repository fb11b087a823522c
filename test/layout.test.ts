import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, posix } from 'node:path'
import t from 'tap'
import { ERROR_CODES } from '../src/workers-ai/error-codes.ts'

const ROOT = new URL('../', import.meta.url)

/** Source files that have no test of their own, and why. */
const UNTESTED: Record<string, string> = {
  'errors.ts': 'classes that only hold what they are given; every test that expects one checks them',
  'doctor/finding.ts': 'types only',
  'generation/change.ts': 'types only',
  'generation/event.ts': 'types only',
  'openai/chat-completion.ts': 'types only; test/contract holds them against the openai package',
  'openai/completion.ts': 'types only; test/contract holds them against the openai package',
  'openai/embedding.ts': 'types only; test/contract holds them against the openai package',
  'openai/error.ts': 'types only; test/contract holds them against the openai package',
  'openai/model.ts': 'types only; test/contract holds them against the openai package',
  'openai/response.ts': 'types only; test/contract holds them against the openai package',
  'workers-ai/model.ts': 'types only'
}

/** Names that say nothing of what is inside. */
const DRAWERS = ['utils', 'util', 'lib', 'helpers', 'common', 'types', 'misc', 'shared']

interface Rule {
  /** Packages, `node:*` for all of Node's. */
  packages: string[]
  /** Folders and files of ours. A folder may always import from itself. */
  ours: string[]
  /** Files of these folders that may not be imported all the same. */
  except?: string[]
}

const FACTS_OF_WORKERS_AI = ['workers-ai/catalogue.ts', 'workers-ai/embedding-family.ts', 'workers-ai/error-codes.ts', 'workers-ai/family.ts', 'workers-ai/model.ts']

/** What each folder may import; whatever is not here may not be. */
const RULES: Record<string, Rule> = {
  openai: { packages: ['@sinclair/typebox'], ours: [] },
  generation: { packages: [], ours: [] },
  'workers-ai': { packages: ['undici', 'lossless-json', 'node:*'], ours: ['generation', 'errors.ts'] },
  translate: { packages: ['ajv', 'ajv-draft-04', 'jsonrepair', 're2js', 'lossless-json'], ours: ['openai', 'workers-ai', 'generation', 'errors.ts'], except: ['workers-ai/client.ts', 'workers-ai/generate.ts', 'workers-ai/retry.ts'] },
  'remote-images': { packages: ['node:*'], ours: ['openai', 'generation', 'translate', 'errors.ts', 'address.ts'] },
  'responses-store': { packages: ['libsql', 'node:*'], ours: ['openai', 'settings/problem.ts'] },
  simulator: { packages: ['fastify', 'node:*'], ours: FACTS_OF_WORKERS_AI },
  settings: { packages: ['@sinclair/typebox', 'ajv', 'yaml', 'node:*'], ours: ['settings.ts', 'command-line.ts', 'did-you-mean.ts', 'address.ts'] },
  doctor: { packages: [], ours: ['workers-ai', 'translate/token-limit.ts', 'errors.ts', 'settings.ts', 'settings/problem.ts', 'command-line.ts'] },
  http: { packages: ['ajv', 'fastify', 'pino', '@sinclair/typebox', 'node:*'], ours: ['openai', 'translate', 'generation', 'errors.ts', 'settings.ts'] },
  routes: { packages: ['fastify', '@fastify/type-provider-typebox', 'node:*'], ours: ['http', 'openai', 'translate', 'generation', 'workers-ai', 'remote-images', 'responses-store', 'errors.ts', 'settings.ts'] }
}

/** The only files that may import a package. */
const ONLY: Record<string, string[]> = { undici: ['workers-ai/client.ts', 'workers-ai/exchange.ts', 'workers-ai/pool.ts'], libsql: ['responses-store/sqlite-store.ts'] }

interface Import {
  /** Below src. */
  file: string
  /** A package without its path, or a file below src. */
  target: string
  isOurs: boolean
}

const files = readdirSync(new URL('src/', ROOT), { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts')).map(file => file.replaceAll('\\', '/')).sort()
const imports = files.flatMap(importsOf)

t.test('every source file has its test at the same path', t => {
  const missing = files.filter(file => !existsSync(new URL(`test/${file.replace(/\.ts$/, '.test.ts')}`, ROOT)) && !(file in UNTESTED))
  t.strictSame(missing, [])
  t.strictSame(Object.keys(UNTESTED).filter(file => !files.includes(file)), [], 'no exception outlives its file')
  const typeFiles = Object.keys(UNTESTED).filter(file => UNTESTED[file]?.startsWith('types only'))
  t.strictSame(typeFiles.filter(file => /^export (?!interface|type)/m.test(sourceOf(file))), [], 'what is said to hold types only does')
  t.end()
})

t.test('imports point one way', t => {
  const folders = new Set(files.flatMap(file => file.includes('/') ? [folderOf(file)] : []))
  t.strictSame([...folders].filter(folder => !(folder in RULES)), [], 'every folder has its rule')
  const violations = imports.filter(({ file }) => folderOf(file) in RULES).filter(isForbidden)
  t.strictSame(violations.map(tell), [])
  t.end()
})

t.test('some files are nobody else\'s business', t => {
  t.strictSame(imports.filter(({ file, target }) => ONLY[target]?.includes(file) === false).map(tell), [], 'the wire to Cloudflare is in one place')
  t.strictSame(imports.filter(({ target }) => target === 'main.ts').map(tell), [], 'nobody imports the process')
  t.strictSame(imports.filter(({ file, target }) => target === 'app.ts' && file !== 'index.ts').map(tell), [], 'only the package builds the app')
  t.strictSame(imports.filter(({ target, file }) => target === 'index.ts' && file !== 'main.ts').map(tell), [], 'and only the process imports the package')
  t.strictSame(imports.filter(({ file, target }) => target.startsWith('simulator/') && folderOf(file) !== 'simulator' && file !== 'upstream.ts').map(tell), [], 'nothing depends on the simulator')
  t.end()
})

t.test('one table knows Cloudflare\'s codes', t => {
  const codes = new Set(ERROR_CODES.map(({ code }) => String(code)).filter(code => code !== '1000'))
  const others = files.filter(file => file !== 'workers-ai/error-codes.ts' && folderOf(file) !== 'simulator')
  const known = others.flatMap(file => (withoutWords(sourceOf(file)).match(/(?<![\w.])\d{4,5}(?![\w.])/g) ?? []).filter(number => codes.has(number)).map(number => `src/${file} knows ${number}`))
  t.strictSame(known, [], 'the simulator says them, everybody else asks what they mean')
  t.end()
})

t.test('names say what is inside, and imports say where it is', t => {
  t.strictSame(files.filter(file => file.split('/').some(name => DRAWERS.includes(name.replace(/\.ts$/, '')))), [], 'no drawers')
  t.strictSame(files.filter(file => !/^([a-z0-9]+(-[a-z0-9]+)*\/)*[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(file)), [], 'kebab-case')
  t.strictSame(files.filter(file => /^export default\b/m.test(sourceOf(file))), [], 'no default exports')
  t.strictSame(files.filter(file => /^export (\*|\{[^}]*\}|type \{[^}]*\}) from\b/m.test(sourceOf(file))), [], 'no barrels')
  t.strictSame(imports.filter(({ target, isOurs }) => isOurs && !files.includes(target)).map(tell), [], 'every import names a file, with its ending')
  t.end()
})

function sourceOf (file: string): string {
  return readFileSync(new URL(`src/${file}`, ROOT), 'utf8')
}

/** Without comments and texts. */
function withoutWords (source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$|'(?:\\.|[^'\n])*'/gm, '')
}

function importsOf (file: string): Import[] {
  const specifiers = [...sourceOf(file).matchAll(/^(?:import|export)\b(?:[^'";]*?\bfrom)? '([^']+)'|\bimport\('([^']+)'\)/gm)]
    .map(([, from, dynamic]) => from ?? dynamic ?? '')
  return specifiers.map(specifier => {
    const isOurs = specifier.startsWith('.')
    return { file, isOurs, target: isOurs ? posix.join(dirname(file), specifier) : toPackage(specifier) }
  })
}

function toPackage (specifier: string): string {
  if (specifier.startsWith('node:')) return specifier
  return specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/')
}

function isForbidden ({ file, target, isOurs }: Import): boolean {
  const rule = RULES[folderOf(file)] as Rule
  if (!isOurs) return !rule.packages.includes(target) && !(target.startsWith('node:') && rule.packages.includes('node:*'))
  if (folderOf(target) === folderOf(file)) return false
  return rule.except?.includes(target) === true || ![target, folderOf(target)].some(one => rule.ours.includes(one))
}

function folderOf (file: string): string {
  return file.includes('/') ? file.split('/')[0] as string : ''
}

function tell ({ file, target }: Import): string {
  return `src/${file} imports ${target}`
}
