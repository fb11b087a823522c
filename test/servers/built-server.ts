import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { waited } from './http-client.ts'
import { ACCOUNT_ID, API_TOKEN } from './start-proxy.ts'

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
const probe = new URL('probe.mjs', import.meta.url).href

const PATIENCE_MS = 30_000

/** What a process has taken, and how long its event loop was held up since it was last asked. */
export interface Vitals {
  /** Bytes, after a collection of garbage. */
  rss: number
  heapUsed: number
  /** The most `rss` there was since it was last asked. */
  peakRss: number
  descriptors: number
  sockets: number
  timers: number
  maxDelayMs: number
}

export interface BuiltServer {
  child: ChildProcess
  /** Without a path. */
  url: string
  port: number
  vitals: () => Promise<Vitals>
  /** Makes it hold up its event loop for so many milliseconds, or fail where nobody catches it. */
  harm: (deed: 'block' | 'throw' | 'reject' | 'forbidProcesses', argument?: number) => Promise<void>
  /** The lines it has logged. */
  lines: () => Array<Record<string, unknown>>
  stdout: () => string
  stderr: () => string
  /** Resolves with the exit code. */
  ended: Promise<number | null>
}

/**
 * Starts the built program in a process of its own, where nothing that is rejected goes unheard. It is gone with the
 * test, which fails when the program has written anything to its standard error: a warning, or a stack.
 * @param env the simulator serves unless it names another upstream
 */
export async function startBuiltServer (t: Test, env: Record<string, string> = {}): Promise<BuiltServer> {
  const upstream = env['CLOUDFLARE_API_BASE_URL'] === undefined
    ? { UPSTREAM: 'simulator', SIMULATOR_TOKENS_PER_SECOND: '0' }
    : { CLOUDFLARE_ACCOUNT_ID: ACCOUNT_ID, CLOUDFLARE_API_TOKEN: API_TOKEN }
  const child = spawn(process.execPath, ['--unhandled-rejections=strict', '--trace-warnings', '--expose-gc', '--import', probe, main], {
    cwd: t.testdir(),
    env: { PORT: '0', ...upstream, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc']
  })
  let stdout = ''
  let stderr = ''
  // Node itself tells of a rejection, in its strict mode also where it was heard as an exception.
  let wasRejected = false
  child.stdout?.setEncoding('utf8').on('data', (text: string) => { stdout += text })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => { stderr += text })
  const ended = once(child, 'close').then(([code]) => code as number | null)
  t.teardown(async () => {
    child.kill('SIGKILL')
    const isOver = await Promise.race([ended.then(() => true), sleep(PATIENCE_MS, false, { ref: false })])
    if (!isOver) throw new Error(`a process of the server has outlived it and holds its output: ${stdout.slice(-1_000)}`)
    if (stderr !== '' && !wasRejected) throw new Error(`the server complained: ${stderr}`)
  })

  async function ask (deed: string, argument?: number): Promise<unknown> {
    child.send({ deed, argument })
    const [{ answer }] = await once(child, 'message') as [{ answer: unknown }]
    return answer
  }
  const listening = /"msg":"listening at (http:[^"]+)"/
  await waited(() => listening.test(stdout) || child.exitCode !== null, PATIENCE_MS)
  const [, url] = listening.exec(stdout) ?? []
  if (url === undefined) throw new Error(`it did not start: ${stdout}${stderr}`)
  return {
    child,
    url,
    port: Number(new URL(url).port),
    vitals: () => ask('vitals') as Promise<Vitals>,
    harm: async (deed, argument) => {
      wasRejected ||= deed === 'reject'
      await ask(deed, argument)
    },
    lines: () => stdout.split('\n').filter(line => line.endsWith('}')).map(line => JSON.parse(line)),
    stdout: () => stdout,
    stderr: () => stderr,
    ended
  }
}
