import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import t from 'tap'
import { ERROR_CODES } from '../src/workers-ai/transport/error-codes.ts'

const ROOT = new URL('../', import.meta.url)

/** Source files that have no test of their own, and why. */
const UNTESTED: Record<string, string> = {
  'cli/doctor/finding.ts': 'types only',
  'generation/change.ts': 'types only',
  'generation/event.ts': 'types only',
  'generation/request.ts': 'types only; test/contract holds the schemas of the surfaces against them',
  'surfaces/anthropic/error-body.ts': 'types only',
  'surfaces/anthropic/messages/wire.ts': 'types only',
  'surfaces/anthropic/models/wire.ts': 'types only',
  'surfaces/openai/chat-completions/wire.ts': 'types only; test/contract holds them against the openai package',
  'surfaces/openai/completions/wire.ts': 'types only; test/contract holds them against the openai package',
  'surfaces/openai/embeddings/wire.ts': 'types only; test/contract holds them against the openai package',
  'surfaces/openai/error-body.ts': 'types only; test/contract holds them against the openai package',
  'surfaces/openai/models/wire.ts': 'types only; test/contract holds them against the openai package',
  'surfaces/openai/responses/wire.ts': 'types only; test/contract holds them against the openai package',
  'simulator/answers/json-schema.ts': 'types only',
  'simulator/native/rendering.ts': 'types only',
  'stores/redis/redis.ts': 'types, and the error of one that is away; connection.test.ts uses them',
  'telemetry/primary-link.ts': 'types only',
  'workers-ai/answer/native-answer.ts': 'types only',
  'surfaces/openai/organization/wire.ts': 'types only; test/contract holds them against the openai package',
  'surfaces/openai/responses/output.ts': 'types only',
  'stores/limits/limits.ts': 'types only',
  'stores/answers/answers.ts': 'types only',
  'ui/main.tsx': 'puts the page together; test/ui/shell opens it in a browser',
  'ui/markdown/nodes.ts': 'needs a document; test/ui/playground opens it in a browser',
  'ui/playground/chat-settings.ts': 'what is set where nobody has set anything',
  'ui/playground/conversation.ts': 'needs a browser; test/ui/playground opens it in one',
  'ui/playground/turns.ts': 'types only',
  'ui/playground/use-followed-end.ts': 'needs a browser; test/ui/playground opens it in one',
  'ui/server/api-key.ts': 'needs a browser; test/ui/shell opens it in one',
  'ui/server/event-feed.ts': 'needs a browser; test/ui/requests opens it in one',
  'ui/server/usage.ts': 'needs a browser; test/ui/charts opens it in one',
  'ui/shell/copy-text.ts': 'needs a browser; test/ui/setup opens it in one',
  'ui/shell/theme.ts': 'needs a browser; test/ui/shell opens it in one',
  'ui/shell/use-ticker.ts': 'needs a browser; test/ui/requests opens it in one',
  'workers-ai/models/model.ts': 'types only',
  'workers-ai/transport/runner.ts': 'types only',
  'workers-ai/request/native-message.ts': 'types only'
}

/** Names that say nothing of what is inside. */
const DRAWERS = ['utils', 'util', 'lib', 'helpers', 'common', 'types', 'misc', 'shared']

interface Rule {
  /** Packages, `node:*` for all of Node's. */
  packages: string[]
  /** Folders and files of ours. A folder may always import from itself and from what is below it. */
  ours: string[]
}

const FACTS_OF_WORKERS_AI = ['workers-ai/models/catalogue.ts', 'workers-ai/models/embedding-family.ts', 'workers-ai/models/family.ts', 'workers-ai/models/model.ts', 'workers-ai/models/task.ts', 'workers-ai/transport/error-codes.ts']

/** All that neither the command line nor the processes are made of. */
const SERVER = ['app.ts', 'app', 'index.ts', 'errors.ts', 'ids.ts', 'package-root.ts', 'generation', 'json', 'stages', 'workers-ai', 'inference', 'remote-images', 'surfaces', 'http', 'telemetry', 'stores', 'usage', 'simulator', 'settings']

/** What spans are made and exported with. */
const OPENTELEMETRY = ['api', 'core', 'otlp-exporter-base', 'otlp-transformer', 'resources', 'sdk-trace'].map(name => `@opentelemetry/${name}`)

