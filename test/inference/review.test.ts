import t from 'tap'
import type { Change } from '../../src/generation/change.ts'
import type { Batch, FinishReason, GenerationEvent } from '../../src/generation/event.ts'
import type { NativeMessage } from '../../src/workers-ai/request/native-message.ts'
import { newWorkBudget } from '../../src/json/work-budget.ts'
import { loadCheckers } from '../../src/json/json-schema.ts'
import { FormatCheck, textOf, toContinuation, toReview, toStreamReview } from '../../src/inference/review.ts'
import type { RunRequest } from '../../src/workers-ai/request/run-request.ts'
import type { OutputFormat } from '../../src/workers-ai/request/structured-output.ts'

await loadCheckers()

const SCHEMA = { type: 'object', properties: { a: { type: 'number' } }, required: ['a'] }
const loose: OutputFormat = { name: 'answer', schema: SCHEMA, isStrict: false }
const strict: OutputFormat = { ...loose, isStrict: true }
const call: GenerationEvent = { type: 'tool_call', index: 0, id: 'call_1', name: 'f', arguments: '{}' }

function answer (text: string, reason: FinishReason = 'stop'): Batch {
  return [...text === '' ? [] : [{ type: 'text' as const, text }], { type: 'usage', usage: { promptTokens: 1, completionTokens: 1 } }, { type: 'finish', reason }]
}

function review (events: Batch, request: Partial<RunRequest>) {
  return toReview(events, { followsToolResult: false, fields: {}, workBudget: newWorkBudget(), changes: [], ...request } as RunRequest)
}

function tell ({ param, action, reason }: Change): string {
  return `${param} ${action}: ${reason}`
}

t.test('what was asked for is nothing to complain about', t => {
  const cases: Array<{ name: string, given: Batch, request: Partial<RunRequest> }> = [
    { name: 'anything', given: answer('Hi'), request: {} },
    { name: 'nothing for want of tokens', given: answer('', 'length'), request: {} },
    { name: 'nothing that was filtered', given: answer('', 'content_filter'), request: {} },
    { name: 'nothing before our own stop sequence', given: [{ type: 'finish', reason: 'stop', stop: 'END' }], request: {} },
    { name: 'nothing where a stop sequence went up', given: answer(''), request: { fields: { stop: ['x'] } } },
    { name: 'whole arguments', given: [{ ...call, arguments: '{"a":"the <|\\"|> mark"}' } as GenerationEvent, ...answer('', 'tool_calls')], request: {} },
    { name: 'a forced call', given: [call, ...answer('', 'tool_calls')], request: { forcedCall: 'Call!', format: strict } },
    { name: 'a call in place of a format', given: [call, ...answer('no JSON', 'tool_calls')], request: { format: strict } },
    { name: 'a format', given: answer('{"a":1}'), request: { format: strict } },
    { name: 'a format that ran out of tokens', given: answer('{"a"', 'length'), request: { format: strict } },
    { name: 'no call for want of tokens', given: answer('', 'length'), request: { forcedCall: 'Call!' } },
    { name: 'an answer that was filtered', given: answer('', 'content_filter'), request: { forcedCall: 'Call!' } },
    { name: 'a result that was answered', given: answer('Warm.'), request: { followsToolResult: true } },
    { name: 'a result that led to another call', given: [call, ...answer('', 'tool_calls')], request: { followsToolResult: true } },
    { name: 'a failure, which is told as one', given: [{ type: 'failure', error: new Error('broken') }], request: { forcedCall: 'Call!' } }
  ]
  for (const { name, given, request } of cases) t.equal(review(given, request), undefined, name)
  t.end()
})

