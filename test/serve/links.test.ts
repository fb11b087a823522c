import t from 'tap'
import { PrimaryEnd, WorkerEnd, type LinkMessage } from '../../src/serve/links.ts'

/** A primary and so many workers, whose messages travel as JSON. */
function connected (count: number): { primary: PrimaryEnd, workers: WorkerEnd[] } {
  const primary = new PrimaryEnd()
  const travel = (message: LinkMessage, arrive: (message: LinkMessage) => void) => { setImmediate(() => arrive(JSON.parse(JSON.stringify(message)))) }
  const workers = Array.from({ length: count }, (_, index) => {
    const send = (message: LinkMessage) => travel(message, arrived => worker.receive(arrived))
    const worker: WorkerEnd = new WorkerEnd(message => travel(message, arrived => primary.receive(arrived, index + 1)))
    primary.add(index + 1, send)
    return worker
  })
  return { primary, workers }
}

t.test('a worker tells and asks the primary', async t => {
  const { primary, workers } = connected(1)
  const worker = workers[0] as WorkerEnd
  const heard: unknown[] = []
  primary.hear('news', message => { heard.push(message) })
  primary.answer('double', async question => 2 * Number(question))
  primary.answer('broken', async () => { throw new Error('sesame') })
  worker.tell('news', { a: 1 })
  worker.tell('unheard', {})
  t.equal(await worker.ask('double', 21), 42)
  t.strictSame(heard, [{ a: 1 }])
  await t.rejects(worker.ask('broken'), { message: 'the other process failed to answer about broken' })
  await t.rejects(worker.ask('unknown'), { message: 'the other process failed to answer about unknown' })
  t.strictSame(await Promise.all([1, 2, 3].map(number => worker.ask('double', number))), [2, 4, 6], 'answers find their questions')
})

t.test('the primary asks all, and is content with those that answer', async t => {
  const { primary, workers } = connected(4)
  workers[0]?.answer('name', async () => 'one')
  workers[1]?.answer('name', async () => { throw new Error('busy') })
  workers[2]?.answer('name', () => new Promise(() => {}))
  workers[3]?.answer('name', async () => 'four')
  t.strictSame(await primary.askAll('name'), new Map([[1, 'one'], [4, 'four']]), 'one that fails or says nothing for a second is left out')
  primary.remove(4)
  primary.remove(3)
  t.strictSame(await primary.askAll('name'), new Map([[1, 'one']]))
})

t.test('the primary tells all workers, or some, and hears who speaks', async t => {
  const { primary, workers } = connected(3)
  const heard: unknown[] = []
  workers.forEach((worker, index) => worker.hear('news', message => heard.push([index + 1, message])))
  primary.hear('hello', (message, from) => { heard.push([message, from]) })
  workers[1]?.tell('hello', 'here I am')
  primary.tell('news', { a: 1 })
  primary.tell('news', { b: 2 }, [3, 4])
  primary.tell('unheard', {})
  await new Promise(resolve => setTimeout(resolve, 20))
  t.strictSame(heard, [['here I am', 2], [1, { a: 1 }], [2, { a: 1 }], [3, { a: 1 }], [3, { b: 2 }]])
})
