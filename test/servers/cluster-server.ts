import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request, type Agent, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Test } from 'tap'
import { startBuiltServer, type BuiltServer } from './built-server.ts'
import { waited } from './http-client.ts'

export const MODEL = '@cf/meta/llama-3.3-70b-instruct-fp8-fast'

/** For what takes a moment on an idle machine. */
export const PATIENCE_MS = 60_000

interface Answer {
  status: number
  headers: IncomingMessage['headers']
  body: string
}

/** Two workers in front of the simulator, which have said that they are ready. */
export async function serve (t: Test, env: Record<string, string> = {}): Promise<BuiltServer> {
  const server = await startBuiltServer(t, { WORKERS: '2', UPSTREAM: 'simulator', ...env })
  // Each process writes its lines in batches of its own, so that of the primary may come before theirs.
  await waited(() => [1, 2].every(worker => pidsOf(server, worker).length > 0), PATIENCE_MS)
  return server
}

/** Asks over a connection of its own, so that the workers take turns. */
async function begin ({ port }: Pick<BuiltServer, 'port'>, path: string, body?: object, agent: Agent | false = false): Promise<IncomingMessage> {
  const asking = request({ host: '127.0.0.1', port, path, method: body ? 'POST' : 'GET', agent, headers: { 'content-type': 'application/json' } })
  asking.end(body && JSON.stringify(body))
  const [response] = await once(asking, 'response') as [IncomingMessage]
  return response
}

export async function ask (server: Pick<BuiltServer, 'port'>, path: string, body?: object, agent?: Agent): Promise<Answer> {
  const response = await begin(server, path, body, agent)
  return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) }
}

export function chat (content: string, rest: object = {}) {
  return { model: MODEL, messages: [{ role: 'user', content }], ...rest }
}

/** A stream of each worker, which has begun. */
export async function beginStreams (server: BuiltServer, words: number): Promise<Array<Promise<string>>> {
  const streams = []
  for (let place = 0; place < 2; place++) streams.push(text(await begin(server, '/v1/chat/completions', chat(`say ${words} words`, { stream: true }))))
  return streams
}

/** The process ids of those that ever served as this worker, oldest first. */
export function pidsOf ({ lines }: BuiltServer, worker: number): number[] {
  return lines().filter(({ msg }) => msg === `worker ${worker} is ready`).map(({ pid }) => pid as number)
}

/** The process id of the one that serves as this worker, or did so last. @throws Error when none has said that it is ready */
export function pidOf (server: BuiltServer, worker: number): number {
  const pid = pidsOf(server, worker).at(-1)
  if (pid === undefined) throw new Error(`worker ${worker} has not said that it is ready`)
  return pid
}

export function isAlive (pid: number): boolean {
  try {
    // One that has ended and that nobody has asked for yet is no process any more.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
