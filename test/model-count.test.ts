import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { countModels } from '../src/model-count.ts'

async function listen (t: Test, answer: RequestListener): Promise<string> {
  const server = createServer(answer)
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
}

t.test('models are counted, with a key where there is one', async t => {
  const asked: Array<[string | undefined, string | undefined]> = []
  const baseUrl = await listen(t, ({ url, headers }, response) => {
    asked.push([url, headers.authorization])
    response.end(JSON.stringify({ object: 'list', data: [{ id: 'a', task: 'text-generation' }, { id: 'b', task: 'text-embeddings' }, { id: 'alias' }] }))
  })
  t.same(await countModels({ baseUrl }), { all: 3, chat: 1 })
  t.same(await countModels({ baseUrl, apiKey: 'k' }), { all: 3, chat: 1 })
  t.same(asked, [['/v1/models', undefined], ['/v1/models', 'Bearer k']])
})

t.test('whatever keeps it from counting, nobody waits for it', async t => {
  const cases: Array<{ name: string, given: RequestListener }> = [
    { name: 'a refusal', given: (_request, response) => response.writeHead(401).end('{}') },
    { name: 'no JSON', given: (_request, response) => response.end('<html>') },
    { name: 'silence', given: () => {} },
    { name: 'silence in the middle', given: (_request, response) => { response.write('{"data":') } }
  ]
  for (const { name, given } of cases) t.equal(await countModels({ baseUrl: await listen(t, given), timeoutMs: 200 }), undefined, name)
  t.equal(await countModels({ baseUrl: 'http://127.0.0.1:1/v1' }), undefined, 'nobody there')
})
