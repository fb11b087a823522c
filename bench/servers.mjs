/** The servers that are compared: how each is had, started and asked. */
import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { ask } from './client.mjs'
import { start, stop } from './processes.mjs'

/** @typedef {'ours' | 'ours, 2 workers' | 'pass-through' | 'nginx' | 'portkey'} ServerName */

/**
 * @typedef {object} Place
 * @property {number} port to listen on
 * @property {number} upstreamPort
 * @property {string} directory empty, for its files
 *
 * @typedef {object} Kind
 * @property {(place: Place) => { command: string[], env?: Record<string, string> }} toProcess
 * @property {(upstreamPort: number) => Record<string, string>} [headers] beside those every request bears
 *
 * @typedef {object} Server
 * @property {ServerName | 'upstream'} name
 * @property {number} port
 * @property {Record<string, string>} headers what a request to it bears
 * @property {number} pid
 * @property {() => Promise<void>} stop
 */

const PORTKEY = '@portkey-ai/gateway@1.15.2'
const KEY = 'key-of-the-benchmark'
const START_TIMEOUT_MS = 20_000

/** What openai 6.49 for Node sends beside the key and the body's type and length. */
const SDK_HEADERS = {
  connection: 'keep-alive',
  accept: 'application/json',
  'user-agent': 'OpenAI/JS 6.49.0',
  'x-stainless-retry-count': '0',
  'x-stainless-lang': 'js',
  'x-stainless-package-version': '6.49.0',
  'x-stainless-os': 'Linux',
  'x-stainless-arch': 'x64',
  'x-stainless-runtime': 'node',
  'x-stainless-runtime-version': process.version,
  'accept-language': '*',
  'sec-fetch-mode': 'cors',
  'accept-encoding': 'gzip, deflate'
}

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url))
const passThrough = fileURLToPath(new URL('pass-through.mjs', import.meta.url))
const portkeyFolder = join(tmpdir(), 'workers-ai-proxy-bench-portkey')

/** @type {Record<ServerName, Kind>} */
const KINDS = {
  /** As it is deployed: keys, validation, its log line for each request, all stages that a request needs. */
  ours: { toProcess: toOurs },
  'ours, 2 workers': { toProcess: place => toOurs(place, { WORKERS: '2' }) },
  'pass-through': {
    toProcess: ({ port, upstreamPort }) => ({ command: [process.execPath, passThrough, String(port), `http://127.0.0.1:${upstreamPort}`] })
  },
  nginx: { toProcess: toNginx },
  portkey: {
    toProcess: ({ port }) => ({ command: [process.execPath, join(portkeyFolder, 'node_modules/@portkey-ai/gateway/build/start-server.js'), `--port=${port}`, '--headless'] }),
    headers: upstreamPort => ({
      'x-portkey-provider': 'workers-ai',
      'x-portkey-workers-ai-account-id': 'account-of-the-benchmark',
      'x-portkey-custom-host': `http://127.0.0.1:${upstreamPort}/client/v4/accounts/account-of-the-benchmark/ai/run`
    })
  }
}

/**
 * The servers that can be compared on this machine; Portkey's is installed when it is asked for.
 * @param {{ portkey: boolean }} options
 * @returns {ServerName[]}
 */
export function availableServers ({ portkey }) {
  if (portkey) installPortkey()
  const wanted = { 'pass-through': true, ours: true, nginx: hasNginx(), portkey }
  return /** @type {ServerName[]} */ (Object.keys(wanted)).filter(name => wanted[name])
}

/**
 * Starts a server and waits until it answers a plain request.
 * @param {ServerName} name
 * @param {{ upstreamPort: number, directory: string, body: object, nodeFlags?: string[] }} options
 * @returns {Promise<Server & { startedInMs: number }>} with the time from its start to its first answer
 */
