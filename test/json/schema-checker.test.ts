import t from 'tap'
import { newEffort } from '../../src/json/work-budget.ts'
import { toChecker } from '../../src/json/schema-checker.ts'

t.test('compilation counts what it takes', t => {
  const effort = newEffort()
  const checker = toChecker({ type: 'object', properties: { a: { type: 'string', maxLength: 3, pattern: '^a' } } }, effort)
  t.ok(effort.compiling < newEffort().compiling)
  const checking = newEffort()
  t.strictSame(checker.errorsOf({ a: 'ab' }, checking), [])
  t.ok(checking.checking < newEffort().checking)
  t.equal(checking.compiling, newEffort().compiling)
  t.match(checker.errorsOf({ a: 'xyz1' }, checking), [{ keyword: 'maxLength' }, { keyword: 'pattern' }])
  t.throws(() => checker.errorsOf({ a: 'ab' }, { ...newEffort(), checking: 1 }), { name: 'TooMuchWorkError' })
  t.throws(() => toChecker({ properties: { a: { minLength: 1 } } }, { ...newEffort(), compiling: 1 }), { name: 'TooMuchWorkError' })
  t.end()
})

t.test('a pattern where no schema was expected is not run', t => {
  t.throws(() => toChecker({ default: { pattern: '(?i)a' }, $ref: '#/default' }, newEffort()), { name: 'UnreadPatternError' })
  t.end()
})
