import t from 'tap'
import type { Change } from '../../src/generation/change.ts'
import { toWarnings } from '../../src/inference/warnings.ts'

function change (param: string, action: Change['action'] = 'dropped'): Change {
  return { param, action, from: 'secret', reason: 'because' }
}

t.test('changes become one header value without values', t => {
  const cases = [
    { name: 'none', given: [], expected: undefined },
    { name: 'one', given: [change('user')], expected: 'user dropped' },
    { name: 'several', given: [change('top_p', 'clamped'), change('messages[0].name')], expected: 'top_p clamped, messages[0].name dropped' },
    { name: 'the same twice', given: [change('user'), change('user')], expected: 'user dropped' },
    { name: 'a name that fits no header', given: [change('a\r\nset-cookie: x=1')], expected: 'a??set-cookie??x?1 dropped' },
    { name: 'a name in other letters', given: [change('größe🙂')], expected: 'gr??e?? dropped' },
    { name: 'a long name', given: [change('x'.repeat(500))], expected: `${'x'.repeat(100)} dropped` }
  ]
  for (const { name, given, expected } of cases) t.equal(toWarnings(given), expected, name)
  t.end()
})

t.test('a header never gets too long', t => {
  const many = toWarnings(Array.from({ length: 5_000 }, (_, index) => change(`param_${index}`))) ?? ''
  t.ok(many.length <= 1_024, `${many.length} characters`)
  t.match(many, /^param_0 dropped, param_1 dropped, .*, and \d+ more$/)
  const shown = many.split(', ').length - 1
  t.match(many, new RegExp(`and ${5_000 - shown} more$`), 'what is left out is counted')
  t.end()
})
