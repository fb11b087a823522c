import t from 'tap'
import { withInstruction } from '../../../../src/workers-ai/request/messages/instructions.ts'
import type { NativeMessage } from '../../../../src/workers-ai/request/native-message.ts'

const question: NativeMessage = { role: 'user', content: 'Hello?' }
const cases: Array<{ name: string, given: NativeMessage[], expected: NativeMessage[] }> = [
  { name: 'a system message is put in front when there is none', given: [question], expected: [{ role: 'system', content: 'Be brief.' }, question] },
  { name: 'also before nothing', given: [], expected: [{ role: 'system', content: 'Be brief.' }] },
  { name: 'a system message gets one more paragraph', given: [{ role: 'system', content: 'Be kind.' }, question], expected: [{ role: 'system', content: 'Be kind.\n\nBe brief.' }, question] },
  { name: 'so does a developer message, which keeps its name', given: [{ role: 'developer', content: 'Be kind.', name: 'dev' }, question], expected: [{ role: 'developer', content: 'Be kind.\n\nBe brief.', name: 'dev' }, question] },
  { name: 'an empty one gets no empty paragraph', given: [{ role: 'system', content: '' }], expected: [{ role: 'system', content: 'Be brief.' }] },
  { name: 'parts get one more part', given: [{ role: 'system', content: [{ type: 'text', text: 'Be kind.' }] }], expected: [{ role: 'system', content: [{ type: 'text', text: 'Be kind.' }, { type: 'text', text: 'Be brief.' }] }] },
  { name: 'a system message in the middle is left alone', given: [question, { role: 'system', content: 'Be kind.' }], expected: [{ role: 'system', content: 'Be brief.' }, question, { role: 'system', content: 'Be kind.' }] }
]
for (const { name, given, expected } of cases) {
  const before = structuredClone(given)
  t.strictSame(withInstruction(given, 'Be brief.'), expected, name)
  t.strictSame(given, before, `${name} (the given messages stay)`)
}