t.test('anything else leads to one more question, and to honesty when that does not help', t => {
  const complaint = "/ must have required property 'a'"
  const corrected = (what: string) => `That does not fit: ${what}. Answer again with the corrected JSON and nothing else.`
  const cases: Array<{ name: string, given: Batch, request: Partial<RunRequest>, followUp: NativeMessage[], second: Batch, change: string }> = [
    { name: 'no call', given: answer('It is warm.'), request: { forcedCall: 'Call f now.' }, followUp: [{ role: 'assistant', content: 'It is warm.' }, { role: 'user', content: 'Call f now.' }], second: answer('Warm.'), change: 'tool_choice dropped: the model called no tool, although it was asked twice' },
    { name: 'no call and no word', given: answer(' \n'), request: { forcedCall: 'Call f now.' }, followUp: [{ role: 'user', content: 'Call f now.' }], second: answer(''), change: 'tool_choice dropped: the model called no tool, although it was asked twice' },
    { name: 'another format', given: answer('{}'), request: { format: loose }, followUp: [{ role: 'assistant', content: '{}' }, { role: 'user', content: corrected(complaint) }], second: answer('{"a":"1"}'), change: 'response_format dropped: the answer does not fit it, although the model was asked for it' },
    { name: 'no format at all', given: answer('One.'), request: { format: loose }, followUp: [{ role: 'assistant', content: 'One.' }, { role: 'user', content: corrected('the answer is not valid JSON') }], second: answer('Two.'), change: 'response_format dropped: the answer does not fit it, although the model was asked for it' },
    { name: 'not even a word in that format', given: answer(''), request: { format: loose }, followUp: [{ role: 'user', content: corrected('the answer is not valid JSON') }], second: answer(''), change: 'response_format dropped: the answer does not fit it, although the model was asked for it' },
    { name: 'nothing', given: answer(' \n'), request: {}, followUp: [], second: answer(''), change: 'messages repaired: the model gave an empty answer, and was asked once more' },
    { name: 'half a mark in arguments', given: [{ ...call, arguments: '{"a":' } as GenerationEvent, { type: 'tool_call', index: 0, arguments: '"<|\\"|"}' }, ...answer('', 'tool_calls')], request: {}, followUp: [], second: answer(''), change: 'tool_calls repaired: the arguments still contain half a token of the chat template, although the model was asked twice' },
    { name: 'nothing about a result', given: answer(' '), request: { followsToolResult: true }, followUp: [{ role: 'user', content: 'Now answer with this result.' }], second: answer(''), change: 'messages repaired: the model gave an empty answer to a tool result, and was asked once more' }
  ]
  for (const { name, given, request, followUp, second, change } of cases) {
    const found = review(given, request)
    t.strictSame(found?.followUp, followUp, name)
    const verdict = found?.giveUp(second)
    t.equal(verdict && 'change' in verdict ? tell(verdict.change) : verdict, change, `${name} (given up)`)
  }
  t.end()
})

t.test('a strict format that is not held is an error', t => {
  const verdict = review(answer('{}'), { format: strict })?.giveUp(answer('{"a":"1"}')) ?? {}
  t.match('error' in verdict && verdict.error, {
    message: "The model's answer does not match the schema of response_format 'answer': /a must be number. Simplify the schema, or use a model that enforces it.",
    status: 400,
    type: 'invalid_request_error',
    code: 'json_schema_mismatch',
    param: 'response_format',
    headers: { 'x-should-retry': 'false' }
  })
  t.end()
})

t.test('a stream is checked at its end', t => {
  const cases: Array<{ name: string, format: OutputFormat, given: Batch[], isFailure?: boolean, changes?: string[] }> = [
    { name: 'what fits passes', format: strict, given: [[{ type: 'text', text: '{"a"' }], answer(':1}')] },
    { name: 'what does not fit a loose format is told', format: loose, given: [answer('{}')], changes: ['response_format dropped'] },
    { name: 'what does not fit a strict one is a failure', format: strict, given: [[{ type: 'text', text: '{' }], answer('}')], isFailure: true },
    { name: 'what ran out of tokens passes', format: strict, given: [answer('{', 'length')] },
    { name: 'a call passes', format: strict, given: [[call], answer('', 'stop')] },
    { name: 'a failure stays the failure it is', format: strict, given: [[{ type: 'text', text: '{' }, { type: 'failure', error: new Error('broken') }]] }
  ]
  for (const { name, format, given, isFailure = false, changes = [] } of cases) {
    const told: Change[] = []
    const stage = new FormatCheck(format, told, newWorkBudget())
    const out = given.flatMap(batch => stage.push(batch))
    const last = out.at(-1)
    t.strictSame(isFailure ? out.slice(0, -1) : out, isFailure ? given.flat().slice(0, -1) : given.flat(), name)
    if (isFailure) t.match(last, { type: 'failure', error: { code: 'json_schema_mismatch' } }, `${name} (last)`)
    t.strictSame(told.map(({ param, action }) => `${param} ${action}`), changes, `${name} (changes)`)
  }
  t.end()
})

