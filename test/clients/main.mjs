/**
 * Drives the built server with real client libraries, which live in packages of their own. Those in `all/` are large, or drag much along.
 * `npm run test:clients`, `npm run test:clients -- --all` for both, `npm run test:clients -- mastra` for some of `all/`.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const CLIENTS = 'test/clients'
const ALL = 'test/clients/all'

const heavy = readdirSync(`${ROOT}${ALL}`).filter(name => existsSync(`${ROOT}${ALL}/${name}/package.json`))
const names = process.argv.slice(2)
const unknown = names.find(name => name !== '--all' && !heavy.includes(name))
if (unknown !== undefined) throw new Error(`There is no client ${unknown}, only ${heavy.join(', ')}, and --all.`)

const isAll = names.includes('--all')
const wanted = (isAll ? heavy : names).filter(isServedByThisNode)
const large = wanted.map(name => `${ALL}/${name}`)
  .flatMap(folder => readdirSync(`${ROOT}${folder}`).filter(file => file.endsWith('.test.mjs')).map(file => `${folder}/${file}`))

install(CLIENTS)
if (wanted.length > 0) install(ALL)
run('tsc', '-p', CLIENTS)
if (isAll || names.length === 0) run('node', 'test/runner/run.mjs', 'clients', '--timeout=300')
if (large.length > 0) run('tap', 'run', '--disable-coverage', ...large)

/** Says so when the client's package wants a newer Node than this one. */
function isServedByThisNode (name) {
  const { engines } = JSON.parse(readFileSync(`${ROOT}${ALL}/${name}/package.json`, 'utf8'))
  const [, major = 0, minor = 0] = /^>=(\d+)\.(\d+)/.exec(engines?.node ?? '') ?? []
  const [ourMajor = 0, ourMinor = 0] = process.versions.node.split('.').map(Number)
  const isServed = ourMajor > major || (ourMajor === Number(major) && ourMinor >= minor)
  if (!isServed) console.log(`SKIPPED: ${name} needs Node ${engines.node}, this is ${process.versions.node}`)
  return isServed
}

/** Installs what a lockfile names, unless that has been done since it changed; without scripts, which would download more. */
function install (folder) {
  const installed = `${ROOT}${folder}/node_modules/.package-lock.json`
  if (existsSync(installed) && statSync(installed).mtimeMs > statSync(`${ROOT}${folder}/package-lock.json`).mtimeMs) return
  run('npm', 'ci', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel', 'error')
}

/** Runs a program from the repository's root; ends this one when it fails. */
function run (program, ...args) {
  const { status, error } = spawnSync(program, args, { cwd: ROOT, stdio: 'inherit' })
  if (error) throw error
  if (status !== 0) process.exit(status ?? 1)
}
