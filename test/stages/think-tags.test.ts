import fc from 'fast-check'
import t from 'tap'
import type { Batch, GenerationEvent } from '../../src/generation/event.ts'
import { THINK, ThinkTags, THOUGHT_CHANNEL } from '../../src/stages/think-tags.ts'
import { cut, FINISH, merged, places, recut, text, textOf, told, usage } from '../streams/events.ts'
import { runs } from '../property-runs.ts'
import { cpuTime } from '../cpu-time.ts'

const MAX_TOKENS = 100
const CUT: GenerationEvent = { type: 'finish', reason: 'length' }

function stageOf (isOpen: boolean): ThinkTags {
  return new ThinkTags({ tags: [THINK, THOUGHT_CHANNEL], isOpen, maxTokens: MAX_TOKENS })
}

function reasoning (thought: string): Batch {
  return [{ type: 'reasoning', text: thought }]
}

t.test('thinking at the beginning of an answer is told as reasoning', t => {
  const cases: Array<{ name: string, isOpen?: boolean, given: string, expected: Batch }> = [
    { name: 'between tags', given: '<think>\nHm.\n</think>\n\nYes.', expected: [...reasoning('Hm.'), ...text('Yes.')] },
    { name: 'in gemma\'s channel', given: '<|channel>thought\nHm. </think> <channel\n<channel|>Yes. <channel|>', expected: [...reasoning('Hm. </think> <channel'), ...text('Yes. <channel|>')] },
    { name: 'in gemma\'s channel, when it is nothing', given: '<|channel>thought\n<channel|>Yes.', expected: text('Yes.') },
    { name: 'between tags, with gemma\'s end inside', given: '<think>a <channel|> b</think>c', expected: [...reasoning('a <channel|> b'), ...text('c')] },
    { name: 'behind white space', given: '\n <think>Hm.</think>Yes.', expected: [...reasoning('Hm.'), ...text('Yes.')] },
    { name: 'with white space inside of it', given: '<think>a \n b </think> c \n d ', expected: [...reasoning('a \n b'), ...text('c \n d ')] },
    { name: 'with things inside that look like tags', given: '<think>a </thin </b> < b</think>c', expected: [...reasoning('a </thin </b> < b'), ...text('c')] },
    { name: 'when it is nothing', given: '<think>\n\n</think>\n\nYes.', expected: text('Yes.') },
    { name: 'when nothing follows', given: '<think>Hm.</think>\n', expected: reasoning('Hm.') },
    { name: 'once', given: '<think>a</think><think>b</think>', expected: [...reasoning('a'), ...text('<think>b</think>')] },
    { name: 'when it is not finished', given: '<think>Hm. </thi', expected: reasoning('Hm. </thi') },
    { name: 'when it is nothing but a tag', given: '<think>', expected: [] },
    { name: 'not in the middle', given: 'Yes. <think>Hm.</think>', expected: text('Yes. <think>Hm.</think>') },
    { name: 'not without its opening tag', given: 'Hm.</think>Yes.', expected: text('Hm.</think>Yes.') },
    { name: 'not when the tag is another', given: ' <thinking>Hm.', expected: text(' <thinking>Hm.') },
    { name: 'not when the tag is never whole', given: '\n<thi', expected: text('\n<thi') },
    { name: 'not when there is only white space', given: ' \n', expected: text(' \n') },
    { name: 'without its opening tag where the template writes it', isOpen: true, given: '\nHm.\n</think>\n\nYes.', expected: [...reasoning('Hm.'), ...text('Yes.')] },
    { name: 'with it all the same', isOpen: true, given: '<think>\nHm.\n</think>\nYes.', expected: [...reasoning('Hm.'), ...text('Yes.')] },
    { name: 'with a tag that is another, too', isOpen: true, given: '<b>Hm</b></think>Yes.', expected: [...reasoning('<b>Hm</b>'), ...text('Yes.')] },
    { name: 'but is text as well when it never ends', isOpen: true, given: '\nYes. \n', expected: [...reasoning('Yes. \n'), ...text('Yes. \n')] },
    { name: 'unless it began with the tag', isOpen: true, given: '<think>Hm.', expected: reasoning('Hm.') },
    { name: 'and white space is text', isOpen: true, given: '\n', expected: text('\n') }
  ]
  for (const { name, isOpen = false, given, expected } of cases) {
    t.strictSame(told(stageOf(isOpen), [...text(given), FINISH]), [...expected, FINISH], name)
    t.strictSame(told(stageOf(isOpen), [...text(...given.split('')), FINISH]), [...expected, FINISH], `${name}, a letter at a time`)
  }
  t.end()
})

t.test('thinking that ran out of tokens stays reasoning', t => {
  const cases: Array<{ name: string, given: Batch, expected: Batch }> = [
    { name: 'as upstream says', given: [...text('Hm. '), CUT], expected: [...reasoning('Hm. '), CUT] },
    { name: 'as the tokens say', given: [...text('Hm.'), usage(MAX_TOKENS), FINISH], expected: [...reasoning('Hm.'), usage(MAX_TOKENS), FINISH] },
    { name: 'with half a closing tag', given: [...text('Hm.</thi'), CUT], expected: [...reasoning('Hm.</thi'), CUT] },
    { name: 'unlike an answer that ended before', given: [...text('Yes.'), usage(MAX_TOKENS - 1), FINISH], expected: [...reasoning('Yes.'), usage(MAX_TOKENS - 1), ...text('Yes.'), FINISH] }
  ]
  for (const { name, given, expected } of cases) t.strictSame(told(stageOf(true), given), expected, name)
  t.end()
})