/** What each folder and each file of the root may import: the rule of the longest path that fits. */
const RULES: Record<string, Rule> = {
  'main.ts': { packages: ['fastify', 'node:*'], ours: ['index.ts', 'errors.ts', 'cli', 'serve', 'settings', 'telemetry'] },
  'index.ts': { packages: ['fastify', 'node:*'], ours: ['app.ts', 'serve/upstream.ts', 'settings', 'telemetry/primary-link.ts'] },
  'app.ts': { packages: ['fastify', 'node:*'], ours: ['app', 'http', 'inference', 'remote-images', 'settings', 'stores', 'surfaces', 'telemetry', 'usage'] },
  app: { packages: ['fastify', '@fastify/cors', '@fastify/under-pressure'], ours: ['package-root.ts', 'http', 'inference', 'settings', 'stores', 'surfaces', 'telemetry', 'usage', 'workers-ai', 'errors.ts', 'ids.ts'] },
  'errors.ts': { packages: [], ours: [] },
  'ids.ts': { packages: ['node:crypto'], ours: [] },
  'package-root.ts': { packages: ['node:fs'], ours: [] },
  generation: { packages: [], ours: [] },
  json: { packages: ['ajv', 'ajv-draft-04', 'jsonrepair', 'lossless-json', 'lru-cache', 're2js'], ours: ['errors.ts'] },
  stages: { packages: [], ours: ['generation', 'json', 'errors.ts'] },
  'workers-ai/models': { packages: ['lru-cache'], ours: ['json', 'errors.ts'] },
  'workers-ai/request': { packages: [], ours: ['workers-ai/models', 'generation', 'json', 'errors.ts'] },
  'workers-ai/transport': { packages: ['lru-cache', 'undici', 'node:*'], ours: ['generation', 'json', 'errors.ts', 'workers-ai/models/model.ts', 'workers-ai/models/task.ts'] },
  'workers-ai/answer': { packages: ['node:*'], ours: ['workers-ai/transport', 'workers-ai/models', 'workers-ai/fast-path', 'generation', 'json', 'errors.ts'] },
  'workers-ai/fast-path': { packages: ['node:*'], ours: ['workers-ai/answer', 'generation'] },
  inference: { packages: ['lru-cache', 'node:*'], ours: ['stages', 'workers-ai', 'remote-images', 'generation', 'json', 'errors.ts', 'ids.ts', 'settings', 'stores/accounts/account-states.ts', 'stores/answers/answers.ts', 'stores/limits/limits.ts'] },
  'remote-images': { packages: ['node:*'], ours: ['generation', 'errors.ts', 'settings/address.ts'] },
  http: { packages: ['ajv', 'fastify', 'node:*'], ours: ['inference/allowance.ts', 'inference/call.ts', 'inference/key-allowance.ts', 'inference/request-record.ts', 'generation', 'json', 'errors.ts', 'ids.ts', 'package-root.ts', 'settings', 'stores/limits/limits.ts', 'telemetry'] },
  telemetry: { packages: ['fastify', 'pino', 'prom-client', ...OPENTELEMETRY, 'node:*'], ours: ['inference/request-record.ts', 'workers-ai/answer', 'workers-ai/models/price.ts', 'workers-ai/transport/call-details.ts', 'workers-ai/transport/upstream-call.ts', 'generation', 'json', 'errors.ts', 'package-root.ts', 'settings'] },
  'stores/accounts': { packages: ['node:crypto'], ours: ['stores/redis/redis.ts'] },
  'stores/answers': { packages: ['lru-cache'], ours: ['stores/redis/redis.ts'] },
  'stores/redis': { packages: ['ioredis', 'node:crypto'], ours: ['settings/problem.ts', 'settings/schema.ts'] },
  'stores/limits': { packages: ['lru-cache', 'node:crypto'], ours: ['stores/ledger/ledger.ts', 'stores/redis/redis.ts', 'errors.ts', 'settings/key-limits.ts'] },
  usage: { packages: ['fastify', 'node:*'], ours: ['stores/ledger', 'stores/limits', 'stores/redis/redis.ts', 'telemetry', 'inference', 'http', 'workers-ai', 'generation', 'json', 'errors.ts', 'settings'] },
  'stores/responses': { packages: ['node:*'], ours: ['stores/redis/redis.ts', 'stores/database.ts', 'stores/store-path.ts', 'errors.ts'] },
  stores: { packages: ['libsql', 'node:*'], ours: ['settings/problem.ts'] },
  'surfaces/openai': { packages: ['fastify', '@fastify/type-provider-typebox', '@sinclair/typebox', 'node:*'], ours: ['http', 'inference', 'stores', 'telemetry', 'workers-ai/models/price.ts', 'workers-ai/models/task.ts', 'generation', 'json', 'errors.ts', 'ids.ts', 'settings'] },
  'surfaces/anthropic': { packages: ['fastify', '@fastify/type-provider-typebox', '@sinclair/typebox', 'node:*'], ours: ['http', 'inference', 'stores', 'telemetry', 'generation', 'json', 'errors.ts', 'ids.ts'] },
  simulator: { packages: ['fastify', 'node:*'], ours: FACTS_OF_WORKERS_AI },
  ui: { packages: ['preact'], ours: [] },
  settings: { packages: ['@sinclair/typebox', 'ajv', 'yaml', 'node:*'], ours: [] },
  cli: { packages: ['node:*'], ours: [...SERVER, 'serve/upstream.ts'] },
  serve: { packages: ['fastify', 'node:*'], ours: SERVER }
}

