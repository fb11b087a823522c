import { EventEmitter } from 'node:events'
import type { FastifyReply } from 'fastify'
import t from 'tap'
import { ClientGoneError } from '../../src/http/client-gone.ts'
import { OpenAnswers, overloaded } from '../../src/http/open-answers.ts'

/** The part of a reply that is listened to. */
function newReply () {
  const raw = Object.assign(new EventEmitter(), { writableFinished: false })
  return { raw, reply: { raw } as unknown as Pick<FastifyReply, 'raw'> }
}

t.test('counts answers until their connections are done with them', async t => {
  const answers = new OpenAnswers(2)
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
  const answers = new OpenAnswers(2)
  const early = newReply()
  const signal = answers.open(early.reply)
  early.raw.emit('close')
  t.ok(signal.reason instanceof ClientGoneError)
  const served = newReply()
  const other = answers.open(served.reply)
  served.raw.writableFinished = true
  served.raw.emit('close')
  t.equal(other.aborted, false)
})

t.test('cutting tells every answer under way why', async t => {
  const answers = new OpenAnswers(2)
  const signals = [answers.open(newReply().reply), answers.open(newReply().reply)]
  answers.cut()
  for (const { reason } of signals) t.match(reason, { status: 503, code: 'server_stopping' })
})

t.match(overloaded().message, /overloaded/)
