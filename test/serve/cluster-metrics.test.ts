import t from 'tap'
import { ask, chat, PATIENCE_MS, pidsOf, serve } from '../servers/cluster-server.ts'
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
    // What a worker tells last is a tenth of a second late.
    await new Promise(resolve => setTimeout(resolve, 300))
  }
  await askFor(10)
  const before = await read()
  t.equal(sumOf(before, 'workers_ai_proxy_requests_total'), 10)
  t.equal(sumOf(before, 'gen_ai_server_request_duration_seconds_count'), 10)
  const [pid = 0] = pidsOf(server, 1)
  await askFor(4)
  process.kill(pid, 'SIGKILL')
  await waited(() => pidsOf(server, 1).length === 2, PATIENCE_MS)
  const after = await read()
  t.equal(sumOf(after, 'workers_ai_proxy_requests_total'), 14, 'nothing of the killed one is lost')
  t.ok(sumOf(after, 'process_cpu_seconds_total') >= sumOf(before, 'process_cpu_seconds_total'), 'and no counter falls')
  await askFor(4)
  const last = await read()
  t.equal(sumOf(last, 'workers_ai_proxy_requests_total'), 18)
  t.ok(Math.abs(sumOf(last, 'workers_ai_proxy_neurons_total') - 1.8 * sumOf(before, 'workers_ai_proxy_neurons_total')) < 1e-9)
  t.equal(sumOf(last, 'workers_ai_proxy_build_info'), 1)
})
