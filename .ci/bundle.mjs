// Run after tsc: makes one program of dist/main.js and all it imports, because reading some five hundred files is most of a
// start. What others import (dist/index.js) stays as tsc wrote it. The licences of what went in are written beside it.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

rmSync('dist/chunks', { recursive: true, force: true })
rmSync('dist/main.js.map', { force: true })

const { metafile } = await build({
  entryPoints: ['dist/main.js'],
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
  plugins: [{ name: 'undici', setup: onlyThePool }]
})

writeFileSync('dist/LICENSES.txt', packagesIn(Object.keys(metafile.inputs)).map(toLicence).join('\n\n'))

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
