import t from 'tap'
import { FairShare } from '../../../src/http/connections/fair-share.ts'

/** Takes as much as is given, one at a time. */
function fill (share: FairShare, key: string): number {
  let count = 0
  for (; share.mayTake(key, 1); count++) share.take(key, 1)
  return count
}

t.test('one key alone may have all of it', async t => {
  const share = new FairShare(100, () => 0)
  t.equal(fill(share, 'a'), 100)
  t.equal(share.used, 100)
  share.give('a', 40)
  t.equal(fill(share, 'a'), 40)
})

t.test('when it is nearly used up, who holds more than a share is refused first', async t => {
  const share = new FairShare(100, () => 0)
  share.take('b', 1)
  t.equal(fill(share, 'a'), 79, 'four fifths are for whoever comes')
  t.equal(fill(share, 'b'), 20, 'the rest is for those with less')
  share.give('a', 79)
  t.equal(fill(share, 'b'), 79, 'alone again')
})

t.test('who was refused counts, until it is served or has given up', async t => {
  let now = 0
  const share = new FairShare(10, () => now)
  t.equal(fill(share, 'a'), 10)
  t.equal(share.mayTake('b', 1), false)
  share.give('a', 1)
  t.equal(share.mayTake('a', 1), false, 'the place is kept for who waits')
  t.equal(share.mayTake('b', 1), true)
  share.take('b', 1)
  share.give('b', 1)
  t.equal(share.mayTake('a', 1), true, 'and is for all when it was served')
  share.take('a', 1)
  t.equal(share.mayTake('c', 1), false)
  share.give('a', 1)
  now = 4_999
  t.equal(share.mayTake('a', 1), false)
  now = 5_001
  t.equal(share.mayTake('a', 1), true, 'and when it has given up')
})

t.test('any number of made-up keys takes nobody\'s share for long', async t => {
  const share = new FairShare(10, () => 0)
  fill(share, 'a')
  for (let index = 0; index < 100_000; index++) share.mayTake(`made up ${index}`, 1)
  share.give('a', 10)
  t.equal(fill(share, 'a'), 8)
  t.equal(share.used, 8)
})
