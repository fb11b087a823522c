// Beside a program: the built one, as several processes.
import t from 'tap'
import { ask, chat, PATIENCE_MS, pidsOf, serve } from '../servers/cluster-server.ts'
import { listen } from '../servers/event-client.ts'
import { waited } from '../servers/http-client.ts'

t.test('who listens to one worker is told of the requests of all, also of one that was started anew', async t => {
  const server = await serve(t)
  const askFor = async (count: number) => {
    for (let index = 0; index < count; index++) t.equal((await ask(server, '/v1/chat/completions', chat('say hi'))).status, 200)
  }
  await askFor(4)
  const clients = await Promise.all([listen(t, server), listen(t, server)])
  const told = (count: number) => waited(() => clients.every(({ requests }) => requests.length === count), PATIENCE_MS)
  await told(4)
  await askFor(6)
  await told(10)
  const ids = clients.map(({ requests }) => requests.map(({ id }) => id).sort())
  t.strictSame(ids[0], ids[1])
  t.equal(new Set(ids[0]).size, 10, 'each once')
  clients.forEach(client => client.leave())
  const [pid = 0] = pidsOf(server, 1)
  process.kill(pid, 'SIGKILL')
  await waited(() => pidsOf(server, 1).length === 2, PATIENCE_MS)
  const late = await listen(t, server)
  const before = late.requests.length
  await askFor(6)
  await waited(() => late.requests.length >= before + 6, PATIENCE_MS)
})

t.test('listeners hold no drain up', async t => {
  const server = await serve(t, { DRAIN_TIMEOUT_MS: '120000' })
  const clients = await Promise.all([1, 2, 3, 4].map(() => listen(t, server)))
  server.child.kill('SIGTERM')
  t.equal(await server.ended, 0)
  t.ok(clients.every(({ isEnded }) => isEnded()))
})
