/**
 * Builds tests and runs them with tap: `node test/runner/run.mjs [FOLDER OR FILE]… [OPTION OF TAP'S]…`; all but APART when none is named.
 *
 * A process takes longer to start than most test files take to run. So all files of a folder of test/ run in one process, one after the
 * other (together.ts). A file that says `// In a process of its own: WHY`, or sets its time limit itself, runs alone. All of them are
 * bundled first: no process compiles anything, and source maps lead back to the lines as they were written.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const TOGETHER = fileURLToPath(new URL('together.ts', import.meta.url))
/** Folders that run only where they are named. */
const APART = ['clients', 'faults', 'package']
const ALONE = /^(?:\/\/ In a process of its own: \S|t\.setTimeout\()/m

const argv = process.argv.slice(2)
const options = argv.filter(word => word.startsWith('-'))
const named = argv.filter(word => !word.startsWith('-')).map(path => path.replace(/^(?:\.\/)?test\//, '').replace(/\/$/, ''))
const files = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
  .filter(file => file.endsWith('.test.ts') && isWanted(file))
  .sort()
const alone = files.filter(file => ALONE.test(readFileSync(join(ROOT, 'test', file), 'utf8')))
const together = files.filter(file => !alone.includes(file))
const missing = named.filter(path => !files.some(file => isWithin(file, path)))
if (missing.length > 0) throw new Error(`There are no tests in test/${missing.join(', test/')}.`)

/** Git and eslint ignore it. Two runs of different tests do not disturb each other. */
const out = `.tap/built/${named.length === 0 ? 'all' : named.map(path => path.replaceAll('/', '-')).join('+').slice(0, 40)}`
rmSync(join(ROOT, out), { recursive: true, force: true })
mkdirSync(join(ROOT, out, 'together'), { recursive: true })
const entryPoints = [
  // tap runs them in the order of their names: what takes longest comes first.
  ...alone.map(file => ({ in: join(ROOT, 'test', file), out: `alone/${file.replace(/\.ts$/, '')}` })),
  ...[...new Set(together.map(folderOf))].map(folder => ({ in: `together:${folder}`, out: `together/${folder}` }))
]
await build({
  absWorkingDir: ROOT,
  entryPoints,
  outdir: out,
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
const tests = entryPoints.map(entry => `${out}/${entry.out}.mjs`)
// In place of those of package.json: nothing is left to compile.
const { status } = spawnSync('npx', ['tap', 'run', '--node-arg=--import=./test/runner/bare-children.mjs', ...options, ...tests], { cwd: ROOT, stdio: 'inherit' })
process.exitCode = status ?? 1
for (const name of readdirSync(join(ROOT, out, 'together')).filter(name => name.endsWith('.running'))) {
  console.error(`The process of ${name.replace('.mjs.running', '')} ended inside ${readFileSync(join(ROOT, out, 'together', name), 'utf8')}`)
}

/** @param {string} file below test/ */
function isWanted (file) {
  return named.length === 0 ? !APART.includes(folderOf(file)) : named.some(path => isWithin(file, path))
}

function isWithin (file, path) {
  return file === path || file.startsWith(`${path}/`)
}

/** The files of the root of test/ count as a folder. */
function folderOf (file) {
  return file.includes('/') ? file.slice(0, file.indexOf('/')) : 'test'
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
