import fc from 'fast-check'
import t from 'tap'
import type { Batch, GenerationEvent } from '../../src/generation/event.ts'
import { HarmonyChannels } from '../../src/stages/harmony-channels.ts'
import { cut, FINISH, merged, places, recut, text, told } from '../streams/events.ts'
import { runs } from '../property-runs.ts'

const thought = (text: string): GenerationEvent => ({ type: 'reasoning', text })
const CALL = '<|channel|>commentary to=functions.f <|constrain|>json<|message|>{"a":1}<|call|>'

t.test('thinking and answer are told apart', t => {
  const cases: Array<{ name: string, given: string, expected: Batch }> = [
    { name: 'both', given: '<|channel|>analysis<|message|>They greet.<|end|><|start|>assistant<|channel|>final<|message|>Hello!<|return|>', expected: [thought('They greet.'), ...text('Hello!')] },
    { name: 'both, without an end', given: '<|channel|>analysis<|message|>They greet.<|end|><|start|>assistant<|channel|>final<|message|>Hello!', expected: [thought('They greet.'), ...text('Hello!')] },
    { name: 'from the beginning of the turn', given: '\n<|start|>assistant<|channel|>analysis<|message|>Hm.<|end|>\n<|start|>assistant<|channel|>final <|constrain|>json<|message|>{}<|return|>\n', expected: [thought('Hm.'), ...text('{}')] },
    { name: 'without an end between them', given: '<|channel|>analysis<|message|>Hm.<|channel|>final<|message|>Hello!', expected: [thought('Hm.'), ...text('Hello!')] },
    { name: 'an answer alone', given: '<|channel|>final<|message|>Hello!<|return|>', expected: text('Hello!') },
    { name: 'a preamble, thoughts and an answer', given: '<|channel|>commentary<|message|>I look. <|end|><|start|>assistant<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Here.', expected: [...text('I look. '), thought('Hm.'), ...text('Here.')] },
    { name: 'thoughts alone', given: '<|channel|>analysis<|message|>Hm.', expected: [thought('Hm.')] },
    { name: 'a call stays as it is', given: `<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant${CALL}`, expected: [thought('Hm.'), ...text(`<|start|>assistant${CALL}`)] },
    { name: 'two calls stay as they are', given: `${CALL}<|start|>assistant${CALL}`, expected: text(`${CALL}<|start|>assistant${CALL}`) },
    { name: 'marks inside of an answer are a part of it', given: '<|channel|>final<|message|>`<|end|>` ends it, 1 <|2, a <|call|>.', expected: text('`<|end|>` ends it, 1 <|2, a <|call|>.') },
    { name: 'a head without an end is text', given: '<|channel|>analysis', expected: text('<|channel|>analysis') },
    { name: 'and so is one that is too long', given: `<|channel|>${'x'.repeat(600)}`, expected: text(`<|channel|>${'x'.repeat(600)}`) },
    { name: 'an answer that begins otherwise', given: 'Harmony writes <|channel|>analysis<|message|>Hm.<|end|>', expected: text('Harmony writes <|channel|>analysis<|message|>Hm.<|end|>') },
    { name: 'the beginning of a mark', given: ' <|ch', expected: text(' <|ch') },
    { name: 'nothing', given: '', expected: [] }
  ]
  for (const { name, given, expected } of cases) {
    t.strictSame(merged(told(new HarmonyChannels(), [...given === '' ? [] : text(given), FINISH])), [...expected, FINISH], name)
    t.strictSame(told(new HarmonyChannels(), [...text(...given.split('')), FINISH]), [...expected, FINISH], `${name}, a letter at a time`)
  }
  t.end()
})

t.test('text goes past it once it is no such message', t => {
  const stage = new HarmonyChannels()
  t.equal(stage.isTransparent, false)
  const first: Batch = [{ type: 'text', text: '<', json: '"<"' }]
  t.strictSame(stage.push(first), [])
  t.equal(stage.isTransparent, false)
  const second: Batch = [{ type: 'text', text: 'b>', json: '"b>"' }]
  t.strictSame(stage.push(second), [...first, ...second], 'as it came')
  t.equal(stage.isTransparent, true)
  t.end()
})

t.test('what is held before something else is told first', t => {
  const failure: GenerationEvent = { type: 'failure', error: new Error('broken') }
  const call: GenerationEvent = { type: 'tool_call', index: 0, id: 'a', name: 'f', arguments: '{}' }
  t.strictSame(told(new HarmonyChannels(), [...text('<|chan'), failure]), [...text('<|chan'), failure])
  t.strictSame(told(new HarmonyChannels(), [...text('<|channel|>final<|message|>Hi <|e'), call, FINISH]), [...text('Hi <|e'), call, FINISH])
  t.strictSame(told(new HarmonyChannels(), [thought('Hm.'), ...text('<|channel|>final<|message|>Hi'), FINISH]), [thought('Hm.'), ...text('Hi'), FINISH])
  t.end()
})

t.test('however a stream is cut, the same events come out', t => {
  const fragment = fc.constantFrom('<|start|>', 'assistant', '<|channel|>', 'analysis', 'final', 'commentary', ' to=functions.f', '<|message|>', '<|end|>', '<|return|>', '<|call|>', '<', '|', '>', ' ', '\n', 'Hello', '{"a":1}')
  const whole = fc.array(fragment, { maxLength: 20 }).map(parts => `<|channel|>${parts.join('')}`)
  t.doesNotThrow(() => fc.assert(fc.property(whole, places, (whole, places) => {
    const [one, other] = [text(whole), recut(text(whole), places)].map(events => JSON.stringify(merged(told(new HarmonyChannels(), [...events, FINISH]))))
    return one === other && cut(whole, places).join('') === whole
  }), { numRuns: runs(3_000) }))
  t.end()
})
