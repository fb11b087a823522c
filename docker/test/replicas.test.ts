import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { ask, LLAMA, post, saying } from '../../test/servers/start-proxy.ts'
import { findCompose, toComposing } from './compose.ts'
import { docker, getStatus, until } from './docker.ts'

const PORT = '18080'
const compose = toComposing(await findCompose(), 'workers-ai-proxy-replicas', { PORT, API_KEYS: '', ADMIN_KEYS: 'ops:key-of-ops' })
const FILES = ['compose.replicas.yaml']
const server = { url: `http://127.0.0.1:${PORT}` }

t.setTimeout(280_000)

t.test('three replicas behind HAProxy act as one, and serve without Valkey', { skip: compose ? false : 'there is no compose here' }, async t => {
  if (compose === undefined) return
  t.teardown(() => compose(FILES, 'down', '--volumes', '--timeout', '40'))
  const { code, stderr } = await compose(FILES, 'up', '--no-build', '--detach')
  t.equal(code, 0, stderr)
  await until(async () => await getStatus(`${server.url}/readyz`) === 200)
  const idsOf = async (service: string) => (await compose(FILES, 'ps', '--quiet', service)).stdout.trim().split('\n')
  const replicas = await idsOf('proxy')
  t.equal(replicas.length, 3)
  const [valkey = '', balancer = ''] = [...await idsOf('valkey'), ...await idsOf('balancer')]
  const imagesOf = async (id: string) => await docker('inspect', '--format', '{{.Config.Image}}', id)
  t.comment(`${await imagesOf(balancer)}: ${(await docker('exec', balancer, 'haproxy', '-v')).split('\n')[0]}; ${await imagesOf(valkey)}: ${await docker('exec', valkey, 'valkey-server', '--version')}`)
  for (const id of [...replicas, valkey, balancer]) await until(async () => await docker('inspect', '--format', '{{.State.Health.Status}}', id) === 'healthy')

  let previous: string | undefined
  for (let turn = 0; turn < 9; turn++) {
    const response = await post(server, '/v1/responses', { model: LLAMA, input: `say turn ${turn}`, ...(previous && { previous_response_id: previous }) }, { headers: { connection: 'close' } })
    t.equal(response.status, 200, `turn ${turn}`)
    previous = (await response.json() as { id: string }).id
  }
  await Promise.all(Array.from({ length: 12 }, async () => await (await ask(server, saying('say ten words', { stream: true }))).text()))
  const served = await Promise.all(replicas.map(async id => (await docker('logs', id)).split('\n').filter(line => line.includes('"msg":"request"')).length))
  t.ok(served.every(count => count > 0), `each serves some: ${served.join(', ')}`)
  await until(async () => (await usage()).totals.requests === 21)

  t.test('Valkey is reached by nobody else', async t => {
    const argv = ['exec', balancer, 'bash', '-c', 'exec 3<>/dev/tcp/valkey/6379']
    await t.rejects(docker(...argv))
  })

  await docker('kill', valkey)
  const answer = await ask(server, saying('say still here'))
  t.equal(answer.status, 200)
  t.match(await answer.text(), 'still here')
  t.equal(await getStatus(`${server.url}/v1/responses/${previous ?? ''}`), 503, 'what is stored may be there')
  t.equal(await getStatus(`${server.url}/readyz`), 200)
  await docker('start', valkey)
  await until(async () => await getStatus(`${server.url}/v1/responses/${previous ?? ''}`) === 200)
  await until(async () => (await usage()).totals.requests >= 22)

  const asking = Array.from({ length: 6 }, () => ask(server, saying('say 60 words', { stream: true })).then(response => response.text()))
  await sleep(300)
  await docker('stop', '--time', '40', replicas[0] ?? '')
  for (const text of await Promise.all(asking)) t.match(text, /data: \[DONE\]\s*$/, 'a replica that stops loses no stream')
})

async function usage (): Promise<{ totals: { requests: number }, partial?: boolean }> {
  return await (await fetch(`${server.url}/usage`, { headers: { authorization: 'Bearer key-of-ops' } })).json() as { totals: { requests: number } }
}
