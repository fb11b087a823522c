import t from 'tap'
import type { Batch, GenerationEvent } from '../../src/generation/event.ts'
import { throughStages } from '../../src/generation/pipeline.ts'
import type { GenerationRequest, FunctionTool } from '../../src/generation/request.ts'
import { loadCheckers } from '../../src/json/json-schema.ts'
import { toRunRequest, type RunRequest } from '../../src/workers-ai/request/run-request.ts'
import { toStages } from '../../src/inference/stages.ts'
import type { FamilyName } from '../../src/workers-ai/models/family.ts'
import { FINISH, merged, text, usage } from '../streams/events.ts'
import { all, sourceOf } from '../sources.ts'
import { modelOf } from '../workers-ai/request/model-of.ts'

await loadCheckers()

const weather: FunctionTool = { type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' }, days: { type: 'integer' } } } } }
const color = { type: 'json_schema' as const, json_schema: { name: 'color', strict: true, schema: { type: 'object', properties: { color: { enum: ['red'] } }, required: ['color'] } } }

function requestOf (family: FamilyName, more: Partial<GenerationRequest> = {}): RunRequest {
  return toRunRequest({ model: 'm', messages: [{ role: 'user', content: 'Hello?' }], ...more }, modelOf(family), { defaultMaxTokens: 100, maxChoices: 8, unsupportedParams: 'warn', emulateTools: true, rejectIfBusy: false })
}

function stagesOf (family: FamilyName, request: RunRequest, isStreamed: boolean) {
  let calls = 0
  return toStages(request, modelOf(family).family, { isStreamed, newCallId: () => `call_${++calls}` })
}

t.test('a request gets the stages it needs, in their order', t => {
  const plain: Partial<GenerationRequest> = {}
  const cases: Array<{ name: string, family: FamilyName, given: Partial<GenerationRequest>, isStreamed?: boolean, expected: string[] }> = [
    { name: 'nothing special', family: 'classic', given: plain, expected: ['Ending'] },
    { name: 'a model that thinks', family: 'openai', given: plain, expected: ['ThinkTags', 'Ending'] },
    { name: 'a model that thinks aloud', family: 'qwq', given: plain, expected: ['ThinkTags', 'Ending'] },
    { name: 'tools', family: 'classic', given: { tools: [weather] }, expected: ['LeakedToolCalls', 'ToolNames', 'ToolArguments', 'Ending'] },
    { name: 'one tool that has to be called', family: 'gpt-oss', given: { tools: [weather], tool_choice: 'required' }, isStreamed: false, expected: ['HarmonyChannels', 'ThinkTags', 'LeakedToolCalls', 'ToolNames', 'ForcedArguments', 'ToolArguments', 'Ending'] },
    { name: 'a template of channels', family: 'gpt-oss', given: plain, expected: ['HarmonyChannels', 'ThinkTags', 'Ending'] },
    { name: 'tools whose arguments are sound', family: 'openai', given: { tools: [weather] }, expected: ['ThinkTags', 'LeakedToolCalls', 'ToolNames', 'ArgumentMarks', 'Ending'] },
    { name: 'the same, not streamed', family: 'openai', given: { tools: [weather] }, isStreamed: false, expected: ['ThinkTags', 'LeakedToolCalls', 'ToolNames', 'ToolArguments', 'Ending'] },
    { name: 'tools that may not be called', family: 'classic', given: { tools: [weather], tool_choice: 'none' }, expected: ['Ending'] },
    { name: 'one call at a time', family: 'classic', given: { tools: [weather], parallel_tool_calls: false }, expected: ['LeakedToolCalls', 'ToolNames', 'SingleToolCall', 'ToolArguments', 'Ending'] },
    { name: 'a format', family: 'openai', given: { response_format: color }, expected: ['ThinkTags', 'JsonText', 'Ending', 'FormatCheck'] },
    { name: 'a format that is reviewed', family: 'classic', given: { response_format: { type: 'json_object' } }, isStreamed: false, expected: ['JsonText', 'Ending'] },
    { name: 'stop sequences', family: 'openai', given: { stop: 'END' }, expected: ['ThinkTags', 'StopSequences', 'Ending'] },
    { name: 'thinking that is not to be told', family: 'openai', given: { reasoning: { exclude: true } } as object, expected: ['ThinkTags', 'Ending', 'HiddenThinking'] },
    { name: 'log probabilities', family: 'openai', given: { logprobs: true }, expected: ['ThinkTags', 'Ending', 'LogprobsCheck'] },
    { name: 'log probabilities of a model that tells none', family: 'gpt-oss', given: { logprobs: true }, expected: ['HarmonyChannels', 'ThinkTags', 'Ending'] },
    { name: 'everything', family: 'r1-distill', given: { tools: [weather], parallel_tool_calls: false, response_format: color, stop: ['END'] }, expected: ['ThinkTags', 'LeakedToolCalls', 'ToolNames', 'SingleToolCall', 'ToolArguments', 'JsonText', 'StopSequences', 'Ending', 'FormatCheck'] }
  ]
  for (const { name, family, given, isStreamed = true, expected } of cases) {
    t.strictSame(stagesOf(family, requestOf(family, given), isStreamed).map(stage => stage.constructor.name), expected, name)
  }
  t.end()
})

t.test('what no template has asked for is no thinking', t => {
  const request = { ...requestOf('qwq'), isVerbatim: true }
  t.strictSame(stagesOf('qwq', request, true).map(stage => stage.constructor.name), ['Ending'])
  t.end()
})

t.test('streams become what the caller is to hear', async t => {
  const called = (args: string, index = 0): GenerationEvent => ({ type: 'tool_call', index, id: `call_${index + 1}`, name: 'weather', arguments: args })
  const stop: GenerationEvent = { type: 'finish', reason: 'stop' }
  const calls: GenerationEvent = { type: 'finish', reason: 'tool_calls' }
  const cases: Array<{ name: string, family: FamilyName, given: Partial<GenerationRequest>, native: Batch[], expected: Batch, changes?: string[] }> = [
    {
      name: 'thinking, prose and a leaked call with a mistake',
      family: 'r1-distill',
      given: { tools: [weather] },
      native: [text('Hm. {"name": "weather"}'), text('</thi', 'nk>\n\nLet me see.\n<tool'), text('_call>{"name": "weather", "arguments": {"days": "3"'), text('}}</tool_call>'), [usage(9), FINISH]],
      expected: [{ type: 'reasoning', text: 'Hm. {"name": "weather"}' }, ...text('Let me see.\n'), called('{"days":3}'), usage(9), calls],
      changes: ['tool_calls repaired', 'tool_calls[0].function.arguments repaired']
    },
    {
      name: 'two leaked calls where one is wanted',
      family: 'classic',
      given: { tools: [weather], parallel_tool_calls: false },
      native: [text('[weather(city="Oslo"), weather(city="Rome")]'), [usage(9), FINISH]],
      expected: [called('{"city":"Oslo"}'), usage(9), calls],
      changes: ['parallel_tool_calls emulated', 'tool_calls repaired']
    },
    {
      name: 'a native call in pieces, whose arguments are sound',
      family: 'openai',
      given: { tools: [weather] },
      native: [[called('')], [{ type: 'tool_call', index: 0, arguments: '{"days":' }], [{ type: 'tool_call', index: 0, arguments: '"3"}' }], [usage(9), FINISH]],
      expected: [called(''), { type: 'tool_call', index: 0, arguments: '{"days":' }, { type: 'tool_call', index: 0, arguments: '"3"}' }, usage(9), calls]
    },
    {
      name: 'a decorated name, in a stream',
      family: 'openai',
      given: { tools: [weather] },
      native: [[{ ...called('') as object, name: 'functions.weather:0' } as GenerationEvent], [{ type: 'tool_call', index: 0, arguments: '{}' }], [usage(9), FINISH]],
      expected: [called(''), { type: 'tool_call', index: 0, arguments: '{}' }, usage(9), calls],
      changes: ['tool_calls repaired']
    },
    {
      name: 'a leaked call by a namespace',
      family: 'gpt-oss',
      given: { tools: [weather] },
      native: [text('{"name": "functions.weather", "arguments": {"days": 3}}'), [usage(9), FINISH]],
      expected: [called('{"days":3}'), usage(9), calls],
      changes: ['tool_calls repaired', 'tool_calls repaired']
    },
    {
      name: 'marks in arguments that are streamed',
      family: 'kimi',
      given: { tools: [weather] },
      native: [[called('')], [{ type: 'tool_call', index: 0, arguments: '{"city":"<|' }], [{ type: 'tool_call', index: 0, arguments: '\\"|>Oslo<|\\"|>"}' }], [usage(9), FINISH]],
      expected: [called(''), { type: 'tool_call', index: 0, arguments: '{"city":' }, { type: 'tool_call', index: 0, arguments: '"Oslo"}' }, usage(9), calls],
      changes: ['tool_calls repaired']
    },
    {
      name: 'gemma\'s channel of thoughts',
      family: 'gemma-4',
      given: {},
      native: [text('<|channel>thou', 'ght\nHm.<chan', 'nel|>Yes.'), [usage(9), FINISH]],
      expected: [{ type: 'reasoning', text: 'Hm.' }, ...text('Yes.'), usage(9), stop]
    },
    {
      name: 'fenced JSON that fits',
      family: 'openai',
      given: { response_format: color },
      native: [text('Here:\n```js', 'on\n{"col'), text('or":"red"}\n``'), text('`'), [usage(9), FINISH]],
      expected: [...text('{"color":"red"}'), usage(9), stop],
      changes: ['content repaired']
    },
    {
      name: 'a stop sequence behind thinking that holds it',
      family: 'qwq',
      given: { stop: 'END' },
      native: [text('END?</think>Yes. EN'), text('D No.'), [usage(9), FINISH]],
      expected: [{ type: 'reasoning', text: 'END?' }, ...text('Yes. '), { type: 'usage', usage: { promptTokens: 9, completionTokens: 3, estimated: true } }, { ...stop, stop: 'END' }]
    },
    {
      name: 'thinking that ran out of tokens',
      family: 'qwq',
      given: {},
      native: [text('Hm.'), [usage(100), FINISH]],
      expected: [{ type: 'reasoning', text: 'Hm.' }, usage(100), { type: 'finish', reason: 'length' }]
    },
    {
      name: 'an answer of a model that did not think',
      family: 'qwq',
      given: { response_format: color },
      native: [text('{"color":"red"}'), [usage(9), FINISH]],
      expected: [{ type: 'reasoning', text: '{"color":"red"}' }, ...text('{"color":"red"}'), usage(9), stop]
    }
  ]
  for (const { name, family, given, native, expected, changes = [] } of cases) {
    const request = requestOf(family, given)
    const out = (await all(throughStages(sourceOf(native), stagesOf(family, request, true)))).flat()
    t.strictSame(merged(out), expected, name)
    t.strictSame(request.changes.map(({ param, action }) => `${param} ${action}`), changes, `${name} (changes)`)
  }

  const native = [text('{"color":"green"}'), [usage(9), FINISH]]
  const out = (await all(throughStages(sourceOf(native), stagesOf('openai', requestOf('openai', { response_format: color }), true)))).flat()
  t.match(out, [{ type: 'text', text: '{"color":"green"}' }, usage(9), { type: 'failure', error: { code: 'json_schema_mismatch' } }], 'JSON that does not fit ends in a failure')
  t.equal(out.length, 3)
})
