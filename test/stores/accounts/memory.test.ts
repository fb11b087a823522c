import t from 'tap'
import { MemoryAccountStates } from '../../../src/stores/accounts/memory.ts'

t.test('clients name models, and do not fill the memory with them', t => {
  const states = new MemoryAccountStates(() => 0)
  for (let count = 0; count < 1_200; count++) states.rest({ account: 'main', model: `@cf/a/${count}`, reason: 'busy', sinceMs: 0, untilMs: 1_000 + count })
  t.equal(states.rests('main').length, 1_000)
  t.equal(states.rests('main').some(({ model }) => model === '@cf/a/0'), false, 'what is over first goes first')
  t.end()
})
