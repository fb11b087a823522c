import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { freePort } from '../servers/http-client.ts'
import { ask, saying } from '../servers/start-proxy.ts'

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

for (const workers of [1, 2]) {
  t.test(`WORKERS=${workers}: a log that cannot be written ends nothing, and is told`, { skip: !existsSync('/dev/full') && 'there is no /dev/full' }, async t => {
    const port = await freePort()
    const full = openSync('/dev/full', 'w')
    const child = spawn(process.execPath, [main], {
      cwd: t.testdir(),
      env: { PATH: process.env['PATH'], PORT: String(port), WORKERS: String(workers), UPSTREAM: 'simulator', SIMULATOR_TOKENS_PER_SECOND: '0' },
      stdio: ['ignore', full, 'pipe']
    })
    closeSync(full)
    t.teardown(() => child.kill('SIGKILL'))
    const complaints = text(child.stderr as Readable)
    const proxy = { url: `http://127.0.0.1:${port}` }
    let isUp = false
    for (const until = Date.now() + 30_000; !isUp && Date.now() < until;) isUp = await fetch(`${proxy.url}/health`).then(({ ok }) => ok, () => false)
    t.ok(isUp, 'it starts')
    for (let count = 0; count < 300; count++) {
      const answer = await ask(proxy, saying('say hi'))
      await answer.text()
      if (answer.status !== 200) t.fail(`${count}: ${answer.status}`)
    }
    child.kill('SIGTERM')
    t.strictSame(await once(child, 'exit'), [0, null], 'it ends when it is told to')
    const lines = (await complaints).trim().split('\n')
    t.strictSame(new Set(lines), new Set(['The log cannot be written to standard output (ENOSPC). The service goes on.']))
    t.ok(lines.length <= workers + 1, 'once for each process')
  })
}
