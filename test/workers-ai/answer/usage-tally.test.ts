import t from 'tap'
import { UsageTally } from '../../../src/workers-ai/answer/usage-tally.ts'

type Told = [prompt: number, completion: number, isBesideText?: boolean]

function sumOf (told: Told[]): [number, number] | undefined {
  const tally = new UsageTally()
  for (const [promptTokens, completionTokens, isBesideText = true] of told) tally.add({ promptTokens, completionTokens }, isBesideText)
  return tally.usage && [tally.usage.promptTokens, tally.usage.completionTokens]
}

t.test('what a generation was billed is known by what it told, in any way', t => {
  const cases: Array<{ name: string, given: Told[], expected: [number, number] | undefined }> = [
    { name: 'nothing', given: [], expected: undefined },
    { name: 'one total', given: [[11, 5, false]], expected: [11, 5] },
    { name: 'a total that grows', given: [[13, 0, false], [13, 1], [13, 3], [13, 4]], expected: [13, 4] },
    { name: 'a total that grows, and does not for once', given: [[13, 1], [13, 3], [13, 3], [13, 4]], expected: [13, 4] },
    { name: 'a total that grows, and another at the end', given: [[13, 1], [13, 2], [13, 1022, false]], expected: [13, 1022] },
    { name: 'a total that grows, and zeros at the end', given: [[13, 1], [13, 2], [13, 0], [0, 2]], expected: [13, 2] },
    { name: 'a total twice', given: [[11, 5, false], [11, 5, false]], expected: [11, 5] },
    { name: 'a total, and its answer alone', given: [[11, 5, false], [0, 5, false]], expected: [11, 5] },
    { name: 'each piece by itself', given: [[13, 1], [0, 1], [0, 2], [0, 0]], expected: [13, 4] },
    { name: 'each piece by itself, with the prompt', given: [[13, 1], [13, 1], [13, 1]], expected: [13, 3] },
    { name: 'each piece by itself, and the sum', given: [[13, 1], [0, 1], [13, 3, false]], expected: [13, 3] },
    { name: 'pieces, and never the prompt', given: [[0, 1], [0, 1]], expected: [0, 2] },
    { name: 'the prompt first', given: [[13, 0, false], [0, 2], [0, 1]], expected: [13, 3] }
  ]
  for (const { name, given, expected } of cases) t.strictSame(sumOf(given), expected, name)
  t.end()
})

t.test('other counts are the latest told', t => {
  const tally = new UsageTally()
  tally.add({ promptTokens: 5, completionTokens: 1, cachedTokens: 2 }, true)
  tally.add(undefined, true)
  tally.add({ promptTokens: 5, completionTokens: 2, reasoningTokens: 1 }, true)
  t.strictSame(tally.usage, { promptTokens: 5, completionTokens: 2, cachedTokens: 2, reasoningTokens: 1 })
  t.end()
})
