// Beside a program: the built one, as several processes.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request, type ClientRequest } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { readChatStream } from '../streams/chat-stream.ts'
import { ask, beginStreams, chat, isAlive, MODEL, PATIENCE_MS, pidOf, pidsOf, serve } from '../servers/cluster-server.ts'
import { startBuiltServer } from '../servers/built-server.ts'
import { freePort, waited } from '../servers/http-client.ts'

// Every test starts three processes or more, which takes a busy machine a while.
t.setTimeout(300_000)
t.jobs = 3

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

/** Runs the program to its end, in an empty directory. */
async function run (t: Test, argv: string[], env: Record<string, string> = {}, flags: string[] = []) {
  const child = spawn(process.execPath, [...flags, MAIN, ...argv], { cwd: t.testdir(), env, stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code: code as number | null, stdout, stderr }
}

t.test('workers take turns, and one line says where they listen', async t => {
  const server = await serve(t)
  for (let count = 0; count < 10; count++) t.equal((await ask(server, '/v1/chat/completions', chat('say hi'))).status, 200)
  server.child.kill('SIGTERM')
  t.equal(await server.ended, 0)
  const lines = server.lines()
  t.match(lines.filter(({ msg }) => String(msg).startsWith('listening')), [{ workers: 2, pid: server.child.pid }])
  t.equal(new Set(lines.filter(line => 'requestId' in line).map(({ pid }) => pid)).size, 2)
  t.equal(lines.filter(({ msg }) => msg === 'stopping').length, 1)
})

t.test('one process is the default, and as many as there are cores can be had', async t => {
  const alone = await startBuiltServer(t)
  t.match(alone.lines().filter(({ msg }) => String(msg).startsWith('listening')), [{ pid: alone.child.pid, workers: undefined }])
  const all = await startBuiltServer(t, { WORKERS: 'auto' })
  t.equal((await ask(all, '/health')).status, 200)
})

t.test('the health check and the demo do not mind', async t => {
  const { port } = await serve(t)
  t.same(await run(t, ['healthcheck', '--port', String(port)], { WORKERS: '2' }), { code: 0, stdout: '', stderr: '' })
  const demo = spawn(process.execPath, [MAIN, '--demo', '--port=0', '--workers=2'], { cwd: t.testdir(), env: { SIMULATOR_TOKENS_PER_SECOND: '0' }, stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => demo.kill('SIGKILL'))
  let screen = ''
  demo.stdout.setEncoding('utf8').on('data', (piece: string) => { screen += piece })
  await waited(() => screen.includes('Press Ctrl-C to stop'), PATIENCE_MS)
  demo.kill('SIGINT')
  t.equal((await once(demo, 'close'))[0], 0)
  t.equal(screen.split('base URL').length, 2, 'it greets once')
  t.match(screen, 'prompt tokens')
})

t.test('what keeps it from starting is told once', async t => {
  const other = createServer().listen(0, '127.0.0.1')
  t.teardown(() => other.close())
  await once(other, 'listening')
  const taken = (other.address() as AddressInfo).port
  const cases: Array<{ name: string, argv: string[], expected: RegExp }> = [
    { name: 'wrong settings', argv: ['--workers=2', '--port=x'], expected: /PORT: got "x"/g },
    { name: 'too many workers', argv: ['--workers=65'], expected: /WORKERS: got "65" from --workers; expected a whole number from 1 to 64, or auto/g },
    { name: 'a port in use', argv: ['--workers=3', `--port=${taken}`], expected: /is in use; choose another port with --port/g },
    { name: 'no address of this machine', argv: ['--workers=2', '--host=192.0.2.1', '--allow-unauthenticated'], expected: /is not an address of this machine/g },
    { name: 'a store that cannot be opened', argv: ['--workers=2', '--port=0', '--store-path=far/responses.db'], expected: /STORE_PATH: cannot open it/g }
  ]
  for (const { name, argv, expected } of cases) {
    const { code, stdout, stderr } = await run(t, ['--upstream=simulator', '--log-level=error', ...argv])
    t.same({ code, stdout }, { code: 2, stdout: '' }, name)
    t.equal(stderr.match(expected)?.length, 1, name)
    t.notMatch(stderr, / {4}at /, name)
  }
})

t.test('workers that end before they serve are not tried again', async t => {
  const crash = 'data:text/javascript,import cluster from "node:cluster"; if (cluster.isWorker) process.exit(7)'
  const { code, stderr } = await run(t, ['--upstream=simulator', '--workers=2', '--port=0'], {}, ['--import', crash])
  t.equal(code, 1)
  t.equal(stderr, 'A worker exited unexpectedly (exit code 7).\n')
})

t.test('a worker that cannot be started is tried again until it can', async t => {
  const server = await serve(t)
  await server.harm('forbidProcesses', 1)
  process.kill(pidOf(server, 1), 'SIGKILL')
  await waited(() => server.lines().filter(({ reason }) => String(reason).startsWith('Cannot start a worker')).length >= 2, PATIENCE_MS)
  t.equal((await ask(server, '/v1/chat/completions', chat('say hi'))).status, 200, 'the other serves')
  await server.harm('forbidProcesses', 0)
  await waited(() => pidsOf(server, 1).length === 2, PATIENCE_MS)
  server.child.kill('SIGTERM')
  t.equal(await server.ended, 0)
})

t.test('a worker that is killed is replaced, ever later, while the other serves', async t => {
  const server = await serve(t)
  for (const [count, pauseMs] of [[1, 1_000], [2, 2_000]] as const) {
    process.kill(pidOf(server, 1), 'SIGKILL')
    await waited(() => server.lines().filter(({ msg }) => String(msg).includes('starting another one')).length === count, PATIENCE_MS)
    t.match(server.lines().filter(({ level }) => level === 50).at(-1), { worker: 1, pauseMs, reason: 'A worker exited unexpectedly (SIGKILL).' })
    while (pidsOf(server, 1).length === count) {
      t.equal((await ask(server, '/v1/chat/completions', chat('say hi'))).status, 200)
      await sleep(100)
    }
  }
  t.equal(pidsOf(server, 2).length, 1)
  server.child.kill('SIGTERM')
  t.equal(await server.ended, 0)
})

t.test('SIGTERM: every worker says that it stops, its streams run to their end', async t => {
  const server = await serve(t, { DRAIN_DELAY_MS: '5000', SIMULATOR_TOKENS_PER_SECOND: '5' })
  const streams = await beginStreams(server, 25)
  server.child.kill('SIGTERM')
  // The workers hear it one after the other, and take turns to answer.
  for (let inARow = 0; inARow < 6;) inARow = (await ask(server, '/readyz')).status === 503 ? inARow + 1 : 0
  for (const stream of streams) t.match(readChatStream(await stream), { complaints: [], isDone: true })
  t.equal(await server.ended, 0)
})

t.test('SIGTERM: what runs too long is told that it is cut', async t => {
  const server = await serve(t, { DRAIN_TIMEOUT_MS: '300', SIMULATOR_TOKENS_PER_SECOND: '2' })
  const streams = await beginStreams(server, 200)
  server.child.kill('SIGTERM')
  for (const stream of streams) t.match(readChatStream(await stream), { error: { code: 'server_stopping' }, isDone: false })
  t.equal(await server.ended, 0)
})

t.test('a second signal ends all at once', async t => {
  const server = await serve(t, { SIMULATOR_TOKENS_PER_SECOND: '2' })
  const cut = (await beginStreams(server, 200)).map(stream => t.rejects(stream))
  server.child.kill('SIGTERM')
  await waited(() => server.stdout().includes('"msg":"stopping"'), PATIENCE_MS)
  server.child.kill('SIGTERM')
  t.equal(await server.ended, 143)
  await Promise.all(cut)
  t.strictSame([...pidsOf(server, 1), ...pidsOf(server, 2)].filter(isAlive), [])
})

t.test('answers that may run at the same time are divided', async t => {
  const server = await serve(t, { MAX_STREAMS: '2', SIMULATOR_TOKENS_PER_SECOND: '1' })
  for (const stream of await beginStreams(server, 200)) stream.catch(() => {})
  for (let count = 0; count < 2; count++) t.equal((await ask(server, '/v1/chat/completions', chat('say hi'))).status, 503)
})

t.test('the memory for bodies is divided among them', async t => {
  const server = await serve(t, { MAX_BODY_MEMORY_BYTES: '2000000' })
  const held: ClientRequest[] = []
  t.teardown(() => { for (const asking of held) asking.destroy() })
  while (held.length < 2) {
    const asking = request({ host: '127.0.0.1', port: server.port, path: '/v1/chat/completions', method: 'POST', agent: false, headers: { 'content-type': 'application/json' } }).on('error', () => {})
    // Counted three times, and most of what one of the two has, so the same one takes no second.
    asking.end(JSON.stringify(chat('stall', { user: 'x'.repeat(250_000) })))
    const isRefused = await Promise.race([once(asking, 'response').then(() => true), sleep(1_000, false)])
    if (isRefused) asking.destroy()
    else held.push(asking)
  }
  const another = async () => (await ask(server, '/v1/chat/completions', chat('hi', { user: 'x'.repeat(100_000) }))).status
  const ofBoth = async (status: number): Promise<number[]> => {
    const startedAt = performance.now()
    let last: number[]
    do {
      last = [await another(), await another()]
    } while (last.some(one => one !== status) && performance.now() - startedAt < PATIENCE_MS)
    return last
  }
  t.strictSame(await ofBoth(503), [503, 503], 'more than is left of its half')
  for (const asking of held) asking.destroy()
  t.strictSame(await ofBoth(200), [200, 200])
})

t.test('without a file for them responses are not stored, and that is told', async t => {
  const server = await serve(t)
  t.match(server.lines()[0], { level: 40, workers: 2, msg: /STORE_PATH/ })
  const { status, headers } = await ask(server, '/v1/responses', { model: MODEL, input: 'say hi' })
  t.match({ status, told: headers['x-proxy-warnings'] }, { status: 200, told: /store dropped/ })
})

t.test('with a file what one worker stores the other finds, also when both write', async t => {
  const server = await serve(t, { STORE_PATH: 'responses.db', SIMULATOR_TOKENS_PER_SECOND: '0' })
  t.notMatch(server.stdout(), 'STORE_PATH')
  const ids = await Promise.all(Array.from({ length: 60 }, async (_, index) => {
    const { status, headers, body } = await ask(server, '/v1/responses', { model: MODEL, input: `say ${index}` })
    t.match({ status, told: headers['x-proxy-warnings'] }, { status: 200, told: undefined })
    return (JSON.parse(body) as { id: string }).id
  }))
  for (let round = 0; round < 2; round++) {
    const found = await Promise.all(ids.map(id => ask(server, `/v1/responses/${id}`)))
    t.strictSame(found.filter(({ status }) => status !== 200), [])
  }
})

for (const [workers, processes] of [[1, 1], [2, 3]] as const) {
  t.test(`WORKERS=${workers}: lines of the log stay whole, and all of them come, also in a pipe that nobody reads before the end`, async t => {
    const server = { port: await freePort() }
    const child = spawn('sh', ['-c', '"$0" "$1" | (trap "sleep 1; exec cat" INT; while :; do sleep 0.05; done)', process.execPath, MAIN], {
      cwd: t.testdir(),
      env: { ...process.env, WORKERS: String(workers), UPSTREAM: 'simulator', PORT: String(server.port), SIMULATOR_TOKENS_PER_SECOND: '0' },
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit']
    })
    const group = -(child.pid ?? 0)
    const output = text(child.stdout)
    const agent = new Agent({ keepAlive: true, maxSockets: 16 })
    t.teardown(() => agent.destroy())
    for (let tries = 0; tries < 600 && (await ask(server, '/health').catch(() => undefined))?.status !== 200; tries++) await sleep(50)
    await Promise.all(Array.from({ length: 3_000 }, () => ask(server, '/v1/chat/completions', chat('say hi'), agent)))
    process.kill(group, 'SIGINT')
    const lines = (await output).trim().split('\n').map(line => JSON.parse(line) as { pid: number, msg: string })
    t.equal(lines.filter(({ msg }) => msg === 'request').length, 3_000)
    t.equal(new Set(lines.map(({ pid }) => pid)).size, processes)
  })
}
