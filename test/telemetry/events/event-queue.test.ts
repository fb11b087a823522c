import t from 'tap'
import type { Backpressure } from '../../../src/generation/pipeline.ts'
import { EventQueue } from '../../../src/telemetry/events/event-queue.ts'

t.test('what comes is written at once, in its order', async t => {
  const queue = new EventQueue()
  const written: string[] = []
  queue.push('early ')
  const over = queue.source(text => { written.push(text); return undefined })
  queue.push('one ')
  queue.push('two ')
  queue.end()
  queue.push('late')
  await over
  t.strictSame(written, ['early ', 'one ', 'two '])
})

t.test('who reads too slowly misses the oldest, and is told how many', async t => {
  const queue = new EventQueue()
  const written: string[] = []
  let drain: (() => void) | undefined
  const over = queue.source(text => {
    written.push(text)
    return new Promise<Backpressure>(resolve => { drain = () => resolve(undefined) })
  })
  for (let index = 0; index < 1_000; index++) queue.push(`<${index}>`)
  t.strictSame(written, ['<0>'], 'nothing is written to who does not read')
  drain?.()
  await Promise.resolve()
  t.match(written[1], /^event: dropped\ndata: \{"count":499\}\n\n<500><501>/)
  for (let piece = 2; piece < 7; piece++) {
    drain?.()
    await new Promise(resolve => setImmediate(resolve))
  }
  t.equal(written.slice(1).join('').match(/<\d+>/g)?.length, 500)
  t.match(written.at(-1), /<999>$/)
  t.equal(written.join('').match(/dropped/g)?.length, 1)
  queue.end()
  await over
})

t.test('who has gone is told nothing more', async t => {
  for (const gone of [(): 'cancel' => 'cancel', async (): Promise<'cancel'> => 'cancel']) {
    const queue = new EventQueue()
    let count = 0
    const over = queue.source(() => {
      count++
      return gone()
    })
    queue.push('one')
    await over
    queue.push('two')
    t.equal(count, 1)
  }
})

t.test('one that is over before it is read ends at once', async t => {
  const queue = new EventQueue()
  queue.push('one')
  queue.end()
  await queue.source(() => { throw new Error('nothing is left') })
  t.pass()
})
