import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { startBuiltServer, type BuiltServer } from '../servers/built-server.ts'
import { freePort } from '../servers/http-client.ts'
import { ask, GLM, LLAMA, MISTRAL, post, saying } from '../servers/start-proxy.ts'

// Beside a program: Prometheus.

// A busy machine takes a while to start two servers.
t.setTimeout(180_000)

const RULES = fileURLToPath(new URL('../../docker/grafana/alerts.yaml', import.meta.url))

interface Panel {
  type: string
  title: string
  datasource?: object
  targets?: Array<{ expr: string, datasource: object }>
}

const dashboard = JSON.parse(readFileSync(new URL('../../docker/grafana/workers-ai-proxy.json', import.meta.url), 'utf8')) as Record<string, unknown> & { panels: Panel[] }

/** What Debian's package `prometheus` has; `.ci/run` installs it. */
const isInstalled = ['prometheus', 'promtool'].every(program => spawnSync(program, ['--version']).status === 0)
const skip = isInstalled ? false : 'prometheus and promtool are not installed'

const ADMIN = { authorization: 'Bearer admin-key' }
const KEY = { authorization: 'Bearer team-key' }

function start (t: Test): Promise<BuiltServer> {
  return startBuiltServer(t, {
    API_KEYS: 'team:team-key',
    ADMIN_KEYS: 'ops:admin-key',
    MAX_STREAMS: '2',
    MODEL_FALLBACKS: JSON.stringify({ [MISTRAL]: [LLAMA] })
  })
}

/** Requests of every kind there is a panel for. @returns how many */
async function run (server: BuiltServer): Promise<number> {
  const look = { type: 'function', function: { name: 'look' } }
  const bodies: Array<[path: string, body: object]> = [
    ['/v1/chat/completions', saying('say one two three')],
    ['/v1/chat/completions', saying('say one two three', { stream: true })],
    ['/v1/chat/completions', saying('think a lot then say one two', { model: GLM, stream: true })],
    ['/v1/chat/completions', saying(`fail 1 times with 502 then say ${Math.random()}`)],
    ['/v1/chat/completions', saying('fail with 524', { model: MISTRAL })],
    ['/v1/chat/completions', saying('fail with code 4006')],
    ['/v1/chat/completions', saying('leak tool look with {"a":1}', { tools: [look] })],
    ['/v1/embeddings', { model: '@cf/baai/bge-m3', input: 'a text' }]
  ]
  for (const [path, body] of bodies) await (await post(server, path, body, { headers: KEY })).text()
  const left = new AbortController()
  const stalled = saying('stall after 3 frames, say 10 words', { stream: true })
  const streams = await Promise.all([1, 2].map(() => ask(server, stalled, { headers: KEY, signal: left.signal })))
  await (await ask(server, saying('say hi'), { headers: KEY })).text()
  left.abort()
  await Promise.all(streams.map(stream => stream.text().catch(() => {})))
  await sleep(100)
  return bodies.length + 3
}

/** A real Prometheus that scrapes the server every second. @returns what answers a query by values of series */
async function startPrometheus (t: Test, { port }: BuiltServer): Promise<{ url: string, query: (expression: string) => Promise<number[]> }> {
  const folder = t.testdir({
    'prometheus.yml': `
global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }
rule_files: ['${RULES}']
scrape_configs:
  - job_name: workers-ai-proxy
    authorization: { credentials: admin-key }
    static_configs: [{ targets: ['127.0.0.1:${port}'] }]
`
  })
  const ownPort = await freePort()
  const child = spawn('prometheus', [
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${ownPort}`,
    '--log.level=error'
  ], { stdio: 'ignore' })
  const ended = once(child, 'close')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const url = `http://127.0.0.1:${ownPort}`
  const query = async (expression: string) => {
    const response = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(expression)}`)
    const { status, error, data } = await response.json() as { status: string, error?: string, data: { result: Array<{ value: [number, string] }> } }
    if (status !== 'success') throw new Error(`${expression}: ${error}`)
    return data.result.map(({ value: [, value] }) => Number(value))
  }
  for (let count = 0; count < 150; count++) {
    if (await fetch(`${url}/-/ready`).then(({ ok }) => ok, () => false)) return { url, query }
    await sleep(100)
  }
  throw new Error('Prometheus did not start')
}

t.test('the dashboard has the form that Grafana imports and provisions', t => {
  const source = { type: 'prometheus', uid: ['$', '{DS_PROMETHEUS}'].join('') }
  t.match(dashboard, { id: null, uid: 'workers-ai-proxy', schemaVersion: 39, __inputs: [{ name: 'DS_PROMETHEUS', type: 'datasource', pluginId: 'prometheus' }], templating: { list: [{ name: 'DS_PROMETHEUS', type: 'datasource' }] } })
  for (const { title, type, datasource, targets = [] } of dashboard.panels) {
    if (type === 'row') continue
    t.strictSame(datasource, source, title)
    t.ok(targets.length > 0 && targets.every(target => target.datasource !== undefined), `${title} has queries`)
  }
  t.end()
})

t.test('promtool has nothing to say', { skip }, async t => {
  const server = await start(t)
  await run(server)
  const response = await fetch(`${server.url}/metrics`, { headers: ADMIN })
  const { stdout, stderr, status } = spawnSync('promtool', ['check', 'metrics'], { input: await response.text(), encoding: 'utf8' })
  t.same({ stdout, stderr, status }, { stdout: '', stderr: '', status: 0 }, 'of the whole answer')
  t.equal(spawnSync('promtool', ['check', 'rules', RULES]).status, 0, 'nor of the alert rules')
})

t.test('a real Prometheus has data for each panel', { skip }, async t => {
  const server = await start(t)
  const { url, query } = await startPrometheus(t, server)
  const missing = new Set(dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr.replaceAll('$__rate_interval', '15s').replaceAll('$__range', '1m'))))
  t.ok(missing.size > 30, `${missing.size} queries`)
  let count = 0
  const end = Date.now() + 60_000
  while (missing.size > 0 && Date.now() < end) {
    count += await run(server)
    for (const expression of missing) if ((await query(expression)).some(Number.isFinite)) missing.delete(expression)
  }
  t.strictSame([...missing], [], 'no query is without data')
  let counted: number[] = []
  for (const end = Date.now() + 60_000; (counted[0] ?? 0) < count && Date.now() < end; counted = await query('sum(workers_ai_proxy_requests_total)')) await sleep(100)
  // Were its own scrapes counted, the next one would tell.
  await sleep(2_100)
  t.strictSame(await query('sum(workers_ai_proxy_requests_total)'), [count], 'every request is counted once, and no scrape')
  const { data } = await (await fetch(`${url}/api/v1/rules`)).json() as { data: { groups: Array<{ rules: Array<{ name: string, health: string }> }> } }
  const rules = data.groups.flatMap(({ rules }) => rules)
  t.ok(rules.length > 0)
  for (const { name, health } of rules) t.equal(health, 'ok', `${name} can be evaluated`)
})
