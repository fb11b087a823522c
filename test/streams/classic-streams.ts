import fc from 'fast-check'

const response = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }), fc.stringMatching(/^[a-z "\\\n\t/]{0,8}$/), fc.integer(), fc.constant(null))
const frame = fc.oneof(
  { weight: 8, arbitrary: fc.record({ response, tool_calls: fc.constant([]), p: fc.stringMatching(/^[a-z0-9]{0,20}$/) }, { requiredKeys: ['response'] }).map(value => JSON.stringify(value)) },
  fc.record({ response, finish_reason: fc.constantFrom('stop', 'length') }).map(value => JSON.stringify(value)),
  fc.constantFrom('{"response":"","usage":{"prompt_tokens":3,"completion_tokens":4}}', '{"tool_calls":[],"p":"ab"}', '{"errors":[{"code":3040,"message":"busy"}],"success":false}', '{"response":"a\tb"}', '{"response":"a\\/b"}', '{"response":"cut', '[DONE]')
)
const lineEnd = fc.oneof({ weight: 8, arbitrary: fc.constant('\n') }, fc.constantFrom('\r\n', '\r'))
const prefix = fc.oneof({ weight: 12, arbitrary: fc.constant('data: ') }, fc.constantFrom('data:', 'event: x\ndata: ', ': ping\n\ndata: ', '\n\ndata: ', '\uFEFFdata: ', 'data: {}\ndata: '))

/** A stream of classic events, mostly of the commonest form, and where its reads are cut. */
export const classicStream = fc.record({
  events: fc.array(fc.tuple(prefix, frame, lineEnd, lineEnd), { maxLength: 12 }),
  isCut: fc.boolean(),
  lengths: fc.array(fc.nat({ max: 60 }), { maxLength: 30 })
}).map(({ events, isCut, lengths }) => {
  const whole = Buffer.from(events.map(([prefix, frame, first, second]) => `${prefix}${frame}${first}${second}`).join(''))
  return { bytes: isCut ? whole.subarray(0, -3) : whole, lengths }
})
