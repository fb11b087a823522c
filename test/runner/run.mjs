/**
 * Builds the tests and runs them with tap: `node test/runner/run.mjs [FOLDER OF test/]… [OPTION OF TAP'S]…`.
 *
 * A process takes longer to start than most test files take to run. So all files of a folder run in one process, one after the other
 * (together.ts). A file that says `// In a process of its own: WHY`, or sets its time limit itself, runs alone. All of them are
 * bundled first: no process compiles anything, and source maps lead back to the lines as they were written.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const TOGETHER = fileURLToPath(new URL('together.ts', import.meta.url))
/** Git and eslint ignore it. */
const OUT = '.tap/built'
/** Folders that run only where they are named. */
const APART = ['clients', 'faults', 'package']
const ALONE = /^(?:\/\/ In a process of its own: \S|t\.setTimeout\()/m

const argv = process.argv.slice(2)
const named = argv.filter(word => !word.startsWith('-'))
const files = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
  .filter(file => file.endsWith('.test.ts') && (named.length === 0 ? !APART.includes(folderOf(file)) : named.includes(folderOf(file))))
  .sort()
const alone = files.filter(file => ALONE.test(readFileSync(join(ROOT, 'test', file), 'utf8')))
const together = files.filter(file => !alone.includes(file))

rmSync(join(ROOT, OUT), { recursive: true, force: true })
mkdirSync(join(ROOT, OUT, 'together'), { recursive: true })
const entryPoints = [
  // tap runs them in the order of their names: what takes longest comes first.
  ...alone.map(file => ({ in: join(ROOT, 'test', file), out: `alone/${file.replace(/\.ts$/, '')}` })),
  ...[...new Set(together.map(folderOf))].map(folder => ({ in: `together:${folder}`, out: `together/${folder}` }))
]
await build({
  absWorkingDir: ROOT,
  entryPoints,
  outdir: OUT,
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
const tests = entryPoints.map(({ out }) => `${OUT}/${out}.mjs`)
// Nothing is left to compile: the option replaces those of package.json.
const { status } = spawnSync('npx', ['tap', 'run', '--node-arg=--enable-source-maps', ...argv.filter(word => !named.includes(word)), ...tests], { cwd: ROOT, stdio: 'inherit' })
process.exitCode = status ?? 1
for (const name of readdirSync(join(ROOT, OUT, 'together')).filter(name => name.endsWith('.running'))) {
  console.error(`The process of ${name.replace('.mjs.running', '')} ended inside ${readFileSync(join(ROOT, OUT, 'together', name), 'utf8')}`)
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
