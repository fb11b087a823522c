import t from 'tap'
import { Store } from '../../../src/ui/shell/store.ts'

t.test('a store tells who listens', t => {
  const store = new Store({ a: 1, b: 2 })
  const seen: number[] = []
  const end = store.subscribe(() => seen.push(store.value.a))
  store.patch({ a: 5 })
  t.strictSame(store.value, { a: 5, b: 2 })
  store.set(store.value)
  end()
  store.patch({ a: 6 })
  t.strictSame(seen, [5], 'once for a change, and never after its end')
  t.end()
})

t.test('a listener may leave while it is told', t => {
  const store = new Store(0)
  const end = store.subscribe(() => end())
  let count = 0
  store.subscribe(() => { count += 1 })
  store.set(1)
  t.equal(count, 1)
  t.end()
})
