// Run after tsc: makes one program of dist/main.js and all it imports, because reading some five hundred files is most of a
// start. What others import (dist/index.js) stays as tsc wrote it, but for what uses OpenTelemetry: the package brings that along,
// because its packages are 27 MB, of which little is used. Makes the page of src/ui as well. The licences of what went in are written
// beside it.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { build } from 'esbuild'

for (const folder of ['dist/chunks', 'dist/ui']) rmSync(folder, { recursive: true, force: true })
rmSync('dist/main.js.map', { force: true })
rmSync('dist/telemetry/traces/opentelemetry.js.map', { force: true })

const OPENTELEMETRY = 'dist/telemetry/traces/opentelemetry.js'

const { metafile } = await build({
  entryPoints: ['dist/main.js', OPENTELEMETRY],
  outbase: 'dist',
  outdir: 'dist',
  allowOverwrite: true,
  bundle: true,
  // What is loaded only when it is needed stays in files of its own.
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  platform: 'node',
  format: 'esm',
  target: 'node20.18',
  // Its machine code cannot be bundled.
  external: ['libsql'],
  // Packages that are no ES modules ask for Node's own by `require`.
  banner: { js: "import { createRequire as newRequire } from 'node:module'; const require = newRequire(import.meta.url)" },
  // Paths of this machine are nobody's business.
  preserveSymlinks: true,
  legalComments: 'none',
  // The text of a program stays in memory while it runs. Names are kept, for the stacks of errors.
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 120,
  logLevel: 'warning',
  metafile: true,
  plugins: [{ name: 'undici', setup: onlyThePool }, { name: 'opentelemetry', setup: asModules }]
})

const page = await buildPage()

writeFileSync('dist/LICENSES.txt', packagesIn([...Object.keys(metafile.inputs), ...page]).map(toLicence).join('\n\n'))

/**
 * Makes the files of the page, each also as browsers take it over the wire. A name has a hash of what is in the file, but for
 * index.html, which has the names of the others in place of those of their sources.
 * @returns {Promise<string[]>} what it was made of
 */
async function buildPage () {
  const { metafile } = await build({
    entryPoints: ['src/ui/main.tsx', 'src/ui/style.css', 'src/ui/icon.svg'],
    outdir: 'dist/ui',
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    assetNames: '[name]-[hash]',
    loader: { '.svg': 'copy' },
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    legalComments: 'none',
    preserveSymlinks: true,
    logLevel: 'warning',
    metafile: true
  })
  let index = readFileSync('src/ui/index.html', 'utf8')
  for (const [file, { entryPoint }] of Object.entries(metafile.outputs)) {
    if (entryPoint !== undefined) index = index.replace(`"${basename(entryPoint).replace(/\.tsx$/, '.js')}"`, `"${basename(file)}"`)
  }
  mkdirSync('dist/ui', { recursive: true })
  writeFileSync('dist/ui/index.html', index)
  for (const name of readdirSync('dist/ui')) {
    const content = readFileSync(join('dist/ui', name))
    writeFileSync(join('dist/ui', `${name}.br`), brotliCompressSync(content))
    writeFileSync(join('dist/ui', `${name}.gz`), gzipSync(content, { level: 9 }))
  }
  return Object.keys(metafile.inputs)
}

/**
 * Of undici a pool, its client, its connector and its errors are used; its fetch, web sockets, caches and mocks are two thirds of it.
 * @param {import('esbuild').PluginBuild} build
 */
function onlyThePool (build) {
  build.onResolve({ filter: /^undici$/ }, () => ({ path: 'undici', namespace: 'undici' }))
  build.onLoad({ filter: /./, namespace: 'undici' }, () => ({
    contents: "export { default as Pool } from 'undici/lib/dispatcher/pool.js'; export { default as Client } from 'undici/lib/dispatcher/client.js'; export { default as buildConnector } from 'undici/lib/core/connect.js'; export { default as errors } from 'undici/lib/core/errors.js'",
    resolveDir: process.cwd()
  }))
}

/**
 * OpenTelemetry's packages are ES modules as well, of which a fifth is used; esbuild would take their other form, whole.
 * @param {import('esbuild').PluginBuild} build
 */
function asModules (build) {
  build.onResolve({ filter: /^@opentelemetry\/[^/]+$/ }, ({ path }) => {
    const file = join(process.cwd(), 'node_modules', path, 'build/esm/index.js')
    return existsSync(file) ? { path: file, sideEffects: false } : undefined
  })
}

/** @param {string[]} files */
function packagesIn (files) {
  const folders = files.flatMap(file => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? [])
  return [...new Set(folders)].sort()
}

/** @param {string} folder of a package */
function toLicence (folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const file = readdirSync(folder).find(name => /^licen[cs]e/i.test(name))
  return `${name} ${version} (${license})\n\n${file === undefined ? 'It brings no text of its licence.' : readFileSync(join(folder, file), 'utf8').trim()}`
}
