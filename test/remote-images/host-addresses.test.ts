import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { toHostAddresses } from '../../src/remote-images/host-addresses.ts'

const IPV4 = 1
const IPV6 = 28

/** A name server on loopback that answers each kind of question with these bytes, or not at all. */
async function startNameServer (t: Test, answers: Partial<Record<number, Buffer>>): Promise<string> {
  const socket = createSocket('udp4')
  t.teardown(() => { socket.close() })
  socket.on('message', (question, { port, address }) => {
    const end = question.indexOf(0, 12) + 5
    const answer = answers[question.readUInt16BE(end - 4)]
    if (answer === undefined) return
    const header = Buffer.from([0x81, 0x80, 0, 1, 0, answer.length > 0 ? 1 : 0, 0, 0, 0, 0])
    const record = Buffer.concat([Buffer.from([0xc0, 12]), question.subarray(end - 4, end), Buffer.from([0, 0, 0, 60, 0, answer.length]), answer])
    socket.send(Buffer.concat([question.subarray(0, 2), header, question.subarray(12, end), ...(answer.length > 0 ? [record] : [])]), port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return `127.0.0.1:${socket.address().port}`
}

const ALWAYS = new AbortController().signal
const ONE = Buffer.from([192, 0, 2, 1])
const TWO = Buffer.from('20010db8000000000000000000000001', 'hex')
const NONE = Buffer.alloc(0)

const cases = [
  { name: 'both kinds of addresses are told, IPv4 first', given: { [IPV4]: ONE, [IPV6]: TWO }, expected: ['192.0.2.1', '2001:db8::1'] },
  { name: 'a host may have IPv4 only', given: { [IPV4]: ONE, [IPV6]: NONE }, expected: ['192.0.2.1'] },
  { name: 'a host may have IPv6 only', given: { [IPV4]: NONE, [IPV6]: TWO }, expected: ['2001:db8::1'] },
  { name: 'a name may have no address', given: { [IPV4]: NONE, [IPV6]: NONE }, expected: [] }
]
for (const { name, given, expected } of cases) {
  t.test(name, async t => {
    const server = await startNameServer(t, given)
    t.strictSame(await toHostAddresses('images.test', ALWAYS, [server]), expected)
  })
}

t.test('a name server that does not answer is given up with the signal', async t => {
  const server = await startNameServer(t, {})
  const controller = new AbortController()
  const start = Date.now()
  const found = toHostAddresses('images.test', controller.signal, [server])
  await sleep(50)
  controller.abort()
  t.strictSame(await found, [])
  t.ok(Date.now() - start < 1_000, 'at once')
})