t.test('other events keep their place', t => {
  const call: GenerationEvent = { type: 'tool_call', index: 0, id: 'call_1', name: 'f', arguments: '{}' }
  const failure: GenerationEvent = { type: 'failure', error: new Error('broken') }
  const cases: Array<{ name: string, isOpen?: boolean, given: Batch, expected: Batch }> = [
    { name: 'a call ends the thinking before it', given: [...text('<think>Hm. '), call, ...text('Yes.'), FINISH], expected: [...reasoning('Hm. '), call, ...text('Yes.'), FINISH] },
    { name: 'what the template opened is text as well before a call', isOpen: true, given: [...text('Let me see.'), call, FINISH], expected: [...reasoning('Let me see.'), ...text('Let me see.'), call, FINISH] },
    { name: 'a call after the thinking passes', isOpen: true, given: [...text('Hm.</think>\n'), call, FINISH], expected: [...reasoning('Hm.'), call, FINISH] },
    { name: 'a failure ends the thinking, which is no answer', isOpen: true, given: [...text('Hm. </th'), failure], expected: [...reasoning('Hm. </th'), failure] },
    { name: 'native reasoning passes', given: [...reasoning('Hm.'), ...text('<think>a</think>b'), FINISH], expected: [...reasoning('Hm.a'), ...text('b'), FINISH] }
  ]
  for (const { name, isOpen = false, given, expected } of cases) t.strictSame(told(stageOf(isOpen), given), expected, name)
  t.end()
})

t.test('an answer without thinking keeps what is known of its tokens', t => {
  const token = (text: string): GenerationEvent => ({ type: 'text', text, logprobs: [{ token: text, logprob: -1, bytes: null, top_logprobs: [] }] })
  const events = ['\n', '<', 'b', '>', 'Yes'].map(token)
  t.strictSame(stageOf(false).push(events), events, 'in one batch')
  const stage = stageOf(false)
  t.strictSame(events.flatMap(event => stage.push([event])), events, 'in several')
  t.strictSame(stageOf(false).push([token(' '), FINISH]), [token(' '), FINISH], 'when nothing else comes')
  t.end()
})

t.test('only a possible tag and the white space before it are held back', t => {
  const cases = [
    { given: '<thi', expected: [] },
    { given: ' <x', expected: text(' <x') },
    { given: '<think>\n', expected: [] },
    { given: '<think>Hm', expected: reasoning('Hm') },
    { given: '<think>Hm. <', expected: reasoning('Hm.') },
    { given: '<think>Hm. </b', expected: reasoning('Hm. </b') },
    { given: '<think>Hm.</think>\n', expected: reasoning('Hm.') },
    { given: '<think>Hm.</think>\nYes <think', expected: [...reasoning('Hm.'), ...text('Yes <think')] }
  ]
  for (const { given, expected } of cases) t.strictSame(merged(stageOf(false).push(text(given))), expected, JSON.stringify(given))
  t.end()
})

const part = fc.constantFrom('<think>', '</think>', '<', '/', 'think', '>', ' ', '\n', 'a', '🙂')
const whole = fc.array(part, { maxLength: 20 }).map(parts => parts.join(''))

t.test('however a stream is cut, the same events come out', t => {
  const end = fc.constantFrom<Batch>([FINISH], [CUT], [usage(MAX_TOKENS), FINISH], [{ type: 'failure', error: new Error('broken') }])
  t.doesNotThrow(() => fc.assert(fc.property(whole, end, fc.boolean(), places, (whole, end, isOpen, places) => {
    const [atOnce, pieces] = [text(whole), recut(text(whole), places)].map(given => JSON.stringify(told(stageOf(isOpen), [...given, ...end])))
    return atOnce === pieces
  }), { numRuns: runs(3_000) }))
  t.end()
})

t.test('no answer shows thinking, and what begins with none comes out as it went in', t => {
  t.doesNotThrow(() => fc.assert(fc.property(whole.filter(thought => !thought.includes('</think>')), places, (thought, places) => {
    const answer = `<think>${thought}</think>Yes.`
    return textOf(told(stageOf(true), [...text(...cut(answer, places)), FINISH])) === 'Yes.'
  }), { numRuns: runs(1_000) }))
  t.doesNotThrow(() => fc.assert(fc.property(whole, places, (answer, places) => {
    return textOf(told(stageOf(false), [...text(...cut(`a${answer}`, places)), FINISH])) === `a${answer}`
  }), { numRuns: runs(1_000) }))
  t.end()
})

t.test('long thinking costs no more than its length', t => {
  for (const given of [`<think>${'Hm.\n'.repeat(50_000)}`, `<think>Hm.${'\n'.repeat(200_000)}x`, '\n'.repeat(200_000), '</think'.repeat(30_000)]) {
    const start = cpuTime()
    told(stageOf(true), [...text(...given.match(/[^]{1,5}/g) ?? []), FINISH])
    const duration = cpuTime() - start
    t.ok(duration < 1_000, `${JSON.stringify(given.slice(0, 12))}: ${Math.round(duration)} ms`)
  }
  t.end()
})
