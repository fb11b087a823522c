import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { request, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { startBuiltServer, type BuiltServer } from '../servers/built-server.ts'
import { askRaw, freePort, waited } from '../servers/http-client.ts'
import { ask, LLAMA, saying } from '../servers/start-proxy.ts'

// Beside a program: HAProxy and nginx.

// It starts and stops several servers, which takes a busy machine a while.
t.setTimeout(300_000)
// They wait most of the time.
t.jobs = 2

/** A program of Debian's, and the file that ships for it. */
interface Balancer {
  name: string
  version: string[]
  command: (file: string, folder: string) => string[]
  /** The file with these replicas and this port in place of a container's. */
  toConfiguration: (shipped: string, port: number, replicas: readonly number[]) => string
  /** Whether it asks for /readyz; else a replica is taken out of its file before that stops. */
  checksHealth: boolean
}

const HAPROXY: Balancer = {
  name: 'haproxy',
  version: ['-v'],
  command: file => ['-f', file, '-db'],
  toConfiguration: (shipped, port, replicas) => shipped
    .replace('bind :8080', `bind 127.0.0.1:${port}`)
    .replace(/ +server-template .*\n/, replicas.map((replica, index) => `    server proxy-${index} 127.0.0.1:${replica}\n`).join(''))
    .replace(/\nresolvers [^]*/, ''),
  checksHealth: true
}

const NGINX: Balancer = {
  name: 'nginx',
  version: ['-v'],
  command: (file, folder) => ['-c', file, '-p', folder, '-e', join(folder, 'error.log')],
  toConfiguration: (shipped, port, replicas) => `daemon off; user root; worker_processes 1; pid nginx.pid;\n${shipped}`
    .replace('access_log off;', 'access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;')
    .replace('listen 8080;', `listen 127.0.0.1:${port};`)
    .replace(/( +server proxy-\d+:8686.*\n)+/, replicas.map(replica => `        server 127.0.0.1:${replica} max_fails=1 fail_timeout=2s;\n`).join('')),
  checksHealth: false
}

/** Two replicas with the program in front of them. */
async function startBalanced (t: Test, balancer: Balancer): Promise<{ port: number, replicas: BuiltServer[], restart: (index: number) => Promise<void> }> {
  const ports = [await freePort(), await freePort()]
  const env = { DRAIN_DELAY_MS: balancer.checksHealth ? '4000' : '500', SIMULATOR_TOKENS_PER_SECOND: '50' }
  const start = (index: number) => startBuiltServer(t, { ...env, PORT: String(ports[index]) })
  const replicas = await Promise.all([start(0), start(1)])
  const port = await freePort()
  const folder = t.testdir({ body: {}, proxy: {} })
  const file = join(folder, balancer.name)
  const shipped = readFileSync(new URL(`../../docker/${balancer.name === 'nginx' ? 'nginx.conf' : 'haproxy.cfg'}`, import.meta.url), 'utf8')
  const configure = (served: readonly number[]) => writeFileSync(file, balancer.toConfiguration(shipped, port, served))
  configure(ports)
  const child = spawn(balancer.name, balancer.command(file, folder), { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const output of [child.stdout, child.stderr]) output.setEncoding('utf8').on('data', (text: string) => { said += text })
  t.teardown(() => end(child))
  const isUp = async () => (await askRaw({ port }, '/readyz').catch(() => ({ status: 0 }))).status === 200
  for (const begin = Date.now(); !await isUp(); await sleep(50)) {
    if (child.exitCode !== null || Date.now() - begin > 30_000) throw new Error(`${balancer.name} does not serve: ${said}`)
  }
  const restart = async (index: number) => {
    const reload = async (served: readonly number[]) => {
      if (balancer.checksHealth) return
      configure(served)
      child.kill('SIGHUP')
      await sleep(1_000)
    }
    const old = replicas[index] as BuiltServer
    await reload(ports.filter(one => one !== old.port))
    old.child.kill('SIGTERM')
    t.equal(await old.ended, 0, `replica ${index} stops`)
    replicas[index] = await start(index)
    await reload(ports)
    // A health check lets it in again.
    await sleep(2_500)
  }
  return { port, replicas, restart }
}

async function end (child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const ended = once(child, 'exit')
  // Both take their workers along.
  child.kill('SIGTERM')
  await ended
}

/** Asks over a connection of its own: nginx closes idle ones when it reads its file again, and a client must then ask again. */
async function askAnew (port: number, body: object): Promise<{ status: number | undefined, answer: string }> {
  const asking = request({ host: '127.0.0.1', port, path: '/v1/chat/completions', method: 'POST', agent: false, headers: { 'content-type': 'application/json' } })
  asking.end(JSON.stringify(body))
  const [response] = await once(asking, 'response') as [IncomingMessage]
  return { status: response.statusCode, answer: await text(response) }
}

/** How many pieces with text come apart from each other. */
async function countPieces (response: Response): Promise<number> {
  let count = 0
  for await (const piece of response.body as unknown as AsyncIterable<Uint8Array>) if (Buffer.from(piece).includes('"content":"')) count++
  return count
}

async function openAnswersOf (replica: BuiltServer): Promise<number> {
  return Number(/^workers_ai_proxy_open_answers (\d+)$/m.exec((await askRaw(replica, '/metrics')).body)?.[1])
}

for (const balancer of [HAPROXY, NGINX]) {
  const isInstalled = spawnSync(balancer.name, balancer.version).status === 0
  t.test(`behind ${balancer.name}, with the file that ships`, { buffered: true, skip: isInstalled ? false : `${balancer.name} is not installed` }, async t => {
    const { port, replicas, restart } = await startBalanced(t, balancer)
    const server = { url: `http://127.0.0.1:${port}` }

    await t.test('each token passes as it comes', async t => {
      const counts: number[] = []
      // A busy machine reads late, and several at once; a balancer that waits gives no more than 20 pieces ever.
      while (counts.length < 10 && Math.max(0, ...counts) <= 25) counts.push(await countPieces(await ask(server, saying('say 40 words', { stream: true }))))
      t.ok(Math.max(...counts) > 25, `${counts.join(', ')} pieces of 40 words came apart from each other`)
    })

    await t.test('both replicas are used', async () => {
      await Promise.all(Array.from({ length: 8 }, async () => await (await ask(server, saying('say ten words', { stream: true }))).text()))
      for (const { lines } of replicas) await waited(() => lines().some(({ msg, served }) => msg === 'request' && served === LLAMA), 30_000)
    })

    await t.test('a rolling restart under load loses nothing', async t => {
      const over = new AbortController()
      const failures: string[] = []
      let answers = 0
      const asking = Array.from({ length: 12 }, async (_, index) => {
        while (!over.signal.aborted) {
          const stream = index % 3 !== 0
          try {
            const { status, answer } = await askAnew(port, saying(stream ? 'say 60 words' : 'say 5 words', { stream }))
            answers++
            if (status !== 200 || !(stream ? answer.endsWith('data: [DONE]\n\n') : answer.includes('"finish_reason":"stop"'))) failures.push(`${status} ${answer.slice(-300)}`)
          } catch (error) {
            failures.push(String(error))
          }
        }
      })
      await restart(0)
      await restart(1)
      over.abort()
      await Promise.all(asking)
      t.strictSame(failures, [])
      t.ok(answers > 50, `${answers} answers`)
    })

    await t.test('a request that a replica has seen goes to no other one', async t => {
      const [dying, living] = replicas as [BuiltServer, BuiltServer]
      const left = new AbortController()
      const asked = Array.from({ length: 6 }, () => ask(server, saying('stall'), { signal: left.signal }).then(({ status }) => status, () => 0))
      while (await openAnswersOf(dying) + await openAnswersOf(living) < asked.length) await sleep(20)
      const before = await openAnswersOf(living)
      let failed = 0
      const counted = asked.map(async answer => { await answer; failed++ })
      dying.child.kill('SIGKILL')
      await waited(() => failed === asked.length - before, 30_000)
      await sleep(500)
      t.equal(await openAnswersOf(living), before)
      left.abort()
      await Promise.all(counted)
    })
  })
}