export async function startServer (name, { upstreamPort, directory, body, nodeFlags = [] }) {
  const port = await freePort()
  const folder = join(directory, `${name}-${port}`)
  mkdirSync(folder, { recursive: true })
  const { command: [file = '', ...args], env } = KINDS[name].toProcess({ port, upstreamPort, directory: folder })
  const log = openSync(join(folder, 'log'), 'w')
  const begin = performance.now()
  const child = start([file, ...nodeFlags, ...args], { on: 'server', cwd: folder, env: { PATH: process.env.PATH, ...env }, stdio: ['ignore', log, log] })
  closeSync(log)
  const server = {
    name,
    port,
    headers: { ...SDK_HEADERS, 'content-type': 'application/json', authorization: `Bearer ${KEY}`, ...KINDS[name].headers?.(upstreamPort) },
    pid: child.pid ?? 0,
    // Asked kindly, because only a process that ends by itself writes its profile.
    stop: () => stop(child, nodeFlags.length > 0 ? 'SIGTERM' : 'SIGKILL')
  }
  while (performance.now() - begin < START_TIMEOUT_MS && child.exitCode === null) {
    const answer = await ask(server, body).catch(() => undefined)
    if (answer?.status === 200) return { ...server, startedInMs: performance.now() - begin }
    await sleep(2)
  }
  throw new Error(`${name} did not answer. It said: ${readFileSync(join(folder, 'log'), 'utf8').slice(-1_000)}`)
}

/** @param {Place} place @param {Record<string, string>} [settings] */
function toOurs ({ port, upstreamPort }, settings) {
  const env = {
    PORT: String(port),
    API_KEYS: KEY,
    CLOUDFLARE_ACCOUNT_ID: 'account-of-the-benchmark',
    CLOUDFLARE_API_TOKEN: 'token-of-the-benchmark',
    CLOUDFLARE_API_BASE_URL: `http://127.0.0.1:${upstreamPort}/client/v4`,
    ...settings
  }
  return { command: [process.execPath, main], env }
}

/** @param {Place} place */
function toNginx ({ port, upstreamPort, directory }) {
  const configuration = join(directory, 'nginx.conf')
  writeFileSync(configuration, `
    daemon off; master_process off; worker_processes 1; worker_rlimit_nofile 16384;
    pid ${directory}/pid; error_log ${directory}/error.log;
    events { worker_connections 8192; }
    http {
      access_log off; keepalive_requests 100000000; client_max_body_size 32m; client_body_buffer_size 2m;
      client_body_temp_path ${directory}/body; proxy_temp_path ${directory}/proxy; fastcgi_temp_path ${directory}/fastcgi;
      uwsgi_temp_path ${directory}/uwsgi; scgi_temp_path ${directory}/scgi;
      upstream workers_ai { server 127.0.0.1:${upstreamPort}; keepalive 4096; keepalive_requests 100000000; }
      server {
        listen 127.0.0.1:${port};
        location / { proxy_pass http://workers_ai; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }
      }
    }`)
  return { command: ['nginx', '-e', join(directory, 'error.log'), '-c', configuration] }
}

function hasNginx () {
  return spawnSync('nginx', ['-v']).status === 0
}

/** Into a folder of the system's temporary ones, where the next run finds it again. */
function installPortkey () {
  if (existsSync(join(portkeyFolder, 'node_modules/@portkey-ai/gateway/build/start-server.js'))) return
  mkdirSync(portkeyFolder, { recursive: true })
  const { status } = spawnSync('npm', ['install', '--prefix', portkeyFolder, '--ignore-scripts', '--no-audit', '--no-fund', PORTKEY], { stdio: ['ignore', 'ignore', 'inherit'] })
  if (status !== 0) throw new Error(`npm could not install ${PORTKEY}`)
}

/** @returns {Promise<number>} */
function freePort () {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject).listen(0, '127.0.0.1', () => {
      const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
      server.close(() => resolve(port))
    })
  })
}
