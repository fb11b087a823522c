import t from 'tap'
import { latestOf, RECENT_EVENTS, RecentEvents } from '../../../src/telemetry/events/recent-events.ts'
import type { RequestEvent } from '../../../src/telemetry/events/request-event.ts'

const event = (time: number) => ({ id: `req_${time}`, ended_at: time }) as RequestEvent
const times = (events: readonly RequestEvent[]) => events.map(({ ended_at: endedAt }) => endedAt)

t.test('the latest are kept, and no more than that', t => {
  const recent = new RecentEvents(3)
  t.strictSame(recent.all(), [])
  const kept = [1, 2, 3, 4, 5, 6, 7].map(time => {
    recent.add(event(time))
    return times(recent.all())
  })
  t.strictSame(kept, [[1], [1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5], [4, 5, 6], [5, 6, 7]])
  t.equal(recent.keepsNone, false)
  t.end()
})

t.test('none may be kept', t => {
  const recent = new RecentEvents(0)
  recent.add(event(1))
  t.strictSame([recent.all(), recent.keepsNone], [[], true])
  t.end()
})

t.test('those of several processes are put in order', t => {
  t.strictSame(times(latestOf([[event(1), event(4)], [], [event(2), event(3)]])), [1, 2, 3, 4])
  const many = [0, 1].map(process => Array.from({ length: RECENT_EVENTS }, (_, index) => event(2 * index + process)))
  t.strictSame(times(latestOf(many)), Array.from({ length: RECENT_EVENTS }, (_, index) => RECENT_EVENTS + index))
  t.end()
})
