import t from 'tap'
import { MemoryAnswers } from '../../../src/stores/answers/memory.ts'

t.test('an answer is kept for its time, and no longer', t => {
  let ms = 1_000
  const answers = new MemoryAnswers(1_000_000, () => ms)
  t.equal(answers.get('a'), undefined)
  answers.set('a', Buffer.from('one'), 10)
  answers.set('b', Buffer.from('other'), 1)
  ms += 900
  t.equal(answers.get('a')?.toString(), 'one')
  t.equal(answers.get('b')?.toString(), 'other')
  ms += 200
  t.equal(answers.get('b'), undefined, 'reading an answer does not make it last')
  answers.set('a', Buffer.from('newer'), 10)
  ms += 9_000
  t.equal(answers.get('a')?.toString(), 'newer')
  ms += 2_000
  t.equal(answers.get('a'), undefined)
  t.end()
})

t.test('those that were not used for longest make room', t => {
  const answers = new MemoryAnswers(5_000)
  for (const key of ['a', 'b', 'c']) answers.set(key, Buffer.alloc(1_000), 60)
  answers.get('a')
  answers.set('d', Buffer.alloc(1_000), 60)
  t.strictSame(['a', 'b', 'c', 'd'].filter(key => answers.get(key) !== undefined), ['a', 'c', 'd'])
  answers.set('huge', Buffer.alloc(10_000), 60)
  t.equal(answers.get('huge'), undefined)
  t.ok(answers.get('d'), 'what is larger than all of it drives nothing out')
  t.end()
})
