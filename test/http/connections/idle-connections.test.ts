import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import fastify from 'fastify'
import t, { type Test } from 'tap'
import { closeIdleConnections } from '../../../src/http/connections/idle-connections.ts'

async function listen (t: Test) {
  const app = fastify({ forceCloseConnections: 'idle' })
  t.teardown(() => app.close())
  closeIdleConnections(app)
  let answer = () => {}
  app.get('/', () => new Promise(resolve => { answer = () => resolve({ done: true }) }))
  await app.listen({ host: '127.0.0.1', port: 0 })
  return { app, port: (app.server.address() as AddressInfo).port, answer: () => answer() }
}

const cases = [
  { name: 'a connection that never said anything', said: '' },
  { name: 'half a request', said: 'GET / HTTP/1.1\r\nhost: loc' }
]
for (const { name, said } of cases) {
  t.test(`${name} does not hold up the end`, async t => {
    const { app, port } = await listen(t)
    const socket = connect(port, '127.0.0.1').resume()
    await Promise.all([once(app.server, 'connection'), once(socket, 'connect')])
    socket.write(said)
    await sleep(20)
    const hungUp = once(socket, 'close')
    await app.close()
    await hungUp
    t.equal(socket.bytesRead, 0)
  })
}

t.test('an answer that is being made is waited for', async t => {
  const { app, port, answer } = await listen(t)
  const asking = get({ host: '127.0.0.1', port, agent: false })
  await once(app.server, 'request')
  const closing = app.close()
  setTimeout(answer, 20)
  const [response] = await once(asking, 'response') as [IncomingMessage]
  t.strictSame(await json(response), { done: true })
  await closing
})
