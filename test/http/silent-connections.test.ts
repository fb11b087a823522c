import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import fastify from 'fastify'
import t from 'tap'
import { closeSilentConnections } from '../../src/http/silent-connections.ts'

const cases = [
  { name: 'a connection that never said anything', said: '' },
  { name: 'half a request', said: 'GET / HTTP/1.1\r\nhost: loc' }
]
for (const { name, said } of cases) {
  t.test(`${name} does not hold up the end`, async t => {
    const app = fastify({ forceCloseConnections: 'idle' })
    closeSilentConnections(app)
    await app.listen({ host: '127.0.0.1', port: 0 })
    const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
    t.teardown(() => socket.destroy())
    const [accepted] = await Promise.all([once(app.server, 'connection'), once(socket, 'connect')])
    if (said !== '') {
      socket.write(said)
      await once(accepted[0], 'data').catch(() => {})
    }
    const closed = once(socket, 'close')
    socket.resume()
    await app.close()
    await closed
    t.pass('it was hung up on')
  })
}

t.test('an answer that is being made is waited for', async t => {
  const app = fastify({ forceCloseConnections: 'idle' })
  closeSilentConnections(app)
  let finish = () => {}
  app.get('/', () => new Promise(resolve => { finish = () => resolve({ done: true }) }))
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const answer = fetch(url)
  await once(app.server, 'request')
  const closing = app.close()
  setTimeout(() => finish(), 50)
  t.strictSame(await (await answer).json(), { done: true })
  await closing
})
