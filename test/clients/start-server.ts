import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import type { Simulator } from '../../src/simulator/server.ts'

export const LLAMA = '@cf/meta/llama-3.3-70b-instruct-fp8-fast'
const MISTRAL = '@cf/mistralai/mistral-small-3.1-24b-instruct'
export const KIMI = '@cf/moonshotai/kimi-k2.6'
export const GLM = '@cf/zai-org/glm-4.7-flash'

export const EMBEDDER = '@cf/baai/bge-m3'

/** One model of each kind: classic, with `guided_json`, and two that speak as OpenAI's do. */
export const MODELS = [LLAMA, MISTRAL, KIMI, GLM]

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

export interface StartOptions {
  env?: Record<string, string>
  flags?: string[]
  /** Answers instead of the simulator inside the server, so that the test can see what reaches it. */
  simulator?: Simulator
}

export interface Server {
  /** What SDKs take, `/v1` included. */
  baseURL: string
  /** Everything it has written to standard output. */
  log: () => string
  /** Ends the process at once; so does the end of the test. */
  stop: () => Promise<void>
}

/** Starts the built program as a user would, and waits until it listens. */
export async function startServer (t: Test, { env = {}, flags = [], simulator }: StartOptions = {}): Promise<Server> {
  const upstream = simulator ? [] : ['--upstream', 'simulator', '--simulator-tokens-per-second', '0']
  const child = spawn(process.execPath, [main, '--port', '0', ...upstream, ...flags], {
    cwd: t.testdir(),
    env: { ...(simulator && toCloudflare(simulator)), ...env },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const closed = once(child, 'close')
  async function stop (): Promise<void> {
    child.kill('SIGKILL')
    await closed
  }
  t.teardown(stop)

  let log = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => { log += text })
  for (;;) {
    const [, url] = /"msg":"listening at (http:[^"]+)"/.exec(log) ?? []
    if (url !== undefined) return { baseURL: `${url}/v1`, log: () => log, stop }
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${log}`)
    await Promise.race([once(child.stdout, 'data'), closed])
  }
}

function toCloudflare ({ url, accountId, apiToken }: Simulator): Record<string, string> {
  return { CLOUDFLARE_API_BASE_URL: url, CLOUDFLARE_ACCOUNT_ID: accountId, CLOUDFLARE_API_TOKEN: apiToken }
}
