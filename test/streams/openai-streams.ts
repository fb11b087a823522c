import fc from 'fast-check'

const content = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }), fc.stringMatching(/^[a-z "\\\n\t/]{0,8}$/), fc.constantFrom('', null))
const count = fc.oneof({ weight: 4, arbitrary: fc.nat({ max: 5_000 }) }, fc.constantFrom(-1, 1.5, 1e21, 1e-7, 123_456_789_012_345, 1_234_567_890_123_456, null))
const usage = fc.record({ prompt_tokens: count, completion_tokens: count, neurons: count })
const id = fc.oneof({ weight: 6, arbitrary: fc.stringMatching(/^[a-z0-9-]{0,8}$/) }, fc.constantFrom('é', 'a"b', '\\', '\u0001'))
const delta = fc.oneof(
  { weight: 12, arbitrary: content.map(content => ({ content })) },
  fc.constantFrom({ role: 'assistant', content: '' }, {}, { tool_calls: [] }, { reasoning_content: 'Hm' }, { content: 'a', reasoning_content: 'b' }, { content: '', tool_calls: [{ index: 0, id: 'x', function: { name: 'f', arguments: '{}' } }] })
)
const space = fc.oneof({ weight: 6, arbitrary: fc.constant('') }, fc.constantFrom(' ', '\n'))

/**
 * A stream of OpenAI-shaped events that have mostly the same members, other values in them, and where its reads are cut.
 */
export const openAiStream = fc.record({
  members: fc.record({ hasId: fc.boolean(), hasUsage: fc.boolean(), hasPadding: fc.boolean() }),
  frames: fc.array(fc.record({ delta, id, usage, padding: id, created: count, space, end: fc.constantFrom(null, null, null, null, null, null, null, null, 'stop') }), { maxLength: 14 }),
  prefix: fc.constantFrom('data: ', 'data: ', 'data: ', 'data:'),
  isDone: fc.boolean(),
  lengths: fc.array(fc.nat({ max: 300 }), { maxLength: 30 })
}).map(({ members: { hasId, hasUsage, hasPadding }, frames, prefix, isDone, lengths }) => {
  const events = frames.map(({ delta, id, usage, padding, created, space, end }) => `${prefix}${JSON.stringify({
    ...(hasId && { id, created }),
    choices: [{ index: 0, delta, logprobs: null, finish_reason: end }],
    ...(hasUsage && { usage }),
    ...(hasPadding && { p: padding })
  })}${space}\n\n`)
  return { bytes: Buffer.from(events.join('') + (isDone ? 'data: [DONE]\n\n' : '')), lengths }
})
