// Beside a program: the built one, as several processes.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { ask, chat, MODEL, PATIENCE_MS, pidOf, pidsOf, serve } from '../servers/cluster-server.ts'
import type { BuiltServer } from '../servers/built-server.ts'
import { waited } from '../servers/http-client.ts'

// It starts three processes, which takes a busy machine a while.
t.setTimeout(300_000)

async function totalsOf (server: BuiltServer): Promise<{ requests: number, neurons: number }> {
  return (JSON.parse((await ask(server, '/usage')).body) as { totals: { requests: number, neurons: number } }).totals
}

t.test('workers count together, also what one has counted that was killed', async t => {
  // Every server empties the folder of the test.
  const folder = mkdtempSync(join(tmpdir(), 'usage-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const storePath = join(folder, 'usage.db')
  const server = await serve(t, { STORE_PATH: storePath })
  let billed = 0
  const askSome = async (count: number) => {
    for (let index = 0; index < count; index++) {
      const { status, headers } = await ask(server, '/v1/chat/completions', chat('say hi'))
      t.equal(status, 200)
      billed += Math.round(Number(headers['cf-ai-neurons']) * 1e6)
    }
  }
  const counted = async (requests: number) => {
    let totals = await totalsOf(server)
    for (const start = Date.now(); totals.requests < requests && Date.now() - start < PATIENCE_MS; totals = await totalsOf(server)) await sleep(20)
    t.match(totals, { requests, neurons: billed / 1e6 })
  }
  /** The process ids in the lines of the log. A process writes its lines in batches, and takes those of the last moment with it when it is killed. */
  const answered = () => new Set(server.lines().filter(({ msg, served }) => msg === 'request' && served === MODEL).map(({ pid }) => pid)).size
  await askSome(10)
  await counted(10)
  await waited(() => answered() === 2, PATIENCE_MS)
  process.kill(pidOf(server, 1), 'SIGKILL')
  await waited(() => pidsOf(server, 1).length === 2, PATIENCE_MS)
  await counted(10)
  await askSome(10)
  await counted(20)
  await waited(() => answered() === 3, PATIENCE_MS)
  server.child.kill('SIGTERM')
  t.equal(await server.ended, 0)
  const again = await serve(t, { STORE_PATH: storePath })
  t.match(await totalsOf(again), { requests: 20, neurons: billed / 1e6 }, 'and the next start goes on')
})
