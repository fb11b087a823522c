import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { Batch, GenerationEvent } from '../../../../src/generation/event.ts'
import { ChatChunks, toUsageChunk } from '../../../../src/surfaces/openai/chat-completions/chunks.ts'
import { toChoice, type ReplyIdentity } from '../../../../src/surfaces/openai/chat-completions/fold.ts'
import { assembled, readChatStream } from '../../../streams/chat-stream.ts'
import { runs } from '../../../property-runs.ts'

const IDENTITY: ReplyIdentity = { id: 'chatcmpl-1', created: 1_760_000_000, model: 'm "quoted" 🙂', fingerprint: 'fp_1', legacyFunctions: false }
const LEGACY: ReplyIdentity = { ...IDENTITY, legacyFunctions: true }
const DONE = 'data: [DONE]\n\n'

const finish: GenerationEvent = { type: 'finish', reason: 'stop' }

function told (batches: Batch[], identity = IDENTITY): string {
  const chunks = new ChatChunks(identity, 0, false)
  return batches.map(batch => chunks.encode(batch)).join('') + DONE
}

/** The deltas and finish reasons of a stream. */
function deltas (batch: Batch, identity = IDENTITY): unknown[] {
  const { chunks, complaints } = readChatStream(told([batch], identity))
  if (complaints.length > 0) return complaints
  return chunks.flatMap(({ choices }) => choices.map(({ delta, finish_reason: reason }) => reason ?? delta))
}

t.test('each event becomes a chunk, after the role', t => {
  const first = { role: 'assistant', content: '', refusal: null }
  const cases: Array<{ name: string, given: Batch, identity?: ReplyIdentity, expected: unknown[] }> = [
    { name: 'text', given: [{ type: 'text', text: 'a' }, { type: 'text', text: '"\n\u2028🙂' }, finish], expected: [first, { content: 'a' }, { content: '"\n\u2028🙂' }, 'stop'] },
    { name: 'nothing', given: [finish], expected: [first, 'stop'] },
    { name: 'a finish that does not say why', given: [{ type: 'finish', reason: null }], expected: [first, 'stop'] },
    { name: 'thinking', given: [{ type: 'reasoning', text: 'Hm' }, { type: 'text', text: 'a' }, finish], expected: [first, { reasoning_content: 'Hm' }, { content: 'a' }, 'stop'] },
    {
      name: 'thinking and text by turns',
      given: [{ type: 'reasoning', text: 'H' }, { type: 'reasoning', text: 'm', json: '"m"' }, { type: 'text', text: 'a' }, { type: 'reasoning', text: '.' }, { type: 'text', text: 'b', json: '"b"' }, { type: 'text', text: 'c' }, finish],
      expected: [first, { reasoning_content: 'H' }, { reasoning_content: 'm' }, { content: 'a' }, { reasoning_content: '.' }, { content: 'b' }, { content: 'c' }, 'stop']
    },
    {
      name: 'a call',
      given: [{ type: 'tool_call', index: 0, id: 'call_1', name: 'f', arguments: '' }, { type: 'tool_call', index: 0, arguments: '{}' }, { type: 'finish', reason: 'tool_calls' }],
      expected: [{ ...first, content: null }, { tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'f', arguments: '' } }] }, { tool_calls: [{ index: 0, function: { arguments: '{}' } }] }, 'tool_calls']
    },
    {
      name: 'a call after text',
      given: [{ type: 'text', text: 'a' }, { type: 'tool_call', index: 0, id: 'call_1', name: 'f', arguments: '{}' }, { type: 'finish', reason: 'tool_calls' }],
      expected: [first, { content: 'a' }, { tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } }] }, 'tool_calls']
    },
    {
      name: 'the first call, for those who speak of functions',
      given: [{ type: 'tool_call', index: 0, id: 'call_1', name: 'f', arguments: '{' }, { type: 'tool_call', index: 1, id: 'call_2', name: 'g', arguments: '{}' }, { type: 'tool_call', index: 0, arguments: '}' }, { type: 'finish', reason: 'tool_calls' }],
      identity: LEGACY,
      expected: [{ ...first, content: null }, { function_call: { name: 'f', arguments: '{' } }, { function_call: { arguments: '}' } }, 'function_call']
    },
    { name: 'usage, which is for later', given: [{ type: 'usage', usage: { promptTokens: 1, completionTokens: 2 } }, finish], expected: [first, 'stop'] }
  ]
  for (const { name, given, identity, expected } of cases) t.strictSame(deltas(given, identity), expected, name)
  t.end()
})

