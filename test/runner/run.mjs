/**
 * Builds tests and runs them with tap: `node test/runner/run.mjs [FOLDER OR FILE]… [OPTION OF TAP'S]…`. When none is named: all but those
 * of APART, and of those the ones of FAST, and those that start a program beside the server, which `programs` names. At the end it lists
 * what failed.
 *
 * A process takes longer to start than most test files take to run. So all files of a folder of test/ run in one process, one after the
 * other (together.ts), and several such processes run at the same time. A file runs in a process of its own when it belongs to APART, says
 * `// In a process of its own: WHY`, or sets its time limit itself. One that says `// With nothing beside it: WHY` runs when all others
 * have ended. All of them are bundled first: no process compiles anything, and source maps lead back to the lines as they were written.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { readOutcome, toReport } from './outcome.mjs'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const TOGETHER = fileURLToPath(new URL('together.ts', import.meta.url))
/** Folders that run only where they are named. */
const APART = ['clients', 'faults', 'package']
/** What of them runs always; clients by the packages of the root alone. */
const FAST = ['clients/clients-table.test.ts', 'clients/openai.test.ts', 'faults/any-bytes.test.ts', 'faults/any-json.test.ts', 'faults/fields.test.ts', 'faults/texts.test.ts']
/** Files and folders that take longest, the longest first; begun late, one of them would run on when nothing else is left to do. */
const LONGEST = [
  'security', 'surfaces', 'telemetry', 'workers-ai', 'http', 'test', 'cli', 'main.test.ts', 'serve', 'inference',
  'clients/openai.test.ts', 'faults/fields.test.ts',
  'telemetry/traces/built-program.test.ts', 'serve/cluster.test.ts', 'telemetry/prometheus.test.ts', 'serve/shared-usage.test.ts',
  'faults/idle-clients.test.ts', 'faults/key-limits.test.ts', 'faults/inside-the-answer.test.ts', 'faults/held-back.test.ts',
  'clients/snippets.test.ts', 'clients/anthropic.test.ts', 'clients/ai-sdk.test.ts', 'clients/responses.test.ts'
]
/** Chromium, HAProxy, nginx, Prometheus, several processes of our own: what takes a second of each core to start, or is not everywhere. */
const PROGRAMS = /^\/\/ Beside a program: \S/m
const ALONE = /^(?:\/\/ In a process of its own: \S|t\.setTimeout\()/m
const LAST = /^\/\/ With nothing beside it: \S/m

const argv = process.argv.slice(2)
const options = argv.filter(word => word.startsWith('-'))
const named = argv.filter(word => !word.startsWith('-')).map(path => path.replace(/^(?:\.\/)?test\//, '').replace(/\/$/, ''))
const files = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
  .filter(file => file.endsWith('.test.ts') && !file.includes('node_modules') && isWanted(file))
  .sort()
const last = files.filter(file => LAST.test(sourceOf(file)))
const alone = files.filter(file => !last.includes(file) && (APART.includes(folderOf(file)) || ALONE.test(sourceOf(file))))
const together = files.filter(file => !last.includes(file) && !alone.includes(file))
const missing = named.filter(path => path !== 'programs' && !files.some(file => isWithin(file, path)))
if (missing.length > 0) throw new Error(`There are no tests in test/${missing.join(', test/')}.`)

/** Git and eslint ignore it. Two runs of different tests do not disturb each other. */
const name = named.length === 0 ? 'all' : named.map(path => path.replaceAll('/', '-')).join('+').slice(0, 40)
const out = join(ROOT, '.tap/built', name)
/** Packages are looked for from where a file is, and clients have packages of their own. */
const outOfClients = join(ROOT, 'test/clients/node_modules/.built', name)
for (const folder of [out, outOfClients]) rmSync(folder, { recursive: true, force: true })
mkdirSync(out, { recursive: true })

const beside = [
  ...alone.map(file => ({ key: file, in: join(ROOT, 'test', file) })),
  ...[...new Set(together.map(folderOf))].map(folder => ({ key: folder, in: `together:${folder}` }))
].sort((one, other) => rankOf(one.key) - rankOf(other.key) || (one.key < other.key ? -1 : 1))
// tap runs them in the order of their paths.
const entries = [
  ...beside.map((entry, index) => ({ ...entry, out: `${String(index + 1).padStart(2, '0')}-${toName(entry.key)}` })),
  ...last.map(file => ({ key: file, in: join(ROOT, 'test', file), out: `last/${toName(file)}` }))
]
const clients = entries.filter(({ key }) => named.length > 0 && folderOf(key) === 'clients')
const tests = [
  ...await bundle(entries.filter(entry => !clients.includes(entry)), out),
  ...await bundle(clients, outOfClients)
]

const tap = join(ROOT, 'node_modules/.bin/tap')
/** Belongs to the packages: a fresh tap has other plugins than package.json names, and builds itself before its first run. */
const isBuilt = join(ROOT, 'node_modules/.tap-is-built')
if (!existsSync(isBuilt)) {
  spawnSync(tap, ['build'], { cwd: ROOT, stdio: 'inherit' })
  writeFileSync(isBuilt, '')
}
const output = join(out, 'output.tap')
/** Without a terminal, and where no other reporter is asked for, tap prints TAP. It does so twice when it is to write that into a file as well. */
const isRaw = options.includes('--reporter=tap') || !(process.stdout.isTTY || options.some(option => option.startsWith('--reporter')))
const running = spawn(tap, [
  'run', '--disable-coverage', `--serial=${join(out, 'last')}`, ...(isRaw ? [] : [`--output-file=${output}`]),
  // In place of those of package.json: nothing is left to compile.
  '--node-arg=--import=./test/runner/bare-children.mjs',
  '--node-arg=--import=./test/runner/process-end.mjs',
  ...options, ...tests
], { cwd: ROOT, stdio: ['inherit', isRaw ? 'pipe' : 'inherit', 'inherit'] })
const ended = once(running, 'close')
// Whoever stops the run, such as `timeout`, learns what it waited for.
let stoppedBy = ''
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    stoppedBy = signal
    running.kill(signal)
  })
}
running.stdout?.pipe(process.stdout)
const outcome = isRaw ? readOutcome(running.stdout) : ended.then(() => readOutcome(createReadStream(output)))
const [status] = await ended
process.exitCode = status ?? 1
for (const name of readdirSync(out).filter(name => name.endsWith('.running'))) {
  console.error(`The process of ${name.replace('.mjs.running', '')} ended inside ${readFileSync(join(out, name), 'utf8')}`)
}
const told = await outcome
if (stoppedBy !== '') {
  const open = tests.map(path => relative(ROOT, path)).filter(path => !told.ended.includes(path))
  console.log(`${stoppedBy} stopped the run. What was not known to have ended: ${open.join(', ')}`)
}
console.log(toReport(told, process.exitCode))

