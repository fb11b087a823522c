import fc from 'fast-check'
import { RE2JS } from 're2js'
import t from 'tap'
import { toLinearPattern } from '../../src/json/pattern.ts'
import { runs } from '../property-runs.ts'

function enforced (pattern: string): (text: string) => boolean {
  const engine = RE2JS.compile(toLinearPattern(pattern).source)
  return text => engine.test(text)
}

const TEXTS = ['', 'a', 'b', 'ab', 'aab', 'abc', 'A', '-', '1', '12', '1-2', '_', ' ', '\n', 'a\n', '\r', '\u2028', '\u00a0', '\ufeff', '\v', 'ö', 'Köln', 'ſ', '١', '😀', '😀😀', 'a b', '[', ']', '{', '}', '{a}', '^', '$', '/', '\\', '.', '\b', '\0', 'α', 'Ж', 'aaaa!', 'T-1', '\u200b']

t.test('what is enforced means what it means in ECMAScript', t => {
  const patterns = [
    '', 'a', '^a', 'a$', '^a$', '^$', '.', '^.$', '^.{2}$', '^[^]$', '\\d', '^\\d+$', '\\D', '\\w', '^\\w+$', '\\W', '\\s', '^\\s$', '\\S', '^\\S+$', '[\\s\\S]', '[^\\s]', '[^\\S]', '[\\S]', '[^\\d\\s]', '\\bb', 'a\\B', '\\B', '\\b',
    '\\u0061', '\\x61', '\\u{61}', '\\u{1F600}', '^\\uD83D\\uDE00$', '\\cJ', '\\0', '\\v', '[\\b]', '\\t|\\n|\\r|\\f', '\\/', '\\^', '\\$', '\\.', '\\\\', '\\[', '\\]', '\\{', '\\}', '\\|', '\\(|\\)', '\\*|\\+|\\?',
    '\\p{L}', '^\\p{Lu}$', '\\P{L}', '\\p{Letter}', '\\p{gc=Nd}', '\\p{General_Category=Decimal_Number}', '\\p{Script=Greek}', '\\p{sc=Cyrillic}', '[^\\p{L}]', '[\\p{L}\\p{N}]',
    '(a)(b)', '(?:a|b)+', '(?<first>a)b', 'a*?b', 'a+?', 'a??b', 'a{2}', '^a{1,2}$', '^a{2,}', '^a{0}$', 'a|', '(|a)b', '[a-c]', '[^a-c]', '[a-]', '[-a]', '[\\-a]', '[a\\]]', '[.^$*]', '[[]', '(a*)*', '(a|ab)(c|bcd)*', '^(a+)+$'
  ]
  for (const pattern of patterns) {
    const isIn = enforced(pattern)
    const expected = new RegExp(pattern, 'u')
    t.strictSame(TEXTS.filter(text => isIn(text)), TEXTS.filter(text => expected.test(text)), pattern)
  }
  t.end()
})

t.test('what ECMAScript takes without its flag, and all languages read alike', t => {
  const cases: Array<[pattern: string, fits: string, fitsNot: string]> = [
    ['^\\d\\-\\d$', '1-2', '12'], ['^{.*}$', '{a}', 'a'], ['^\\[.*]$', '[a]', 'a'], ['^[\\w-.]+$', 'a-b.c', 'a b'], ['^\\_\\@\\"$', '_@"', '_@'], ['(?P<year>^\\d{4}$)', '2024', '24'], ['^\\p{Greek}$', 'α', 'a']
  ]
  for (const [pattern, fits, fitsNot] of cases) {
    const isIn = enforced(pattern)
    t.strictSame([isIn(fits), isIn(fitsNot)], [true, false], pattern)
  }
  t.end()
})

