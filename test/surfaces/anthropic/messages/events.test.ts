import fc from 'fast-check'
import { deepEqual } from 'node:assert/strict'
import t from 'tap'
import type { Batch, GenerationEvent } from '../../../../src/generation/event.ts'
import { MessageEvents, PING, toErrorEvent } from '../../../../src/surfaces/anthropic/messages/events.ts'
import { toMessage, type MessageOptions } from '../../../../src/surfaces/anthropic/messages/fold.ts'
import { toSignature } from '../../../../src/surfaces/anthropic/messages/signature.ts'
import { text } from '../../../streams/events.ts'
import { readMessageStream } from '../../../streams/message-stream.ts'

const IDENTITY = { id: `msg_${'a'.repeat(24)}`, model: 'm' }
const SHOWN: MessageOptions = { display: 'shown', prefill: undefined }
const USAGE = { promptTokens: 9, completionTokens: 7 }

function told (batches: Batch[], options: MessageOptions = SHOWN): string {
  const encoder = new MessageEvents(IDENTITY, options)
  return encoder.begin(5) + batches.map(batch => encoder.encode(batch).toString()).join('') + encoder.end(USAGE, false)
}

t.test('a stream is told to the letter', t => {
  t.equal(told([
    [{ type: 'reasoning', text: 'H' }, { type: 'reasoning', text: 'm', json: '"\\u006d"' }],
    [...text('é'), { type: 'tool_call', index: 0, id: 'call_1', name: 'f', arguments: '' }],
    [{ type: 'tool_call', index: 0, arguments: '{"a":1}' }],
    [{ type: 'usage', usage: USAGE }, { type: 'finish', reason: 'tool_calls' }]
  ]), `event: message_start
data: {"type":"message_start","message":{"id":"${IDENTITY.id}","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":5,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"H"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"\\u006d"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"${toSignature('')}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"é"}}

event: content_block_stop
data: {"type":"content_block_stop","index":1}

event: content_block_start
data: {"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"toolu_1","name":"f","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\\"a\\":1}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":2}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"input_tokens":9,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":7}}

event: message_stop
data: {"type":"message_stop"}

`)
  t.equal(PING, 'event: ping\ndata: {"type":"ping"}\n\n')
  t.equal(toErrorEvent({ type: 'error', error: { type: 'api_error', message: 'x' }, request_id: 'r' }), 'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"x"},"request_id":"r"}\n\n')
  t.end()
})

t.test('text that bypasses events goes into the open block of text, and waits where there is none', t => {
  const encoder = new MessageEvents(IDENTITY, SHOWN)
  const writer = encoder.toChunkWriter()
  const json = Buffer.from('"x"')
  const written = () => {
    writer.begin()
    writer.add(json, 0, json.length)
    return writer.take().toString()
  }
  t.equal(writer.isReady, false, 'before the first block')
  encoder.encode(text('a'))
  t.equal(writer.isReady, true)
  t.equal(written(), 'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}}\n\n')
  encoder.encode([{ type: 'reasoning', text: 'Hm' }])
  t.equal(writer.isReady, false, 'while another kind of block is open')
  encoder.encode(text('b'))
  t.match(written(), '"index":2')
  encoder.encode([{ type: 'finish', reason: null }])
  t.equal(writer.isReady, false)
  t.end()
})

const piece = fc.string({ unit: 'grapheme', maxLength: 4 })
const event = fc.oneof(
  piece.map((text): GenerationEvent => ({ type: 'text', text })),
  piece.map((text): GenerationEvent => ({ type: 'reasoning', text })),
  fc.tuple(fc.nat(3), fc.constantFrom('{', '"a":1', '}', '{}', '')).map(([index, args]): GenerationEvent => ({ type: 'tool_call', index, arguments: args }))
)

/** Each call is named by its first piece, and whole in the end, as the engine has it. */
function toGeneration (events: GenerationEvent[]): Batch {
  const seen = new Set<number>()
  const calls = events.flatMap((event): Batch => {
    if (event.type !== 'tool_call') return [event]
    const isFirst = !seen.has(event.index)
    seen.add(event.index)
    return isFirst ? [{ ...event, id: `call_${event.index}`, name: 'f', arguments: '{"i":' }, { type: 'tool_call', index: event.index, arguments: '0}' }] : []
  })
  return [...calls, { type: 'usage', usage: USAGE }, { type: 'finish', reason: seen.size > 0 ? 'tool_calls' : 'stop' }]
}

t.test('whatever comes in whatever batches, the grammar holds and the plain answer says the same', t => {
  const display = fc.constantFrom('shown' as const, 'omitted' as const, 'none' as const)
  fc.assert(fc.property(fc.array(event, { maxLength: 20 }), fc.array(fc.nat(5), { maxLength: 10 }), display, fc.constantFrom(undefined, 'a', 'ab'), (events, sizes, display, prefill) => {
    const generation = toGeneration(events)
    const batches: Batch[] = []
    for (let at = 0, n = 0; at < generation.length; n++) {
      const size = 1 + (sizes[n] ?? 0)
      batches.push(generation.slice(at, at + size))
      at += size
    }
    const stream = readMessageStream(told(batches, { display, prefill }))
    deepEqual(stream.complaints, [])
    deepEqual(stream.message, toMessage(generation, IDENTITY, { display, prefill }, false).message)
  }))
  t.pass()
  t.end()
})
