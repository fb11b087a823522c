import fc from 'fast-check'
import t from 'tap'
import { readChatStream } from '../streams/chat-stream.ts'
import { faultsOfMessages, isOfMessages } from '../fuzz/messages-answer.ts'
import { spoiltRequest, VALID } from '../fuzz/spoilt-json.ts'
import { faultsOf } from '../openai-schemas.ts'
import { startProxy, type Proxy } from '../servers/start-proxy.ts'
import { runs } from '../property-runs.ts'

/** How many times as many cases are tried, for those who have the time. */
function post ({ url }: Proxy, path: string, body: unknown): Promise<Response> {
  return fetch(url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
}

function faultsOfAnswer (path: string, response: Response, text: string): string[] {
  if (response.status >= 500 && !text.includes('json_schema_mismatch')) return [`status ${response.status}: ${text}`]
  if (isOfMessages(path)) return faultsOfMessages(response.status, response.headers.get('content-type')?.startsWith('text/event-stream') === true, text)
  if (response.status >= 400) return faultsOf('ErrorResponse', JSON.parse(text))
  if (response.status !== 200) return [`status ${response.status}`]
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true
  if (path !== '/v1/chat/completions') return isStream && !text.endsWith('\n\n') ? ['a stream that is cut'] : []
  if (!isStream) return response.headers.has('x-proxy-model') ? faultsOf('CreateChatCompletionResponse', JSON.parse(text)) : ['no answer']
  const withUsage = /"usage":/.test(text)
  const { chunks, error, isDone, complaints } = readChatStream(text, { withUsage })
  return [...complaints, ...chunks.flatMap(one => faultsOf('CreateChatCompletionStreamResponse', one)), ...(isDone || error?.code === 'json_schema_mismatch' ? [] : [JSON.stringify(error)])]
}

t.test('what is served is served', async t => {
  const proxy = await startProxy(t)
  for (const [path, bodies] of Object.entries(VALID)) {
    for (const body of bodies) {
      const response = await post(proxy, path, body)
      t.equal(response.status, 200, `${path} ${JSON.stringify(body).slice(0, 100)}: ${(await response.text()).slice(0, 200)}`)
    }
  }
})

t.test('no JSON whatever makes the server fail', async t => {
  const proxy = await startProxy(t)
  const statuses: Record<number, number> = {}
  await fc.assert(fc.asyncProperty(spoiltRequest, async ({ path, body }) => {
    const response = await post(proxy, path, body)
    statuses[response.status] = (statuses[response.status] ?? 0) + 1
    const faults = faultsOfAnswer(path, response, await response.text())
    if (faults.length > 0) throw new Error(faults.join('\n'))
  }), { numRuns: runs(1_000), endOnFailure: true })
  t.comment(`answers by status: ${JSON.stringify(statuses)}`)
  t.strictSame(proxy.lines().filter(({ level }) => Number(level) >= 50), [], 'none is taken for a bug of ours')
  t.equal(({} as Record<string, unknown>)['type'], undefined, 'no prototype was touched')
})
