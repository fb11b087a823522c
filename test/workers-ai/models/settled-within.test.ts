import t from 'tap'
import { settledWithin } from '../../../src/workers-ai/models/settled-within.ts'

t.test('waits for what comes in time, and not for what does not', async t => {
  const never = new Promise(() => {})
  const cases = [
    { name: 'a promise that is kept', given: Promise.resolve('kept'), ms: 60_000 },
    { name: 'a promise that is broken', given: Promise.reject(new Error('broken')), ms: 60_000 },
    { name: 'a promise that takes too long', given: never, ms: 5 }
  ]
  for (const { name, given, ms } of cases) t.equal(await settledWithin(given, ms), undefined, name)
})
