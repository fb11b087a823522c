import t from 'tap'
import { newWorkBudget, spend } from '../../src/json/work-budget.ts'

t.test('what is done for one request has an end', t => {
  const effort = newWorkBudget()
  spend(effort, 'checking', effort.checking - 1)
  t.throws(() => spend(effort, 'checking', 2), { name: 'WorkBudgetError', message: /checking/ })
  t.doesNotThrow(() => spend(effort, 'checking', 1), 'what is little may still be done')
  t.throws(() => spend(effort, 'mending', Infinity), { name: 'WorkBudgetError' })
  t.throws(() => spend(effort, 'mending', NaN), { name: 'WorkBudgetError' })
  t.equal(effort.mending, newWorkBudget().mending)
  t.end()
})
