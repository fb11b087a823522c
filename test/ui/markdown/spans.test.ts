import fc from 'fast-check'
import t from 'tap'
import { toSpans, type Span } from '../../../src/ui/markdown/spans.ts'

/** Spans as short text: `<strong>…</strong>`, `[label](url)`. */
function told (spans: readonly Span[]): string {
  return spans.map(span => {
    switch (span.kind) {
      case 'text': return span.text
      case 'code': return `<code>${span.text}</code>`
      case 'break': return '<br>'
      case 'link': return `<a ${span.url}>${told(span.spans)}</a>`
      default: return `<${span.kind}>${told(span.spans)}</${span.kind}>`
    }
  }).join('')
}

const cases: Array<{ given: string, expected: string }> = [
  { given: 'plain', expected: 'plain' },
  { given: '**bold** and *italic* and ~~gone~~', expected: '<strong>bold</strong> and <emphasis>italic</emphasis> and <deleted>gone</deleted>' },
  { given: '***both***', expected: '<strong><emphasis>both</emphasis></strong>' },
  { given: '**a *b* c**', expected: '<strong>a <emphasis>b</emphasis> c</strong>' },
  { given: '*a **b** c*', expected: '<emphasis>a <strong>b</strong> c</emphasis>' },
  { given: '__bold__ _italic_', expected: '<strong>bold</strong> <emphasis>italic</emphasis>' },
  { given: 'snake_case_name and 2 * 3 * 4', expected: 'snake_case_name and 2 * 3 * 4' },
  { given: '**open', expected: '**open' },
  { given: '`a*b*c` and ``x`y``', expected: '<code>a*b*c</code> and <code>x`y</code>' },
  { given: 'an open `tick', expected: 'an open `tick' },
  { given: '\\*not\\* emphasis', expected: '*not* emphasis' },
  { given: 'a\nb', expected: 'a<br>b' },
  { given: '[Oslo](https://example.com/a_(b))', expected: '<a https://example.com/a_(b)>Oslo</a>' },
  { given: '[**b**](http://example.com "title")', expected: '<a http://example.com><strong>b</strong></a>' },
  { given: 'see https://example.com/a?b=1. Then', expected: 'see <a https://example.com/a?b=1>https://example.com/a?b=1</a>. Then' },
  { given: '(https://example.com)', expected: '(<a https://example.com>https://example.com</a>)' },
  { given: '[x](javascript:alert(1))', expected: '[x](javascript:alert(1))' },
  { given: '[x](data:text/html,hi) [y](//example.com)', expected: '[x](data:text/html,hi) [y](//example.com)' },
  { given: '![cat](https://example.com/cat.png)', expected: '<a https://example.com/cat.png>cat</a>' },
  { given: '<img src=x onerror=alert(1)><script>alert(1)</script>', expected: '<img src=x onerror=alert(1)><script>alert(1)</script>' }
]
for (const { given, expected } of cases) t.equal(told(toSpans(given)), expected, JSON.stringify(given))

t.test('whatever a model writes, nothing is lost but marks, and no address but the web\'s becomes a link', t => {
  const pieces = fc.constantFrom('*', '**', '_', '`', '~~', '[', '](', ')', '![', 'https://a.b', 'javascript:', 'word', ' ', '\n', '\\', '<b>', '(')
  fc.assert(fc.property(fc.array(pieces, { maxLength: 40 }), parts => {
    const text = parts.join('')
    const spans = toSpans(text)
    const words = (text.match(/word/g) ?? []).length
    return (told(spans).match(/word/g) ?? []).length >= words && urlsOf(spans).every(url => /^https?:/.test(url))
  }))
  t.end()
})

t.test('text that nests without end takes no long time', t => {
  const beganAt = performance.now()
  for (const text of ['*a **b '.repeat(500), '['.repeat(4_000), '![a](http'.repeat(400), '`'.repeat(3_999), '_a '.repeat(1_300)]) toSpans(text)
  t.ok(performance.now() - beganAt < 5_000)
  t.end()
})

function urlsOf (spans: readonly Span[]): string[] {
  return spans.flatMap(span => span.kind === 'link' ? [span.url, ...urlsOf(span.spans)] : 'spans' in span ? urlsOf(span.spans) : [])
}
