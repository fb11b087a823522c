/**
 * Runs real coding agents against the built proxy on the simulator: each installs from npm, without its scripts, into a
 * folder of its own, and works where there is no network but loopback. Not part of `npm test`: they are large.
 * `npm run test:agents`, or `npm run test:agents -- codex` for one of them.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const AGENTS = ['codex', 'codex-compacting', 'opencode', 'continue', 'pi', 'qwen-code', 'kilo', 'copilot', 'goose', 'cline', 'claude-code']

/** A network namespace of its own; one who is not root needs a user namespace for that. */
const ALONE = process.getuid?.() === 0 ? ['--net'] : ['--map-root-user', '--net']

const names = process.argv.length > 2 ? process.argv.slice(2) : AGENTS

for (const name of names) {
  if (!AGENTS.includes(name)) throw new Error(`There is no agent ${name}, only ${AGENTS.join(', ')}.`)
  const { agent } = await import(`./${name}.mjs`)
  console.log(`== ${agent.package}`)
  const folder = join(tmpdir(), 'workers-ai-proxy-agents', agent.folder ?? name)
  const problem = whyNotAlone() ?? whyNotInstalled(agent.package, folder)
  if (problem !== undefined) {
    console.log(`SKIPPED: ${problem}`)
    continue
  }
  const began = Date.now()
  const { status } = spawnSync('unshare', [...ALONE, 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', process.execPath, fileURLToPath(new URL('stage.mjs', import.meta.url)), name, folder], { stdio: 'inherit' })
  console.log(`${name} took ${Math.round((Date.now() - began) / 1000)} s\n`)
  if (status !== 0) process.exitCode = 1
}

function whyNotAlone () {
  const { status, stderr, error } = spawnSync('unshare', [...ALONE, 'true'], { encoding: 'utf8' })
  return status === 0 ? undefined : `nothing keeps it off the network here: ${error?.message ?? stderr.split('\n', 1)}`
}

function whyNotInstalled (wanted, folder) {
  mkdirSync(folder, { recursive: true })
  const { status, stderr, error } = spawnSync('npm', ['install', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel', 'error', wanted], { encoding: 'utf8' })
  return status === 0 ? undefined : `${wanted} could not be installed: ${error?.message ?? stderr.split('\n', 1)}`
}
