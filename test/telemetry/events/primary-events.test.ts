import t from 'tap'
import { RequestRecord } from '../../../src/inference/request-record.ts'
import { PrimaryEnd, WorkerEnd, type LinkMessage } from '../../../src/serve/links.ts'
import type { EndedRequest } from '../../../src/telemetry/ended-requests.ts'
import { EventFeed } from '../../../src/telemetry/events/event-feed.ts'
import type { EventListener } from '../../../src/telemetry/events/event-listener.ts'
import { PrimaryEvents } from '../../../src/telemetry/events/primary-events.ts'
import { waited } from '../../servers/http-client.ts'

/** For what takes a moment on an idle machine. */
const PATIENCE_MS = 30_000

function ended (id: string): EndedRequest {
  const request = { id, routeConfig: {} } as unknown as EndedRequest['request']
  return { record: new RequestRecord([]), request, route: '/v1/models', method: 'GET', status: 200, elapsedMs: 1, isAborted: false, isCounted: true }
}

/** A primary and workers, whose messages travel as JSON, later. */
function start () {
  const primary = new PrimaryEnd()
  const events = new PrimaryEvents(primary)
  const told: string[] = []
  const travel = (message: LinkMessage, arrive: (message: LinkMessage) => void) => { setImmediate(() => arrive(JSON.parse(JSON.stringify(message)))) }
  const add = (id: number, keep = 10) => {
    const worker: WorkerEnd = new WorkerEnd(message => {
      if ('topic' in message) told.push(`${id} ${message.topic}`)
      travel(message, arrived => primary.receive(arrived, id))
    })
    primary.add(id, message => travel(message, arrived => worker.receive(arrived)))
    return new EventFeed({ toBill: () => ({ microNeurons: 0, source: 'billed' }), now: Date.now, keep, link: worker })
  }
  const remove = (id: number) => {
    primary.remove(id)
    events.forget(id)
  }
  return { add, remove, told }
}

function idsOf (listener: EventListener | undefined): string[] {
  const ids: string[] = []
  const over = (listener as EventListener).queue.source(piece => {
    ids.push(...[...piece.matchAll(/"id":"(\w+)"/g)].map(([, id]) => id ?? ''))
    return undefined
  })
  over.catch(() => {})
  return ids
}

/** Longer than events wait to be sent together, and than messages travel. */
async function settled (): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, 120))
  for (let turn = 0; turn < 10; turn++) await new Promise(resolve => setImmediate(resolve))
}

t.test('who listens to one process hears of all, the latest of all first', async t => {
  const { add } = start()
  const [one, two] = [add(1), add(2)]
  one.reader.read(ended('a'))
  await settled()
  two.reader.read(ended('b'))
  const ids = idsOf(one.listen({ onlyKey: undefined }))
  await waited(() => ids.length === 2, PATIENCE_MS)
  one.reader.read(ended('c'))
  await waited(() => ids.length === 3, PATIENCE_MS)
  two.reader.read(ended('d'))
  await waited(() => ids.length === 4, PATIENCE_MS)
  t.strictSame(ids, ['a', 'b', 'c', 'd'])
  const others = idsOf(two.listen({ onlyKey: undefined }))
  await waited(() => others.length === 4, PATIENCE_MS)
  one.reader.read(ended('e'))
  await waited(() => ids.length === 5 && others.length === 5, PATIENCE_MS)
  await settled()
  t.strictSame([ids.length, others.length], [5, 5], 'each once')
})

t.test('nothing is told while nobody listens', async t => {
  const { add, told } = start()
  const [one, two] = [add(1), add(2)]
  const isTold = () => told.splice(0).includes('2 events.ended')
  two.reader.read(ended('a'))
  await settled()
  t.equal(isTold(), false)
  const listener = one.listen({ onlyKey: undefined }) as EventListener
  const ids = idsOf(listener)
  await waited(() => ids.length === 1, PATIENCE_MS)
  two.reader.read(ended('b'))
  await waited(() => ids.length === 2, PATIENCE_MS)
  t.equal(isTold(), true)
  one.leave(listener)
  await settled()
  two.reader.read(ended('c'))
  await settled()
  t.equal(isTold(), false)
})

t.test('a process that starts later tells as well, and one that has ended listens no more', async t => {
  const { add, remove, told } = start()
  const [one, two] = [add(1), add(2)]
  const ids = idsOf(one.listen({ onlyKey: undefined }))
  await settled()
  const three = add(3)
  await settled()
  three.reader.read(ended('a'))
  await waited(() => ids.length === 1, PATIENCE_MS)
  remove(1)
  await settled()
  told.splice(0)
  for (const feed of [two, three]) feed.reader.read(ended('b'))
  await settled()
  t.strictSame(told, [])
})

t.test('a process that does not answer keeps nobody waiting for long', async t => {
  const { add } = start()
  const one = add(1)
  const mute = new EventFeed({ toBill: () => ({ microNeurons: 0, source: 'billed' }), now: Date.now, keep: 1, link: { tell: () => {}, hear: () => {}, answer: () => {}, ask: async () => { throw new Error('no answer') } } })
  const nothing = idsOf(mute.listen({ onlyKey: undefined }))
  await settled()
  t.strictSame(nothing, [])
  one.reader.read(ended('a'))
  const ids = idsOf(one.listen({ onlyKey: undefined }))
  await waited(() => ids.length === 1, PATIENCE_MS)
})
