import t from 'tap'
import { Cancellation, follow, toAbortSignal } from '../../src/generation/cancellation.ts'

t.test('calls who listens once, in their order, and keeps the first reason', async t => {
  const cancellation = new Cancellation()
  const calls: string[] = []
  const never = () => calls.push('never')
  cancellation.addEventListener('abort', () => calls.push('first'))
  cancellation.addEventListener('abort', never)
  cancellation.addEventListener('abort', () => calls.push('second'))
  cancellation.removeEventListener('abort', never)
  cancellation.removeEventListener('abort', never)
  cancellation.throwIfAborted()
  t.equal(cancellation.aborted, false)

  const reason = new Error('left')
  cancellation.abort(reason)
  cancellation.abort(new Error('left again'))
  t.strictSame(calls, ['first', 'second'])
  t.equal(cancellation.aborted, true)
  t.equal(cancellation.reason, reason)
  t.throws(() => cancellation.throwIfAborted(), reason)
})

t.test('a listener may take itself or another away while it is called', async t => {
  const cancellation = new Cancellation()
  const calls: string[] = []
  const first = () => {
    calls.push('first')
    cancellation.removeEventListener('abort', first)
  }
  cancellation.addEventListener('abort', first)
  cancellation.addEventListener('abort', () => calls.push('second'))
  cancellation.abort(new Error('left'))
  t.strictSame(calls, ['first', 'second'])
})

for (const [kind, newParent] of [['a cancellation', () => new Cancellation()], ['an abort signal', () => Object.assign(new AbortController())]] as const) {
  t.test(`one that follows ${kind} aborts with it, or before it, or not at all once it has left`, async t => {
    const reason = new Error('left')
    const start = () => {
      const parent = newParent()
      const signal = 'signal' in parent ? (parent as AbortController).signal : parent as Cancellation
      return { parent, signal }
    }
    const { parent, signal } = start()
    const { cancellation: together } = follow(signal)
    const { cancellation: before } = follow(signal)
    const { cancellation: apart, leave } = follow(signal)
    before.abort(new Error('by itself'))
    leave()
    parent.abort(reason)
    t.equal(together.reason, reason)
    t.match(before.reason, { message: 'by itself' })
    t.equal(apart.aborted, false)
    t.equal(follow(signal).cancellation.reason, reason)
  })
}

t.test('those who take nothing but an AbortSignal get one that aborts with it', async t => {
  const cancellation = new Cancellation()
  const signal = toAbortSignal(cancellation)
  t.ok(signal instanceof AbortSignal)
  t.equal(signal.aborted, false)
  const reason = new Error('left')
  cancellation.abort(reason)
  t.equal(signal.reason, reason)
  t.equal(toAbortSignal(cancellation).reason, reason)
  t.equal(toAbortSignal(signal), signal)
})
