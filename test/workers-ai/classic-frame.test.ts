import { deepStrictEqual, equal } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { Batch } from '../../src/generation/event.ts'
import { ChatChunks } from '../../src/translate/chat-chunks.ts'
import { toClassicText } from '../../src/workers-ai/classic-frame.ts'
import { GenerationReader } from '../../src/workers-ai/generation-reader.ts'

const taken = [
  { name: 'text alone', given: '{"response":"Hi"}', expected: 'Hi' },
  { name: 'text with padding', given: '{"response":" there","p":"abc123"}', expected: ' there' },
  { name: 'text with no calls and padding', given: '{"response":"é漢🙂","tool_calls":[],"p":""}', expected: 'é漢🙂' },
  { name: 'empty text', given: '{"response":"","tool_calls":[]}', expected: '' }
]
for (const { name, given, expected } of taken) {
  t.strictSame(toClassicText(given), { text: expected, json: JSON.stringify(expected) }, name)
}

const left = [
  { name: 'a number', given: '{"response":4}' },
  { name: 'an escape', given: '{"response":"a\\n"}' },
  { name: 'a raw control character', given: '{"response":"a\t"}' },
  { name: 'calls', given: '{"response":"","tool_calls":[{}]}' },
  { name: 'usage', given: '{"response":"","usage":{"prompt_tokens":1}}' },
  { name: 'another order', given: '{"p":"a","response":"x"}' },
  { name: 'white space', given: '{"response": "x"}' },
  { name: 'a cut frame', given: '{"response":"x"' },
  { name: 'two frames', given: '{"response":"x"}{"response":"y"}' },
  { name: 'an error', given: '{"response":"x","errors":[{"code":3040}]}' },
  { name: 'the end', given: '[DONE]' }
]
for (const { name, given } of left) t.equal(toClassicText(given), undefined, `${name} is left to the slow lane`)

/** What a reader says of frames, and what a client hears of it; a leading space keeps a frame out of the fast lane. */
function told (frames: readonly string[], isSlow: boolean): { events: Batch, text: string } {
  const reader = new GenerationReader(() => 'call_1')
  const chunks = new ChatChunks({ id: 'i', created: 1, model: 'm', legacyFunctions: false }, 0, false)
  const events: Batch = []
  let text = ''
  for (const frame of frames) {
    const batch: Batch = []
    reader.readEvent(isSlow ? ` ${frame}` : frame, batch)
    text += chunks.tell(batch)
    events.push(...batch)
  }
  reader.end(events)
  return { events: events.map(event => event.type === 'text' ? { type: 'text', text: event.text } : event), text }
}

const response = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }), fc.integer(), fc.constant(null))
const frame = fc.oneof(
  { weight: 6, arbitrary: fc.record({ response, tool_calls: fc.constant([]), p: fc.stringMatching(/^[a-z0-9]{0,20}$/) }, { requiredKeys: ['response'] }).map(value => JSON.stringify(value)) },
  fc.record({ response, finish_reason: fc.constantFrom('stop', 'length') }).map(value => JSON.stringify(value)),
  fc.constantFrom('{"response":"","usage":{"prompt_tokens":3,"completion_tokens":4}}', '{"tool_calls":[],"p":"ab"}', '{"errors":[{"code":3040,"message":"busy"}],"success":false}', '{"response":"a\tb"}', '{"response":"cut', '[DONE]')
)

t.doesNotThrow(() => fc.assert(fc.property(fc.array(frame, { maxLength: 12 }), frames => {
  const fast = told(frames, false)
  const slow = told(frames, true)
  deepStrictEqual(fast.events.map(plain), slow.events.map(plain))
  equal(fast.text, slow.text)
}), { numRuns: 1_000 }), 'the fast lane says exactly what the slow one says, and clients hear the same')

/** Errors are compared by what they say. */
function plain (event: Batch[number]): unknown {
  return event.type === 'failure' ? { type: 'failure', message: event.error.message } : event
}