t.test('a chunk is written as OpenAI writes it', t => {
  const chunk = new ChatChunks({ ...IDENTITY, model: 'm' }, 1, false)
  chunk.encode([{ type: 'text', text: '' }])
  t.equal(String(chunk.encode([{ type: 'text', text: 'a' }])), 'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1760000000,"model":"m","service_tier":"default","system_fingerprint":"fp_1","choices":[{"index":1,"delta":{"content":"a"},"logprobs":null,"finish_reason":null}]}\n\n')
  t.equal(String(chunk.encode([finish])), 'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1760000000,"model":"m","service_tier":"default","system_fingerprint":"fp_1","choices":[{"index":1,"delta":{},"logprobs":null,"finish_reason":"stop"}]}\n\n')
  t.equal(String(chunk.encode([])), '', 'nothing is nothing')
  t.end()
})

t.test('a failure is left to the caller', t => {
  const chunks = new ChatChunks(IDENTITY, 0, false)
  t.equal(String(chunks.encode([{ type: 'failure', error: new Error('broken') }])), '', 'not even the role is told')
  t.match(String(chunks.encode([{ type: 'text', text: 'a' }, { type: 'failure', error: new Error('broken') }])), /"content":"a".*\n\n$/, 'what came before it is')
  t.end()
})

t.test('usage is told to those who asked, last and once', t => {
  const chunks = new ChatChunks(IDENTITY, 0, true)
  const usage = { promptTokens: 1, completionTokens: 2, cachedTokens: 1 }
  const text = String(chunks.encode([{ type: 'text', text: 'a' }, { type: 'usage', usage }, finish]))
  t.strictSame(chunks.usage, usage, 'it is kept until then')
  const { chunks: read, complaints } = readChatStream(text + toUsageChunk(IDENTITY, usage) + DONE, { withUsage: true })
  t.strictSame(complaints, [])
  t.match(read.at(-1), { id: 'chatcmpl-1', choices: [], usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3, prompt_tokens_details: { cached_tokens: 1 } } })
  t.end()
})

t.test('the chunks of any events, however they are batched, put together make the choice their fold is', t => {
  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 })
  const piece = fc.oneof(
    fc.record({ type: fc.constant('text' as const), text }),
    fc.record({ type: fc.constant('reasoning' as const), text }),
    fc.record({ type: fc.constant('tool_call' as const), index: fc.nat(2), arguments: fc.string({ maxLength: 8 }) })
  )
  const events = fc.tuple(fc.array(piece, { maxLength: 20 }), fc.constantFrom('stop' as const, 'length' as const, 'tool_calls' as const, null)).map(([pieces, reason]): Batch => {
    const indexes: number[] = []
    const named = pieces.map((event): GenerationEvent => {
      if (event.type !== 'tool_call') return event
      const known = indexes.indexOf(event.index)
      if (known !== -1) return { ...event, index: known }
      const index = indexes.push(event.index) - 1
      return { ...event, index, id: `call_${index}`, name: `f${index}` }
    })
    return [...named, { type: 'usage', usage: { promptTokens: 1, completionTokens: 2 } }, { type: 'finish', reason }]
  })
  t.doesNotThrow(() => fc.assert(fc.property(events, fc.array(fc.nat(25)), fc.boolean(), (events, cuts, legacyFunctions) => {
    const identity = { ...IDENTITY, legacyFunctions }
    const places = [0, ...cuts.filter(cut => cut < events.length).sort((one, other) => one - other), events.length]
    const { chunks, complaints } = readChatStream(told(places.slice(1).map((end, index) => events.slice(places[index], end)), identity))
    assert.deepEqual(complaints, [])
    const { choice: { message, finish_reason: finishReason } } = toChoice(events, 0, identity)
    const { annotations: _, content, ...rest } = message
    const [streamed] = assembled(chunks)
    // Whether there will be text is not known when the role is told, so no text may be null or empty.
    assert.deepEqual({ ...streamed, message: { ...streamed?.message, content: streamed?.message.content || null } },
      { message: { ...rest, content: content || null }, finish_reason: finishReason })
  }), { numRuns: runs(400) }))
  t.end()
})