/** Most files in a folder. */
const MAX_FILES = 20

/** The only files that may import a package. */
const ONLY: Record<string, string[]> = { ...Object.fromEntries(OPENTELEMETRY.map(name => [name, ['telemetry/traces/opentelemetry.ts']])), undici: ['client', 'connection-errors', 'dispatch', 'pool'].map(name => `workers-ai/transport/${name}.ts`), libsql: ['stores/database.ts'], ioredis: ['stores/redis/connection.ts'], 'prom-client': ['account-gauges', 'families', 'process-metrics'].map(name => `telemetry/metrics/${name}.ts`) }

/** The only files that make a client of Cloudflare. */
const MAKE_A_CLIENT = ['app/engine.ts', 'cli/doctor/probe.ts']

/** The only files of a surface that may know of HTTP: the others are pure. */
const HTTP_FILES_OF_SURFACES = /(?:^|\/)(?:plugin|route|stored-route|error-handler|choice-stream)\.ts$/

interface Import {
  /** Below src. */
  file: string
  /** A package without its path, or a file below src. */
  target: string
  isOurs: boolean
}

const files = readdirSync(new URL('src/', ROOT), { recursive: true, encoding: 'utf8' }).filter(file => /\.tsx?$/.test(file)).map(file => file.replaceAll('\\', '/')).sort()
const imports = files.flatMap(importsOf)

t.test('every source file has its test at the same path', t => {
  const missing = files.filter(file => !existsSync(new URL(`test/${file.replace(/\.tsx?$/, '.test.ts')}`, ROOT)) && !(file in UNTESTED) && !isPartOfView(file))
  t.strictSame(missing, [])
  t.strictSame(Object.keys(UNTESTED).filter(file => !files.includes(file)), [], 'no exception outlives its file')
  const typeFiles = Object.keys(UNTESTED).filter(file => UNTESTED[file]?.startsWith('types only'))
  t.strictSame(typeFiles.filter(file => /^export (?!interface|type)/m.test(sourceOf(file))), [], 'what is said to hold types only does')
  t.end()
})

t.test('imports point one way', t => {
  t.strictSame(files.filter(file => ruleOf(file) === undefined), [], 'every folder and every file of the root has its rule')
  t.strictSame(imports.filter(isForbidden).map(tell), [])
  t.end()
})

t.test('no files import each other, by way of others neither', t => {
  t.strictSame(circlesOf(new Map(files.map(file => [file, imports.filter(one => one.file === file && one.isOurs).map(({ target }) => target)]))), [])
  t.end()
})

t.test('a folder can be taken in at a glance', t => {
  const folders = [...new Set(files.map(file => posix.dirname(file)))].map(folder => ({ folder, count: files.filter(file => posix.dirname(file) === folder).length }))
  t.strictSame(folders.filter(({ count }) => count > MAX_FILES).map(({ folder, count }) => `src/${folder} has ${count} files`), [])
  t.end()
})

t.test('a surface is pure but for its routes', t => {
  const impure = imports.filter(({ file, target }) => file.startsWith('surfaces/') && !HTTP_FILES_OF_SURFACES.test(file) && (/^(?:@?fastify|node:)/.test(target)))
  t.strictSame(impure.filter(({ target }) => !target.startsWith('@fastify/type-provider')).map(tell), [])
  t.end()
})