t.test('what may mean something else to its writer is not enforced', t => {
  const cases: Array<[reason: RegExp, patterns: string[]]> = [
    [/looks around/, ['(?=a)b', '(?!a)', '(?<=a)', '(?<!a)']],
    [/refers back/, ['(a)\\1', '(?<n>a)\\k<n>']],
    [/group of another language/, ['(?i)^abc$', '(?i:a)', '(?s).', '(?>a)', '(?#comment)', '(?P=n)', '(?|a)', "(?'n'a)", '(?R)', '(?<n-m>a)', '(?']],
    [/escape that languages read differently/, ['\\A[a-z]+\\z', 'a\\Z', '\\Ga', '\\h+', '\\R', '\\Qa.b\\E', '\\ea', '\\a', '\\N', '\\X', '\\01', '\\x6', '\\u12', '\\c1', '\\pL', '\\p{^L}', '\\p{scx=Grek}', '[\\A]', '[\\B]']],
    [/class of another language/, ['[[:alpha:]]', '[[:space:]_]', '[a[=e=]]']],
    [/brackets differently/, ['[]', '[]a]', '[^]a]', '[a-c[x-z]]', '[a-z&&[^b]]', '[a-z--b]']],
    [/repetitions differently/, ['a++', 'a*+', 'a?+', 'a**', 'a{2}{3}', 'a{1000}{1000}', 'a{,5}']],
    [/nothing to repeat/, ['*a', '+', '(?:*a)', 'a|*', '^*', '\\b+', '{2}']],
    [/between slashes/, ['/^[a-z]+$/', '/^a$/i']],
    [/half a character/, ['\\ud83d', '[\\udc00]', '\ud83d', '\\u{110000}']],
    [/not closed/, ['(a', '[a', '[']],
    [/not opened/, ['a)', ')(']],
    [/backwards/, ['[z-a]']],
    [/backslash/, ['a\\']],
    [/property that is not known/, ['\\p{Script=L}', '\\p{gc=Greek}']],
    [/too many/, ['(a{1000}){1000}', '(?:(?:a{50}){50}){50}', 'a{999999999}', `${'(?:a{0,500}b)'.repeat(5)}`, '((a{1,100}){1,100}){1,100}']],
    [/too long/, ['a'.repeat(4_001)]],
    [/nested too deeply/, [`${'('.repeat(1_200)}a${')*'.repeat(1_200)}`]]
  ]
  for (const [message, patterns] of cases) {
    for (const pattern of patterns) t.throws(() => toLinearPattern(pattern), { name: 'UnreadPatternError', message }, pattern.slice(0, 50))
  }
  t.end()
})

t.test('no reason quotes a pattern', t => {
  for (const pattern of ['sesame\\A', '(?i)sesame', '[sesame[', '(sesame', 'sesame{3}{4}', '\\p{Script=sesame-}']) {
    try {
      toLinearPattern(pattern)
      t.fail(pattern)
    } catch (error) {
      t.notMatch(String(error), /sesame/)
    }
  }
  t.end()
})

t.test('any pattern is enforced as ECMAScript reads it, or not at all', t => {
  const piece = fc.constantFrom('a', 'b', 'c', '1', '-', '_', 'ö', '😀', ' ', '.', '^', '$', '|', '(', '(?:', ')', '[', '[^', ']', '*', '+', '?', '{2}', '{1,}', '{0,2}', '{', '}', '\\d', '\\D', '\\w', '\\W', '\\s', '\\S', '\\b', '\\B', '\\p{L}', '\\P{Lu}', '\\-', '\\/', '\\.', '\\]', '\\u0061', 'a-c', '&', '\\n')
  const text = fc.array(fc.constantFrom('a', 'b', 'c', '1', '-', '_', 'ö', '😀', ' ', '\n', '[', ']', '{', '}', '.', '/', '\u2028', '\u00a0', 'A'), { maxLength: 6 }).map(parts => parts.join(''))
  let enforcedCount = 0
  fc.assert(fc.property(fc.array(piece, { minLength: 1, maxLength: 8 }), fc.array(text, { minLength: 1, maxLength: 8 }), (pieces, texts) => {
    const pattern = pieces.join('')
    let isIn
    try {
      isIn = enforced(pattern)
    } catch {
      return
    }
    let expected
    try {
      expected = new RegExp(pattern, 'u')
    } catch {
      expected = new RegExp(pattern)
      // Without its flag ECMAScript knows neither properties nor characters of two units.
      if (/\\p/i.test(pattern) || texts.some(one => /[^\0-\x7f]/.test(one + pattern))) return
    }
    enforcedCount++
    for (const one of texts) {
      // V8 finds a place inside of a pair of surrogates, where ECMA-262 has none.
      if (pattern.includes('\\B') && /[\u{10000}-\u{10ffff}]/u.test(one)) continue
      if (isIn(one) !== expected.test(one)) throw new Error(`${JSON.stringify(pattern)} on ${JSON.stringify(one)}: ${isIn(one)}`)
    }
  }), { numRuns: runs(5_000) })
  t.ok(enforcedCount > runs(5_000) / 10, `${enforcedCount} were enforced`)
  t.end()
})

t.test('its size says what a text costs at most', t => {
  const sizes = ['^abc$', '^(?:[a-z]{0,50}[0-9]{0,50}){10}$', '\\p{L}{1,100}', '(a?){100}a{100}', '(?:a|b|c){3,}', '((a{2}){3}){4}'].map(pattern => {
    const { source, size } = toLinearPattern(pattern)
    return { pattern, size, program: RE2JS.compile(source).programSize() }
  })
  for (const { pattern, size, program } of sizes) t.ok(program <= 4 * size + 8, `${pattern}: ${program} of ${size}`)
  t.end()
})
