import { connect, type AddressInfo } from 'node:net'
import fastify from 'fastify'
import t from 'tap'
import { closePipelinedResponses } from '../../../src/http/connections/pipelined-responses.ts'

t.test('a connection that closes also closes the answers that wait behind the first', async t => {
  const app = fastify({ forceCloseConnections: true })
  closePipelinedResponses(app)
  const closed: string[] = []
  let asked = 0
  const allAsked = new Promise<void>(resolve => {
    app.get<{ Params: { name: string } }>('/:name', async (request, reply) => {
      reply.raw.once('close', () => closed.push(request.params.name))
      if (++asked === 3) resolve()
      await new Promise(() => {})
    })
  })
  t.teardown(() => app.close())
  await app.listen({ host: '127.0.0.1', port: 0 })
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  socket.write(['a', 'b', 'c'].map(name => `GET /${name} HTTP/1.1\r\nhost: x\r\n\r\n`).join(''))
  await allAsked
  socket.destroy()
  while (closed.length < 3) await new Promise(resolve => setTimeout(resolve, 5))
  t.strictSame(closed.sort(), ['a', 'b', 'c'])
})
