import t from 'tap'
import { EventListener, EventText } from '../../../src/telemetry/events/event-listener.ts'
import type { RequestEvent } from '../../../src/telemetry/events/request-event.ts'

const event = (id: string, key = 'ann', time = 1) => ({ id, ended_at: time, key, account: 'second' }) as RequestEvent

function textOf (listener: EventListener): string {
  let text = ''
  const over = listener.queue.source(piece => {
    text += piece
    return undefined
  })
  over.catch(() => {})
  return text
}

t.test('everybody\'s are told with the account, a key\'s own without', t => {
  for (const [onlyKey, expected] of [[undefined, ['a', 'b']], ['ann', ['a']], ['none', []]] as const) {
    const listener = new EventListener({ onlyKey })
    listener.catchUp([])
    for (const one of [event('a'), event('b', 'bob')]) listener.tell(new EventText(one))
    const told = textOf(listener)
    t.strictSame([...told.matchAll(/"id":"(\w)"/g)].map(([, id]) => id), expected)
    t.equal(told.includes('second'), onlyKey === undefined)
    t.equal(told.includes('account'), onlyKey === undefined)
  }
  t.end()
})

t.test('what came while it caught up is told behind it, and nothing twice', t => {
  const listener = new EventListener({ onlyKey: 'ann' })
  for (const one of [event('b'), event('c'), event('a', 'ann', 2), event('x', 'bob')]) listener.tell(new EventText(one))
  listener.catchUp([event('a'), event('b'), event('y', 'bob')])
  listener.tell(new EventText(event('d')))
  t.strictSame([...textOf(listener).matchAll(/"id":"(\w)"/g)].map(([, id]) => id), ['a', 'b', 'c', 'a', 'd'])
  t.end()
})

t.test('its text is one event, whatever is in it', t => {
  const { whole } = new EventText(event('x\n\nevent: request\ndata: {}\u2028'))
  t.match(whole, /^event: request\ndata: [^\n]+\n\n$/)
  t.end()
})
