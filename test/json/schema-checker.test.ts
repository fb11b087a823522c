import t from 'tap'
import { newWorkBudget } from '../../src/json/work-budget.ts'
import { toChecker } from '../../src/json/schema-checker.ts'

t.test('compilation counts what it takes', t => {
  const workBudget = newWorkBudget()
  const checker = toChecker({ type: 'object', properties: { a: { type: 'string', maxLength: 3, pattern: '^a' } } }, workBudget)
  t.ok(workBudget.compiling < newWorkBudget().compiling)
  const checking = newWorkBudget()
  t.strictSame(checker.errorsOf({ a: 'ab' }, checking), [])
  t.ok(checking.checking < newWorkBudget().checking)
  t.equal(checking.compiling, newWorkBudget().compiling)
  t.match(checker.errorsOf({ a: 'xyz1' }, checking), [{ keyword: 'maxLength' }, { keyword: 'pattern' }])
  t.throws(() => checker.errorsOf({ a: 'ab' }, { ...newWorkBudget(), checking: 1 }), { name: 'WorkBudgetError' })
  t.throws(() => toChecker({ properties: { a: { minLength: 1 } } }, { ...newWorkBudget(), compiling: 1 }), { name: 'WorkBudgetError' })
  t.end()
})

t.test('a pattern where no schema was expected is not run', t => {
  t.throws(() => toChecker({ default: { pattern: '(?i)a' }, $ref: '#/default' }, newWorkBudget()), { name: 'UnreadPatternError' })
  t.end()
})
