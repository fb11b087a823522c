import t from 'tap'
import { newEffort, spend } from '../../src/json/work-budget.ts'

t.test('what is done for one request has an end', t => {
  const effort = newEffort()
  spend(effort, 'checking', effort.checking - 1)
  t.throws(() => spend(effort, 'checking', 2), { name: 'TooMuchWorkError', message: /checking/ })
  t.doesNotThrow(() => spend(effort, 'checking', 1), 'what is little may still be done')
  t.throws(() => spend(effort, 'mending', Infinity), { name: 'TooMuchWorkError' })
  t.throws(() => spend(effort, 'mending', NaN), { name: 'TooMuchWorkError' })
  t.equal(effort.mending, newEffort().mending)
  t.end()
})