/** @param {string} file below test/ */
function isWanted (file) {
  if (named.length > 0) return named.some(path => isWithin(file, path) || (path === 'programs' && PROGRAMS.test(sourceOf(file))))
  return FAST.includes(file) || !(APART.includes(folderOf(file)) || PROGRAMS.test(sourceOf(file)))
}

function isWithin (file, path) {
  return file === path || file.startsWith(`${path}/`)
}

/** The files of the root of test/ count as a folder. */
function folderOf (file) {
  if (!file.includes('/')) return file.includes('.') ? 'test' : file
  return file.slice(0, file.indexOf('/'))
}

function sourceOf (file) {
  return readFileSync(join(ROOT, 'test', file), 'utf8')
}

function rankOf (key) {
  return LONGEST.includes(key) ? LONGEST.indexOf(key) : LONGEST.length
}

function toName (key) {
  return key.replace(/\.ts$/, '').replaceAll('/', '-')
}

/** @returns {Promise<string[]>} the paths of what was built */
async function bundle (entryPoints, outdir) {
  if (entryPoints.length === 0) return []
  await build({
    absWorkingDir: ROOT,
    entryPoints: entryPoints.map(({ in: input, out: output }) => ({ in: input, out: output })),
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    platform: 'node',
    format: 'esm',
    target: `node${process.versions.node}`,
    packages: 'external',
    sourcemap: true,
    sourcesContent: false,
    logLevel: 'warning',
    plugins: [{ name: 'tests', setup: inTheirPlaces }]
  })
  return entryPoints.map(entry => join(outdir, `${entry.out}.mjs`))
}

/**
 * Files that run together have the test of their file for tap's root, and every file finds what lies beside its source.
 * @param {import('esbuild').PluginBuild} build
 */
function inTheirPlaces (build) {
  const shared = new Set(together.map(file => join(ROOT, 'test', file)))
  build.onResolve({ filter: /^together:/ }, ({ path }) => ({ path, namespace: 'together' }))
  build.onLoad({ filter: /./, namespace: 'together' }, ({ path }) => ({ contents: toEntry(path.slice('together:'.length)), resolveDir: ROOT }))
  build.onResolve({ filter: /^tap$/ }, ({ importer }) => shared.has(importer) ? { path: TOGETHER } : undefined)
  build.onLoad({ filter: /\.ts$/, namespace: 'file' }, ({ path }) => ({
    contents: readFileSync(path, 'utf8')
      .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href))
      .replaceAll('import.meta.filename', JSON.stringify(path)),
    loader: 'ts'
  }))
}

/** @param {string} folder */
function toEntry (folder) {
  const loads = together.filter(file => folderOf(file) === folder).map(file => `[${JSON.stringify(`test/${file}`)}, () => import(${JSON.stringify(`./test/${file}`)})]`)
  return `import { runTogether } from ${JSON.stringify(TOGETHER)}\nawait runTogether([\n${loads.join(',\n')}\n])\n`
}
