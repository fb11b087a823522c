import t, { type Test } from 'tap'
import { RequestRecord } from '../../../src/inference/request-record.ts'
import type { EndedRequest } from '../../../src/telemetry/ended-requests.ts'
import { EventFeed } from '../../../src/telemetry/events/event-feed.ts'
import type { EventListener } from '../../../src/telemetry/events/event-listener.ts'
import { waited } from '../../servers/http-client.ts'

/** For what takes a moment on an idle machine. */
const PATIENCE_MS = 30_000

function ended (id: string, keyLabel = 'ann'): EndedRequest {
  const request = { id, routeConfig: {} } as unknown as EndedRequest['request']
  return { record: Object.assign(new RequestRecord([]), { keyLabel }), request, route: '/v1/models', method: 'GET', status: 200, elapsedMs: 1, isAborted: false, isCounted: true }
}

function newFeed (t: Test, keep = 3): { feed: EventFeed, billed: () => number } {
  let billed = 0
  const now = () => {
    billed++
    return Date.now()
  }
  const feed = new EventFeed({ toBill: () => ({ microNeurons: 0, source: 'billed' }), now, keep })
  t.teardown(() => feed.close())
  return { feed, billed: () => billed }
}

function idsOf (listener: EventListener | undefined): { ids: string[], over: Promise<void> } {
  const ids: string[] = []
  const over = (listener as EventListener).queue.source(piece => {
    ids.push(...[...piece.matchAll(/"id":"(\w+)"/g)].map(([, id]) => id ?? ''))
    return undefined
  })
  return { ids, over }
}

t.test('a listener is told the latest, and then what ends', async t => {
  const { feed } = newFeed(t)
  for (const id of ['a', 'b', 'c', 'd']) feed.reader.read(ended(id))
  const { ids } = idsOf(feed.listen({ onlyKey: undefined }))
  t.strictSame(ids, ['b', 'c', 'd'])
  feed.reader.read(ended('e'))
  const late = idsOf(feed.listen({ onlyKey: undefined }))
  t.strictSame(late.ids, ['c', 'd', 'e'], 'who comes in between is told each once')
  await waited(() => ids.length === 4, PATIENCE_MS)
  feed.reader.read(ended('f'))
  await waited(() => ids.length === 5, PATIENCE_MS)
  t.strictSame([ids, late.ids], [['b', 'c', 'd', 'e', 'f'], ['c', 'd', 'e', 'f']])
})

t.test('a burst is told whole', async t => {
  const { feed } = newFeed(t, 0)
  const { ids } = idsOf(feed.listen({ onlyKey: undefined }))
  for (let index = 0; index < 1_200; index++) feed.reader.read(ended(`r${index}`))
  await waited(() => ids.length === 1_200, PATIENCE_MS)
  t.equal(ids.at(-1), 'r1199')
})

t.test('a key is told its own', async t => {
  const { feed } = newFeed(t)
  feed.reader.read(ended('a', 'bob'))
  feed.reader.read(ended('b'))
  const ann = idsOf(feed.listen({ onlyKey: 'ann' }))
  const all = idsOf(feed.listen({ onlyKey: undefined }))
  feed.reader.read(ended('c', 'bob'))
  feed.reader.read(ended('d'))
  await waited(() => all.ids.length === 4, PATIENCE_MS)
  t.strictSame(ann.ids, ['b', 'd'])
})

t.test('where none are kept, nothing is made of a request while nobody listens', async t => {
  const { feed, billed } = newFeed(t, 0)
  feed.reader.read(ended('a'))
  t.equal(billed(), 0)
  const listener = feed.listen({ onlyKey: undefined }) as EventListener
  const { ids, over } = idsOf(listener)
  feed.reader.read(ended('b'))
  await waited(() => ids.length === 1, PATIENCE_MS)
  feed.leave(listener)
  await over
  feed.leave(listener)
  feed.reader.read(ended('c'))
  t.strictSame([billed(), ids], [1, ['b']])
})

t.test('listeners are bounded, by key and together', t => {
  const { feed } = newFeed(t)
  const listen = (onlyKey?: string) => feed.listen({ onlyKey })
  const ofAnn = Array.from({ length: 21 }, () => listen('ann'))
  t.strictSame(ofAnn.map(listener => listener === undefined), [...Array(20).fill(false), true])
  t.not(listen('bob'), undefined, 'another key may')
  feed.leave(ofAnn[3] as EventListener)
  t.not(listen('ann'), undefined, 'who leaves makes room')
  const others = Array.from({ length: 90 }, (_, index) => listen(`key${index}`))
  t.equal(others.filter(Boolean).length, 79)
  t.end()
})

t.test('at the end all are ended, and nobody is let in', async t => {
  const { feed } = newFeed(t)
  const { over } = idsOf(feed.listen({ onlyKey: undefined }))
  feed.reader.read(ended('a'))
  feed.close()
  await over
  t.equal(feed.listen({ onlyKey: undefined }), undefined)
  feed.reader.read(ended('b'))
})
