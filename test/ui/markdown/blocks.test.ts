import t from 'tap'
import { closesFence, openedFence, toBlocks, type Block, type List } from '../../../src/ui/markdown/blocks.ts'
import type { Span } from '../../../src/ui/markdown/spans.ts'

function textOf (spans: readonly Span[]): string {
  return spans.map(span => 'text' in span ? span.text : 'spans' in span ? textOf(span.spans) : '\n').join('')
}

/** Blocks as lines that say what they are. */
function told (blocks: readonly Block[], indent = ''): string[] {
  return blocks.flatMap(block => toldBlock(block, indent))
}

function toldBlock (block: Block, indent: string): string[] {
  switch (block.kind) {
    case 'heading': return [`${indent}h${block.level} ${textOf(block.spans)}`]
    case 'paragraph': return [`${indent}p${block.isContinued ? '+' : ''} ${textOf(block.spans)}`]
    case 'code': return [`${indent}code${block.isContinued ? '+' : ''} ${block.language} ${JSON.stringify(block.text)}`]
    case 'quote': return [`${indent}quote`, ...told(block.blocks, `${indent}  `)]
    case 'rule': return [`${indent}rule`]
    case 'table': return [`${indent}table ${[block.head, ...block.rows].map(row => row.map(textOf).join('|')).join(' / ')}`]
    case 'list': return toldList(block, indent)
  }
}

function toldList ({ isOrdered, start, items }: List, indent: string): string[] {
  return [`${indent}${isOrdered ? `ol ${start}` : 'ul'}`, ...items.flatMap(({ spans, lists }) => [`${indent}- ${textOf(spans)}`, ...lists.flatMap(list => toldList(list, `${indent}  `))])]
}

const cases = [
  { name: 'paragraphs', given: 'one\ntwo\n\n\nthree', expected: ['p one\ntwo', 'p three'] },
  { name: 'headings', given: '# One\n###### Six ##\n#no', expected: ['h1 One', 'h6 Six', 'p #no'] },
  { name: 'a heading ends a paragraph', given: 'text\n## Two', expected: ['p text', 'h2 Two'] },
  { name: 'a code block keeps its text', given: '```js\na\n\n# b\n```\nafter', expected: ['code js "a\\n\\n# b"', 'p after'] },
  { name: 'an open code block', given: '~~~\na\n```', expected: ['code  "a\\n```"'] },
  { name: 'a list', given: '- a\n* b\n  more\n\n1. c', expected: ['ul', '- a', '- b\nmore', 'ol 1', '- c'] },
  { name: 'a list that begins later', given: '3) c\n4) d', expected: ['ol 3', '- c', '- d'] },
  { name: 'a list below an item', given: '1. a\n   - b\n     - c\n   - d\n2. e', expected: ['ol 1', '- a', '  ul', '  - b', '    ul', '    - c', '  - d', '- e'] },
  { name: 'a quote', given: '> a\n> - b\nafter', expected: ['quote', '  p a', '  ul', '  - b', 'p after'] },
  { name: 'a rule', given: 'a\n\n---\n\n***', expected: ['p a', 'rule', 'rule'] },
  { name: 'a table', given: '| a | b |\n|---|:-:|\n| 1 | 2 \\| 3 |\n\nafter', expected: ['table a|b / 1|2 | 3', 'p after'] },
  { name: 'HTML is text', given: '<script>\nalert(1)\n</script>', expected: ['p <script>\nalert(1)\n</script>'] },
  { name: 'lines that end as on Windows', given: '# One\r\n\r\n- a\r\n- b\r\n', expected: ['h1 One', 'ul', '- a', '- b'] },
  { name: 'characters that end lines elsewhere', given: '# O\u2028n\re\n- a\u2029b', expected: ['h1 O\u2028n\re', 'ul', '- a\u2029b'] },
  { name: 'nothing', given: '\n \n', expected: [] }
]
for (const { name, given, expected } of cases) t.strictSame(told(toBlocks(given)), expected, name)

const began = process.cpuUsage()
for (const end of ['\r', '\u2028', '']) toBlocks(`# ${' '.repeat(4_000)}${end}`)
t.ok(process.cpuUsage(began).user < 1_000_000, 'many spaces take no time')

t.strictSame(told(toBlocks('b\n```\nafter', { fence: '```' })), ['code+  "b"', 'p after'], 'a code block goes on')
t.strictSame(told(toBlocks('more\n\nnext', { isParagraph: true })), ['p+ more', 'p next'], 'a paragraph goes on')
t.equal(openedFence('````md'), '````')
t.equal(openedFence('text'), undefined)
t.ok(closesFence('`````', '````'), 'a fence is closed by one that is as long or longer')
t.notOk(closesFence('```', '````'))
t.notOk(closesFence('``` js', '```'))
