import { execFile } from 'node:child_process'
import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'

/** The image under test. */
export const IMAGE = process.env['IMAGE'] ?? 'workers-ai-proxy:test'

/** How every container of the tests runs: with nothing that it does not need. */
export const HARDENED = ['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges', '--memory', '384m', '--pids-limit', '64']

export interface Outcome {
  code: number
  stdout: string
  stderr: string
}

export interface Container {
  id: string
  /** Without a path; on the loopback of whoever runs the tests. */
  url: string
}

/** Runs a command to its end. A code other than 0 is an outcome, too; one that takes longer than two minutes is killed. */
export function run (command: string, argv: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
  return new Promise(resolve => {
    execFile(command, argv, { timeout: 120_000, maxBuffer: 2 ** 26, env: { ...process.env, ...env } }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr })
    })
  })
}

/** What `docker` prints, without the last line break. Rejects when it fails. */
export async function docker (...argv: string[]): Promise<string> {
  const { code, stdout, stderr } = await run('docker', argv)
  if (code !== 0) throw new Error(`docker ${argv.join(' ')}: ${stderr}`)
  return stdout.trim()
}

/** Starts a hardened proxy that answers on a port of loopback, and waits until it does. It is gone with the test. */
export async function startContainer (t: Test, env: Record<string, string>, options: readonly string[] = []): Promise<Container> {
  const variables = Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`])
  const id = await docker('run', '--detach', '--publish', '127.0.0.1::8686', ...HARDENED, ...options, ...variables, IMAGE)
  t.teardown(() => docker('rm', '--force', '--volumes', id))
  const url = `http://${(await docker('port', id, '8686')).split('\n')[0]}`
  await until(async () => await getStatus(`${url}/health`) === 200)
  return { id, url }
}

/** Resolves when something holds; rejects after a minute. */
export async function until (isSo: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 60_000
  while (!await isSo()) {
    if (Date.now() > end) throw new Error(`never so: ${isSo}`)
    await sleep(50)
  }
}

/** The status of an answer, undefined without one. Not by fetch: that of Node 20 never settles when Docker's own proxy resets the connection. */
export function getStatus (url: string, headers: Record<string, string> = {}): Promise<number | undefined> {
  return new Promise(resolve => {
    request(url, { agent: false, headers }, response => {
      response.resume()
      resolve(response.statusCode)
    }).on('error', () => resolve(undefined)).end()
  })
}
