import t from 'tap'
import type { NativeMessage } from '../../../src/workers-ai/request/native-message.ts'
import { toJson, toMessagesJson, toPromptJson, type PromptJson } from '../../../src/workers-ai/request/native-json.ts'

const IMAGE = `data:image/png;base64,${'A'.repeat(1_000)}`

function toText ({ json }: PromptJson): string {
  return typeof json === 'string' ? json : Buffer.concat(json).toString()
}

function messagesOf (count: number, content: NativeMessage['content']): NativeMessage[] {
  return Array.from({ length: count }, (_, index) => ({ role: index % 2 === 0 ? 'user' : 'assistant', content }))
}

t.test('messages are one list, however many they are', t => {
  for (const count of [0, 1, 2, 63, 64, 65, 128, 129, 1_000]) {
    for (const content of ['hi', 'süß "→" 😀\n', 'x'.repeat(1_000)]) {
      const messages = messagesOf(count, content)
      const written = toMessagesJson(messages, false)
      const expected = JSON.stringify(messages)
      t.equal(toText(written), expected, `${count} messages`)
      t.strictSame(written.size, { bytes: Buffer.byteLength(expected), characters: expected.length }, `the size of ${count}`)
    }
  }
  t.end()
})

t.test('images count as if they were empty', t => {
  for (const count of [1, 64, 100]) {
    const messagesWith = (url: string) => messagesOf(count, [{ type: 'text', text: '→' }, { type: 'image_url', image_url: { url } }])
    const empty = JSON.stringify(messagesWith(''))
    const written = toMessagesJson(messagesWith(IMAGE), true)
    t.equal(toText(written), JSON.stringify(messagesWith(IMAGE)), `${count} messages`)
    t.strictSame(written.size, { bytes: Buffer.byteLength(empty), characters: empty.length }, `the size of ${count}`)
  }
  t.end()
})

t.test('short prompts stay text, long ones are bytes', t => {
  t.equal(toPromptJson('hi "you"').json, '"hi \\"you\\""')
  t.type(toPromptJson('x'.repeat(100_000)).json, Array)
  t.equal(toText(toPromptJson('→'.repeat(100_000))), JSON.stringify('→'.repeat(100_000)))
  t.end()
})

t.test('lone surrogates become replacement characters', t => {
  const cases = [
    { name: 'one alone', given: 'a\ud83d', expected: '"a\ufffd"' },
    { name: 'a pair', given: 'a\ud83d\ude00', expected: '"a\ud83d\ude00"' },
    { name: 'an escape somebody wrote out', given: '\\ud83d', expected: '"\\\\ud83d"' },
    { name: 'words that begin alike', given: '\\udo', expected: '"\\\\udo"' }
  ]
  for (const { name, given, expected } of cases) t.equal(toJson(given), expected, name)
  t.end()
})
