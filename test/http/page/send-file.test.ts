import fastify from 'fastify'
import t from 'tap'
import type { PageFile } from '../../../src/http/page/page-files.ts'
import { sendFile } from '../../../src/http/page/send-file.ts'

const FILE: PageFile = { type: 'text/css', digest: 'd', isImmutable: false, bodies: { identity: Buffer.from('plain'), gzip: Buffer.from('packed') } }

t.test('a file is sent in the best coding that is taken, and not to who has it', async t => {
  const app = fastify()
  app.get('/', (request, reply) => sendFile(FILE, request, reply))
  app.get('/for-ever', (request, reply) => sendFile({ ...FILE, isImmutable: true }, request, reply))
  const cases: Array<[headers: Record<string, string>, answer: object]> = [
    [{}, { statusCode: 200, body: 'plain', headers: { etag: '"d-identity"', vary: 'accept-encoding', 'cache-control': 'no-cache', 'content-type': 'text/css' } }],
    [{ 'accept-encoding': 'br, gzip' }, { statusCode: 200, body: 'packed', headers: { etag: '"d-gzip"', 'content-encoding': 'gzip' } }],
    [{ 'accept-encoding': 'br' }, { statusCode: 200, body: 'plain' }],
    [{ 'if-none-match': 'W/"d-identity"' }, { statusCode: 304, body: '' }],
    [{ 'if-none-match': '"x", *' }, { statusCode: 304, body: '' }],
    [{ 'if-none-match': '"d-gzip"' }, { statusCode: 200, body: 'plain' }]
  ]
  for (const [headers, answer] of cases) t.match(await app.inject({ url: '/', headers }), answer, JSON.stringify(headers))
  t.match((await app.inject('/for-ever')).headers, { 'cache-control': /immutable/ })
  await app.close()
})
