import t from 'tap'
import { ExpiringMap } from '../../../src/workers-ai/models/expiring-map.ts'

t.test('a value counts for a while after it was set last', t => {
  let now = 0
  const map = new ExpiringMap<string>({ ttlMs: 10, max: 5, now: () => now })
  t.equal(map.get('a'), undefined)
  map.set('a', 'one')
  now = 9
  t.equal(map.get('a'), 'one')
  map.set('a', 'two')
  now = 18
  t.equal(map.get('a'), 'two')
  now = 19
  t.equal(map.get('a'), undefined)
  t.end()
})

t.test('of too many the one that was set longest ago is forgotten', t => {
  const map = new ExpiringMap<number>({ ttlMs: 10, max: 2, now: () => 0 })
  for (const [key, value] of [['a', 1], ['b', 2], ['a', 3], ['c', 4]] as const) map.set(key, value)
  t.strictSame(['a', 'b', 'c'].map(key => map.get(key)), [3, undefined, 4])
  t.end()
})
