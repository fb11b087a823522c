import t from 'tap'
import { toCallerName } from '../../../../src/surfaces/openai/responses/names.ts'

const places = ['instructions', 'previous_response_id', 'input[0]', 'input[3]', 'input[4].output']
const source = { places, sent: { input: [], top_p: 1 } }

for (const [given, expected] of [
  ['messages', 'input'],
  ['messages[0].name', 'instructions'],
  ['messages[1].tool_calls[0].function.arguments', 'previous_response_id'],
  ['messages[2].content[1].image_url.url', 'input[0].content[1].image_url'],
  ['messages[2].content[1]', 'input[0].content[1]'],
  ['messages[3].content[0].file.file_data', 'input[3].content[0].file_data'],
  ['messages[3].reasoning_content', 'input[3]'],
  ['messages[4].content[1].image_url.url', 'input[4].output[1].image_url'],
  ['messages[4].content', 'input[4].output'],
  ['messages[4].tool_call_id', 'input[4]'],
  ['messages[3].content[0].image_url', 'input[3].content[0].image_url'],
  ['messages[0].content[0].text', 'instructions'],
  ['messages[1].content[0].image_url.url', 'previous_response_id'],
  ['messages[9].name', 'input'],
  ['max_tokens', 'max_output_tokens'],
  ['max_completion_tokens', 'max_output_tokens'],
  ['response_format', 'text.format'],
  ['response_format.json_schema.schema.not', 'text.format.schema.not'],
  ['reasoning_effort', 'reasoning.effort'],
  ['verbosity', 'text.verbosity'],
  ['logprobs', 'include'],
  ['top_p', 'top_p'],
  ['tools.get_weather.parameters', 'tools.get_weather.parameters'],
  ['input[2]', 'input[2]']
] as const) t.equal(toCallerName(given, source), expected, given)

t.test('a call is an item of its own', async t => {
  const callPlaces = [undefined, undefined, ['input[1]', 'input[2]'], ['previous_response_id']]
  for (const [given, expected] of [
    ['messages[2].tool_calls[1].function.arguments', 'input[2].arguments'],
    ['messages[2].tool_calls[0]', 'input[1]'],
    ['messages[2].tool_calls', 'input[0]'],
    ['messages[3].tool_calls[0].function.arguments', 'previous_response_id'],
    ['messages[1].tool_calls[0].id', 'previous_response_id']
  ] as const) t.equal(toCallerName(given, { ...source, callPlaces }), expected, given)
})

t.test('what the caller sent is called as the caller called it', async t => {
  for (const [sent, given, expected] of [
    [{ max_tokens: 50 }, 'max_completion_tokens', 'max_tokens'],
    [{ max_completion_tokens: 50, max_output_tokens: null }, 'max_completion_tokens', 'max_completion_tokens'],
    [{ max_output_tokens: 50 }, 'max_tokens', 'max_output_tokens'],
    [{ max_tokens: 50, max_output_tokens: 60 }, 'max_tokens', 'max_tokens'],
    [{ response_format: {} }, 'response_format', 'response_format'],
    [{ reasoning: {} }, 'reasoning_effort', 'reasoning.effort']
  ] as const) t.equal(toCallerName(given, { places, sent }), expected, JSON.stringify(sent))
})
