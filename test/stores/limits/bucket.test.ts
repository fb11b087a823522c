import t from 'tap'
import { Bucket } from '../../../src/stores/limits/bucket.ts'

t.test('a full bucket gives its limit at once, and then as it is refilled', t => {
  const bucket = new Bucket(60, 0)
  t.equal(bucket.remaining(0), 60)
  bucket.take(60, 0)
  t.equal(bucket.remaining(0), 0)
  t.equal(bucket.remaining(999), 0, 'not a millisecond early')
  t.equal(bucket.remaining(1_000), 1)
  t.equal(bucket.remaining(30_000), 30)
  t.equal(bucket.remaining(600_000), 60, 'no more than the limit')
  t.end()
})

t.test('it says when so much can be taken, to the millisecond', t => {
  for (const limit of [1, 7, 60, 1_000, 999_983, 1_000_000_000]) {
    const bucket = new Bucket(limit, 0)
    t.equal(bucket.msUntil(limit, 0), 0)
    bucket.take(limit, 0)
    t.equal(bucket.msUntil(limit, 0), 60_000, `${limit} is full again after a minute`)
    const ms = bucket.msUntil(1, 0)
    t.equal(bucket.remaining(ms - 1), 0)
    t.ok(bucket.remaining(ms) >= 1)
  }
  t.end()
})

t.test('more than was left is a debt, which is paid first', t => {
  const bucket = new Bucket(100, 0)
  bucket.take(250, 0)
  t.equal(bucket.remaining(0), 0)
  t.equal(bucket.msUntil(1, 0), 90_600)
  t.equal(bucket.remaining(90_000), 0)
  t.equal(bucket.remaining(96_000), 10)
  t.end()
})

t.test('what is given back fills it to the limit and no further', t => {
  const bucket = new Bucket(100, 0)
  bucket.take(80, 0)
  bucket.take(-30, 0)
  t.equal(bucket.remaining(0), 50)
  bucket.take(-80, 0)
  t.equal(bucket.remaining(0), 100)
  bucket.take(1, 0)
  t.equal(bucket.remaining(0), 99)
  t.end()
})

t.test('a clock that is set back refills nothing, and takes nothing', t => {
  const bucket = new Bucket(60, 100_000)
  bucket.take(60, 100_000)
  t.equal(bucket.remaining(40_000), 0)
  t.equal(bucket.remaining(41_000), 1, 'it goes on from there')
  t.end()
})
