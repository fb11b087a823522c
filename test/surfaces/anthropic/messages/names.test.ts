import t from 'tap'
import { toCallerName } from '../../../../src/surfaces/anthropic/messages/names.ts'

const source = {
  places: [
    { message: 'system' },
    { message: 'messages.0' },
    { message: 'messages.1', calls: ['messages.1.content.1', 'messages.1.content.3'] },
    { message: 'messages.2.content.0', parts: ['messages.2.content.0.content.0', 'messages.2.content.0.content.1'] }
  ],
  tools: new Map([['get_weather', 'tools.2']]),
  format: 'output_config.format',
  thinking: 'output_config.effort'
} as const

for (const [given, expected] of [
  ['messages', 'messages'],
  ['messages[0]', 'system'],
  ['messages[1].name', 'messages.0'],
  ['messages[1].content[0]', 'messages.0'],
  ['messages[2].tool_calls[1].function.arguments', 'messages.1.content.3.input'],
  ['messages[2].tool_calls[0]', 'messages.1.content.1'],
  ['messages[2].tool_calls[9].function', 'messages.1'],
  ['messages[2].reasoning_content', 'messages.1'],
  ['messages[3].content[1].image_url.url', 'messages.2.content.0.content.1.source'],
  ['messages[3].content[1].file.file_data', 'messages.2.content.0.content.1.source'],
  ['messages[3].content[1]', 'messages.2.content.0.content.1'],
  ['messages[3].content', 'messages.2.content.0'],
  ['messages[9]', 'messages'],
  ['max_tokens', 'max_tokens'],
  ['max_completion_tokens', 'max_tokens'],
  ['stop', 'stop_sequences'],
  ['top_k', 'top_k'],
  ['parallel_tool_calls', 'tool_choice.disable_parallel_tool_use'],
  ['prompt_cache_key', 'metadata.user_id'],
  ['tools.get_weather.parameters.city.type', 'tools.2.input_schema.city.type'],
  ['tools.other.parameters', 'tools.input_schema'],
  ['tools', 'tools'],
  ['tool_calls[1].function.arguments', 'content.1.input'],
  ['tool_calls', 'content'],
  ['response_format', 'output_config.format'],
  ['response_format.json_schema.schema.not', 'output_config.format.schema.not'],
  ['reasoning_effort', 'output_config.effort'],
  ['thinking', 'thinking'],
  ['usage', 'usage'],
  ['messages.0.content.1', 'messages.0.content.1'],
  ['tools.0.defer_loading', 'tools.0.defer_loading']
] as const) t.equal(toCallerName(given, source), expected, given)

t.test('the older form of the format, and an effort that comes from thinking', t => {
  const other = { ...source, format: 'output_format', thinking: 'thinking' } as const
  t.equal(toCallerName('response_format.json_schema', other), 'output_format')
  t.equal(toCallerName('reasoning_effort', other), 'thinking')
  t.end()
})
