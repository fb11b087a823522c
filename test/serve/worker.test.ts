// Beside a program: the built one, as several processes.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { readChatStream } from '../streams/chat-stream.ts'
import { ask, beginStreams, chat, isAlive, PATIENCE_MS, pidOf, pidsOf, serve } from '../servers/cluster-server.ts'
import { frames, LAST_CHUNK, answering, startRawUpstream, STREAM_HEAD, wantsStream } from '../servers/raw-upstream.ts'
import { waited } from '../servers/http-client.ts'

t.jobs = 3

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

t.test('signals are left to the primary', async t => {
  const server = await serve(t, { SIMULATOR_TOKENS_PER_SECOND: '20' })
  const streams = await beginStreams(server, 20)
  for (const worker of [1, 2]) {
    for (const signal of ['SIGINT', 'SIGTERM']) process.kill(pidOf(server, worker), signal)
  }
  for (const stream of streams) t.match(readChatStream(await stream), { complaints: [], isDone: true })
  for (let count = 0; count < 4; count++) t.equal((await ask(server, '/readyz')).status, 200)
  // As a terminal does, which tells every process of a group.
  const last = await beginStreams(server, 20)
  for (const pid of [pidOf(server, 1), pidOf(server, 2)]) process.kill(pid, 'SIGINT')
  server.child.kill('SIGINT')
  for (const stream of last) t.match(readChatStream(await stream), { complaints: [], isDone: true })
  t.equal(await server.ended, 0)
})

t.test('after a bug that nobody caught a worker lets its answers end, and another one takes its place meanwhile', async t => {
  const server = await serve(t, { SIMULATOR_TOKENS_PER_SECOND: '5', DRAIN_DELAY_MS: '60000' })
  // Longer than a busy machine takes to start a worker.
  const streams = await beginStreams(server, 80)
  const pid = pidOf(server, 1)
  process.kill(pid, 'SIGUSR2')
  await waited(() => pidsOf(server, 1).length === 2, PATIENCE_MS)
  t.ok(isAlive(pid), 'its stream goes on')
  for (let count = 0; count < 4; count++) t.equal((await ask(server, '/readyz')).status, 200)
  for (const stream of streams) t.match(readChatStream(await stream), { complaints: [], isDone: true })
  await waited(() => !isAlive(pid), PATIENCE_MS)
  // Of two processes, each of which writes its lines in batches of its own.
  const told = () => server.lines().filter(({ level }) => Number(level) >= 50)
  await waited(() => told().length >= 2, PATIENCE_MS)
  t.match(told().sort((one, other) => Number(other['level']) - Number(one['level'])), [
    { level: 60, pid, msg: 'uncaught exception', err: { type: 'Error' } },
    { level: 50, worker: 1, reason: 'An uncaught exception.' }
  ])
})

t.test('when the primary is gone, what runs ends well, and then the workers', async t => {
  const evil = await startRawUpstream(t, asked => wantsStream(asked)
    ? [STREAM_HEAD, frames({ response: 'Hel' }), 2_000, frames({ response: 'lo' }, '[DONE]'), LAST_CHUNK]
    : answering('hi', false))
  const server = await serve(t, { UPSTREAM: 'cloudflare', CLOUDFLARE_API_BASE_URL: evil.url })
  t.equal((await ask(server, '/v1/chat/completions', chat('x'))).status, 200)
  const streams = await beginStreams(server, 1)
  const pids = [pidOf(server, 1), pidOf(server, 2)]
  server.child.kill('SIGKILL')
  for (const stream of streams) t.match(readChatStream(await stream), { complaints: [], isDone: true })
  await waited(() => !pids.some(isAlive), PATIENCE_MS)
  await t.rejects(ask(server, '/health'))
})

t.test('it is no command of a person', async t => {
  const child = spawn(process.execPath, [MAIN, 'worker'], { cwd: t.testdir(), env: { UPSTREAM: 'simulator' }, stdio: ['ignore', 'ignore', 'pipe'] })
  const stderr = text(child.stderr)
  t.equal((await once(child, 'close'))[0], 2)
  t.match(await stderr, 'unknown command "worker"')
})
