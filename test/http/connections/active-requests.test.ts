import { EventEmitter } from 'node:events'
import type { FastifyReply } from 'fastify'
import t from 'tap'
import { ClientDisconnectedError } from '../../../src/generation/client-disconnected.ts'
import { ActiveRequests, overloaded } from '../../../src/http/connections/active-requests.ts'

/** The part of a reply that is listened to. */
function newReply (caller?: string) {
  const raw = Object.assign(new EventEmitter(), { writableFinished: false })
  return { raw, reply: { raw, request: { caller } } as unknown as Pick<FastifyReply, 'raw' | 'request'> }
}

t.test('counts answers until their connections are done with them', async t => {
  const answers = new ActiveRequests(2)
  const one = newReply()
  answers.open(one.reply)
  answers.open(newReply().reply)
  t.equal(answers.count, 2)
  t.throws(() => answers.open(newReply().reply), { status: 503, type: 'server_error', code: 'overloaded', headers: { 'retry-after': '1' } })
  one.raw.emit('close')
  t.equal(answers.count, 1)
  t.doesNotThrow(() => answers.open(newReply().reply), 'there is room again')
})

t.test('a client that leaves early aborts, one that has everything does not', async t => {
  const answers = new ActiveRequests(2)
  const early = newReply()
  const signal = answers.open(early.reply)
  early.raw.emit('close')
  t.ok(signal.reason instanceof ClientDisconnectedError)
  const served = newReply()
  const other = answers.open(served.reply)
  served.raw.writableFinished = true
  served.raw.emit('close')
  t.equal(other.aborted, false)
})

t.test('after a bug that nobody caught no answer is begun', async t => {
  const answers = new ActiveRequests(2)
  answers.isBroken = true
  t.throws(() => answers.open(newReply().reply), { status: 503, code: 'server_stopping' })
})

t.test('of two keys the one that holds most is refused first', async t => {
  const answers = new ActiveRequests(10)
  for (let count = 0; count < 10; count++) answers.open(newReply('a').reply)
  t.throws(() => answers.open(newReply('b').reply), { status: 503, code: 'overloaded' })
  const some = new ActiveRequests(10)
  const replies = Array.from({ length: 8 }, () => newReply('a'))
  for (const { reply } of replies) some.open(reply)
  some.open(newReply('b').reply)
  t.throws(() => some.open(newReply('a').reply), { status: 503, code: 'overloaded', headers: { 'retry-after': '1' } })
  some.open(newReply('b').reply)
  for (const { raw } of replies) {
    raw.emit('close')
    raw.emit('close')
  }
  t.equal(some.count, 2)
  for (let count = 0; count < 6; count++) some.open(newReply('a').reply)
  t.equal(some.count, 8, 'each place is given back once')
})

t.test('cutting tells every answer under way why', async t => {
  const answers = new ActiveRequests(2)
  const signals = [answers.open(newReply().reply), answers.open(newReply().reply)]
  answers.abortAll()
  for (const { reason } of signals) t.match(reason, { status: 503, code: 'server_stopping' })
})

t.match(overloaded().message, /overloaded/)
