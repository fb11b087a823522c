import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import t from 'tap'
import { afterPoll } from '../../../src/workers-ai/transport/after-poll.ts'

t.test('all who wait in one turn go on together, in their order', async t => {
  const log: string[] = []
  const wait = async (name: string) => {
    await afterPoll()
    log.push(name)
  }
  const both = Promise.all([wait('first'), wait('second')])
  setImmediate(() => log.push('what was scheduled later'))
  await both
  t.strictSame(log, ['first', 'second'])
})

t.test('who waits in the next turn waits for its end', async t => {
  const end = afterPoll()
  t.equal(afterPoll(), end)
  await end
  t.not(afterPoll(), end)
  await afterPoll()
})

t.test('what other connections brought in the same turn is read before', async t => {
  const server = createServer().listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const accepted: Socket[] = []
  server.on('connection', socket => accepted.push(socket))
  const { port } = server.address() as AddressInfo
  const clients = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')]
  t.teardown(() => { for (const client of clients) client.destroy() })
  await Promise.all(clients.map(client => once(client, 'connect')))
  while (accepted.length < clients.length) await once(server, 'connection')

  const log: string[] = []
  const told = accepted.map(socket => new Promise<void>(resolve => {
    socket.once('data', () => {
      log.push('read')
      afterPoll().then(() => {
        log.push('told')
        resolve()
      })
    })
  }))
  for (const client of clients) client.write('x')
  // Both are there when the loop looks next.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)
  await Promise.all(told)
  t.strictSame(log, ['read', 'read', 'told', 'told'])
})
