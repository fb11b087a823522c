import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { freePort } from './http-client.ts'

/** A real redis-server on loopback. */
export interface RedisServer {
  port: number
  /** Without a password. */
  url: string
  /** Starts it again on its port, with nothing in it. */
  start: () => Promise<void>
  /** Ends it as a crash does. */
  kill: () => Promise<void>
  /** It accepts connections, and answers nothing. */
  freeze: () => void
  thaw: () => void
  /** One command, in the form of a line. @returns the raw answer */
  tell: (line: string) => Promise<string>
}

/** False, or why tests that need redis-server are skipped; `.ci/run` installs it. */
export const NO_REDIS_SERVER = spawnSync('redis-server', ['--version']).status === 0 ? false : 'redis-server is not installed'

/** Starts one that keeps nothing on disk. It is gone with the test. @param options of its command line */
export async function startRedisServer (t: Test, options: readonly string[] = []): Promise<RedisServer> {
  const port = await freePort()
  // Not `t.testdir()`, which a second call for the same test empties.
  const folder = mkdtempSync(join(tmpdir(), 'redis-server-'))
  let child: ChildProcess | undefined
  const isAnswering = async () => {
    try {
      return (await tell(port, 'PING')).length > 0
    } catch {
      return false
    }
  }
  const start = async () => {
    child = spawn('redis-server', ['--bind', '127.0.0.1', '--port', String(port), '--save', '', '--appendonly', 'no', '--dir', folder, ...options], { stdio: 'ignore' })
    for (let tries = 0; !await isAnswering(); tries++) {
      if (tries > 400) throw new Error('redis-server did not start')
      await sleep(10)
    }
  }
  const kill = async () => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'close')
    child.kill('SIGKILL')
    await ended
  }
  t.teardown(async () => {
    await kill()
    rmSync(folder, { recursive: true, force: true })
  })
  await start()
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    start,
    kill,
    freeze: () => { child?.kill('SIGSTOP') },
    thaw: () => { child?.kill('SIGCONT') },
    tell: line => tell(port, line)
  }
}

async function tell (port: number, line: string): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8')
  socket.write(`${line}\r\n`)
  try {
    const [answer] = await once(socket, 'data') as [string]
    return answer
  } finally {
    socket.destroy()
  }
}
