// Beside a program: the built one, as several processes.
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { ask, chat, PATIENCE_MS, pidOf, pidsOf, serve } from '../servers/cluster-server.ts'
import { waited } from '../servers/http-client.ts'

/** The sum of all lines of a family. */
function sumOf (text: string, name: string): number {
  return [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))].reduce((sum, [, value]) => sum + Number(value), 0)
}

t.test('figures are those of all workers, also of those that were killed', async t => {
  const server = await serve(t)
  const read = async () => {
    const { status, headers, body } = await ask(server, '/metrics')
    t.equal(status, 200)
    t.equal(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
    return body
  }
  const askFor = async (count: number) => {
    for (let index = 0; index < count; index++) t.equal((await ask(server, '/v1/chat/completions', chat('say hi'))).status, 200)
  }
  /** The figures once they tell of so many requests: workers send theirs in batches, and one that is killed takes its last batch with it. */
  const counted = async (requests: number) => {
    let text = await read()
    for (const end = Date.now() + PATIENCE_MS; sumOf(text, 'workers_ai_proxy_requests_total') < requests && Date.now() < end; text = await read()) await sleep(20)
    t.equal(sumOf(text, 'workers_ai_proxy_requests_total'), requests)
    t.equal(sumOf(text, 'gen_ai_server_request_duration_seconds_count'), requests)
    return text
  }
  await askFor(10)
  const before = await counted(10)
  await askFor(4)
  await counted(14)
  process.kill(pidOf(server, 1), 'SIGKILL')
  await waited(() => pidsOf(server, 1).length === 2, PATIENCE_MS)
  const after = await counted(14)
  t.ok(sumOf(after, 'process_cpu_seconds_total') >= sumOf(before, 'process_cpu_seconds_total'), 'and no counter falls')
  await askFor(4)
  const last = await counted(18)
  t.ok(Math.abs(sumOf(last, 'workers_ai_proxy_neurons_total') - 1.8 * sumOf(before, 'workers_ai_proxy_neurons_total')) < 1e-9)
  t.equal(sumOf(last, 'workers_ai_proxy_build_info'), 1)
})
