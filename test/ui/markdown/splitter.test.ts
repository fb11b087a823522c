import fc from 'fast-check'
import t from 'tap'
import { toBlocks, type Block } from '../../../src/ui/markdown/blocks.ts'
import { BlockSplitter } from '../../../src/ui/markdown/splitter.ts'

function grown (text: string, steps: readonly number[]): Block[] {
  const splitter = new BlockSplitter()
  const blocks = steps.flatMap(end => splitter.push(text.slice(0, end)))
  return [...blocks, ...splitter.push(text), ...splitter.open()]
}

t.test('a text that grows becomes the blocks it has as a whole, wherever it is cut', t => {
  const line = fc.constantFrom('text', '', '# title', '```js', '```', '- item', '  - below', '| a |', '|---|', '> quote', 'a **b')
  fc.assert(fc.property(fc.array(line, { maxLength: 20 }), fc.array(fc.nat({ max: 120 }), { maxLength: 6 }), (lines, cuts) => {
    const text = lines.join('\n')
    const steps = cuts.filter(cut => cut < text.length).sort((one, other) => one - other)
    t.strictSame(grown(text, steps), toBlocks(text), JSON.stringify(text))
  }), { numRuns: 200 })
  t.end()
})

t.test('settled blocks are given once', t => {
  const splitter = new BlockSplitter()
  t.strictSame(splitter.push('one\n').length, 0)
  t.strictSame(splitter.push('one\n\ntwo').length, 1)
  t.strictSame(splitter.push('one\n\ntwo three').length, 0)
  t.strictSame(splitter.open(), toBlocks('two three'))
  t.end()
})

t.test('a long paragraph goes on in another block, without losing a character', t => {
  const text = 'word '.repeat(10_000)
  const blocks = grown(text, [1_000, 9_000, 30_000])
  t.ok(blocks.length > 10)
  t.strictSame(blocks, grown(text, []), 'at the same places however it came')
  t.ok(blocks.slice(1).every(block => block.kind === 'paragraph' && block.isContinued))
  const words = blocks.flatMap(block => block.kind === 'paragraph' ? block.spans.flatMap(span => span.kind === 'text' ? span.text.trim().split(' ') : []) : [])
  t.equal(words.length, 10_000)
  t.end()
})

t.test('so does a long code block', t => {
  const code = Array.from({ length: 1_000 }, (_, index) => `line ${index} of the code`).join('\n')
  const blocks = grown(`\`\`\`js\n${code}\n\`\`\`\nafter`, [5_000])
  t.ok(blocks.slice(0, -1).every(({ kind }) => kind === 'code'))
  t.equal(blocks.flatMap(block => block.kind === 'code' ? block.text.split('\n').filter(Boolean) : []).join('\n'), code)
  t.strictSame(blocks.at(-1), toBlocks('after')[0])
  t.end()
})

t.test('a word without end is cut, too', t => {
  t.equal(grown('x'.repeat(9_000), []).length, 3)
  t.end()
})