t.test('surfaces have the language between in common, and nothing else', t => {
  const native = imports.filter(({ file, target }) => file.startsWith('surfaces/') && /^workers-ai\/(?:request|transport|answer|fast-path)\//.test(target))
  t.strictSame(native.map(tell), [], 'none knows what is sent to Workers AI')
  const endpointOf = (file: string) => /^(surfaces\/[^/]+\/[^/]+)\//.exec(file)?.[1]
  const others = imports.filter(({ file, target }) => endpointOf(file) !== undefined && endpointOf(target) !== undefined && endpointOf(file) !== endpointOf(target))
  t.strictSame(others.map(tell), [], 'no endpoint is told in the words of another one')
  t.end()
})

t.test('some files are nobody else\'s business', t => {
  t.strictSame(imports.filter(({ file, target }) => ONLY[target]?.includes(file) === false).map(tell), [], 'the wire to Cloudflare is in one place')
  t.strictSame(imports.filter(({ target, file }) => target === 'workers-ai/transport/client.ts' && !MAKE_A_CLIENT.includes(file)).map(tell), [], 'and everybody else knows it as a Runner')
  t.strictSame(imports.filter(({ target }) => target === 'main.ts').map(tell), [], 'nobody imports the process')
  t.strictSame(imports.filter(({ file, target }) => target === 'app.ts' && file !== 'index.ts').map(tell), [], 'only the package builds the app')
  t.strictSame(imports.filter(({ target, file }) => target === 'index.ts' && file !== 'main.ts').map(tell), [], 'and only the process imports the package')
  t.strictSame(imports.filter(({ file, target }) => target.startsWith('simulator/') && !file.startsWith('simulator/') && file !== 'serve/upstream.ts').map(tell), [], 'nothing depends on the simulator')
  t.end()
})

t.test('one table knows Cloudflare\'s codes', t => {
  const codes = new Set(ERROR_CODES.map(({ code }) => String(code)).filter(code => code !== '1000'))
  const others = files.filter(file => file !== 'workers-ai/transport/error-codes.ts' && !file.startsWith('simulator/'))
  const known = others.flatMap(file => (withoutWords(sourceOf(file)).match(/(?<![\w.])\d{4,5}(?![\w.])/g) ?? []).filter(number => codes.has(number)).map(number => `src/${file} knows ${number}`))
  t.strictSame(known, [], 'the simulator says them, everybody else asks what they mean')
  const phrases = others.filter(file => /daily free allocation|context window limit|couldn't be met|capacity temporarily/i.test(sourceOf(file)))
  t.strictSame(phrases, [], 'nor do they know Cloudflare by its words')
  t.end()
})

t.test('names say what is inside, and imports say where it is', t => {
  t.strictSame(files.filter(file => file.split('/').some(name => DRAWERS.includes(name.replace(/\.ts$/, '')))), [], 'no drawers')
  t.strictSame(files.filter(file => !/^([a-z0-9]+(-[a-z0-9]+)*\/)*[a-z0-9]+(-[a-z0-9]+)*\.tsx?$/.test(file)), [], 'kebab-case')
  t.strictSame(files.filter(file => /^export default\b/m.test(sourceOf(file))), [], 'no default exports')
  t.strictSame(files.filter(file => /^export (\*|\{[^}]*\}|type \{[^}]*\}) from\b/m.test(sourceOf(file))), [], 'no barrels')
  t.strictSame(imports.filter(({ target, isOurs }) => isOurs && !files.includes(target)).map(tell), [], 'every import names a file, with its ending')
  t.end()
})

/** What is drawn is tested in a browser, with the view it is a part of. */
function isPartOfView (file: string): boolean {
  return file.endsWith('.tsx') && !/\/(?:view|app)\.tsx$/.test(file)
}

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
    return { file, isOurs, target: isOurs ? posix.join(posix.dirname(file), specifier) : toPackage(specifier) }
  })
}

function toPackage (specifier: string): string {
  if (specifier.startsWith('node:')) return specifier
  return specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/')
}

function isForbidden ({ file, target, isOurs }: Import): boolean {
  const rule = ruleOf(file)
  if (rule === undefined) return false
  if (!isOurs) return !rule.packages.includes(target) && !(target.startsWith('node:') && rule.packages.includes('node:*'))
  return ![keyOf(file), ...rule.ours].some(allowed => allowed !== undefined && isWithin(target, allowed))
}

function ruleOf (file: string): Rule | undefined {
  return RULES[keyOf(file) ?? '']
}

function keyOf (file: string): string | undefined {
  return Object.keys(RULES).filter(path => isWithin(file, path)).sort((one, other) => other.length - one.length)[0]
}

function isWithin (file: string, path: string): boolean {
  return file === path || file.startsWith(`${path}/`)
}

/** @returns each circle once, as `a -> b -> a`, from its first file in the alphabet */
function circlesOf (targets: ReadonlyMap<string, readonly string[]>): string[] {
  const circles = new Set<string>()
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]) => {
    const start = path.indexOf(file)
    if (start >= 0) {
      const circle = path.slice(start)
      const first = circle.indexOf([...circle].sort()[0] as string)
      const turned = [...circle.slice(first), ...circle.slice(0, first)]
      circles.add([...turned, turned[0]].join(' -> '))
      return
    }
    if (done.has(file)) return
    for (const target of targets.get(file) ?? []) visit(target, [...path, file])
    done.add(file)
  }
  for (const file of targets.keys()) visit(file, [])
  return [...circles].sort()
}

function tell ({ file, target }: Import): string {
  return `src/${file} imports ${target}`
}
