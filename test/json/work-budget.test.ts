import t from 'tap'
import { newWorkBudget, spend } from '../../src/json/work-budget.ts'

t.test('what is done for one request has an end', t => {
  const workBudget = newWorkBudget()
  spend(workBudget, 'checking', workBudget.checking - 1)
  t.throws(() => spend(workBudget, 'checking', 2), { name: 'WorkBudgetError', message: /checking/ })
  t.doesNotThrow(() => spend(workBudget, 'checking', 1), 'what is little may still be done')
  t.throws(() => spend(workBudget, 'mending', Infinity), { name: 'WorkBudgetError' })
  t.throws(() => spend(workBudget, 'mending', NaN), { name: 'WorkBudgetError' })
  t.equal(workBudget.mending, newWorkBudget().mending)
  t.end()
})