t.test('a stream that is too long to be held is told as it is, and that it was not checked', t => {
  const told: Change[] = []
  const stage = new FormatCheck(strict, told, newWorkBudget())
  const piece: Batch = [{ type: 'text', text: 'x'.repeat(1_048_576) }]
  for (let count = 0; count < 5; count++) t.strictSame(stage.push(piece), piece)
  t.strictSame(stage.push(answer('')), answer(''))
  t.strictSame(told.map(tell), ['response_format dropped: the answer is not checked: it is longer than 4194304 characters'])
  t.end()
})

t.test('the text of an answer', t => {
  t.equal(textOf([{ type: 'reasoning', text: 'Hm.' }, { type: 'text', text: 'a' }, call, { type: 'text', text: 'b' }]), 'ab')
  t.end()
})

t.test('a second answer may be further from the format than the first', t => {
  const limits: OutputFormat = { name: 'answer', isStrict: false, schema: { type: 'object', properties: { a: { maxLength: 2 }, b: { maxLength: 2 } } } }
  const complaint = review(answer('{"a":"bcd"}'), { format: limits })
  const cases: Array<[second: Batch, isWorse: boolean]> = [
    [answer('Sorry, I cannot do that.'), true], [answer('{"a":"bcd","b":"bcd"}'), true], [answer('{"a":', 'length'), true], [answer(''), true],
    [answer('{"a":"bcde"}'), false], [answer('{"a":"b"}'), false], [[call, ...answer('', 'tool_calls')], false]
  ]
  for (const [second, isWorse] of cases) t.equal(complaint?.isWorse?.(second), isWorse, textOf(second))
  t.equal(review(answer('Prose.'), { format: limits })?.isWorse?.(answer('More prose.')), false, 'prose is no worse than prose')
  t.end()
})

t.test('a stream is reviewed for what can still be had, but not for its format', t => {
  const request = { followsToolResult: false, fields: {}, format: strict } as unknown as RunRequest
  t.equal(toStreamReview(answer('no JSON'), request), undefined)
  t.strictSame(toStreamReview(answer(''), request)?.followUp, [])
  t.end()
})

t.test('a second answer goes on with the calls that were told', t => {
  const end = answer('', 'tool_calls')
  const begun: Batch = [{ ...call, arguments: '{"a": "b", "c":' } as GenerationEvent]
  const second = (args: string, name = 'f'): Batch => [{ type: 'tool_call', index: 0, id: 'call_2', name, arguments: args }, ...end]
  t.strictSame(toContinuation([], second('{}')), second('{}'), 'of which there are none')
  t.strictSame(toContinuation(begun, second('{"a":"b","c":"d e"}')), [{ type: 'tool_call', index: 0, arguments: '"d e"}' }, ...end], 'whatever the white space')
  const more: GenerationEvent = { type: 'tool_call', index: 1, id: 'call_3', name: 'g', arguments: '{}' }
  t.strictSame(toContinuation(begun, [...second('{"a":"b","c":1}'), more]), [{ type: 'tool_call', index: 0, arguments: '1}' }, more, ...end], 'and may have others')
  t.equal(toContinuation(begun, second('{"a":"x","c":1}')), undefined, 'but not by other arguments')
  t.equal(toContinuation(begun, second('{"a":"b","c":1}', 'g')), undefined, 'nor by another name')
  t.equal(toContinuation(begun, answer('Hi')), undefined, 'nor without a call')
  t.end()
})
