import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'

/** The built program. */
export const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

export interface Started {
  child: ChildProcess
  /** Resolves with the first group once standard output matches. */
  seen: (pattern: RegExp) => Promise<string>
  ended: Promise<{ code: number | null, stdout: string, stderr: string }>
}

/** Starts the built program in an empty directory with nothing in its environment but what is given. */
export function start (t: Test, argv: string[], { env = {}, files = {} }: { env?: Record<string, string>, files?: Record<string, string> } = {}): Started {
  const child = spawn(process.execPath, [MAIN, ...argv], { cwd: t.testdir(files), env, stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  const stderr = text(child.stderr)
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (piece: string) => { stdout += piece })

  async function seen (pattern: RegExp): Promise<string> {
    for (;;) {
      const match = pattern.exec(stdout)
      if (match) return match[1] ?? match[0]
      if (child.stdout.readableEnded) throw new Error(`${pattern} never came: ${stdout}${await stderr}`)
      await Promise.race([once(child.stdout, 'data'), once(child.stdout, 'end')])
    }
  }
  async function waitForEnd () {
    const [code] = await once(child, 'close') as [number | null]
    return { code, stdout, stderr: await stderr }
  }
  return { child, seen, ended: waitForEnd() }
}
