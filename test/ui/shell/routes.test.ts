import t from 'tap'
import { toViewName, VIEWS } from '../../../src/ui/shell/routes.ts'

const cases = [
  { given: '', expected: 'playground' },
  { given: '#/requests', expected: 'requests' },
  { given: '#/charts?x=1', expected: 'charts' },
  { given: '#/nothing', expected: 'playground' },
  { given: '#main', expected: 'playground' }
]
for (const { given, expected } of cases) t.equal(toViewName(given), expected, given)
for (const { name } of VIEWS) t.equal(toViewName(`#/${name}`), name)
