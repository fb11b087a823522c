import t from 'tap'
import { ChatCompletionRequest } from '../../../../src/surfaces/openai/chat-completions/request.ts'
import { ResponseRequest, type InputItem } from '../../../../src/surfaces/openai/responses/request.ts'
import { SUMMARY_QUESTION } from '../../../../src/surfaces/openai/responses/compaction.ts'
import { OF_CHATS, toGenerationRequest, toItems } from '../../../../src/surfaces/openai/responses/to-request.ts'

const model = '@cf/meta/llama-3.3-70b-instruct-fp8-fast'
const user = (text: string) => ({ role: 'user', content: [{ type: 'text', text }] })

function translate (request: object, earlier: InputItem[] = []) {
  const { asked, changes, places } = toGenerationRequest({ model, input: 'Hi', ...request } as ResponseRequest, earlier)
  return { asked, places, changes: changes.map(({ param, action }) => `${param} ${action}`) }
}

const cases: Array<{ name: string, given: object, expected: object, changes?: string[] }> = [
  { name: 'a text is a user message', given: {}, expected: { model, messages: [user('Hi')], stream: false } },
  { name: 'instructions come first', given: { instructions: 'Be brief.' }, expected: { messages: [{ role: 'system', content: [{ type: 'text', text: 'Be brief.' }] }, user('Hi')] } },
  { name: 'empty instructions are none', given: { instructions: '' }, expected: { messages: [user('Hi')] } },
  { name: 'a stream', given: { stream: true, stream_options: { include_obfuscation: false } }, expected: { stream: true } },
  { name: 'sampling', given: { temperature: 0.5, top_p: 0.9 }, expected: { temperature: 0.5, top_p: 0.9 } },
  { name: 'the limit', given: { max_output_tokens: 100 }, expected: { max_completion_tokens: 100 } },
  { name: 'the limit by a chat\'s name', given: { max_tokens: 100 }, expected: { max_completion_tokens: 100, max_tokens: undefined }, changes: ['max_tokens renamed'] },
  { name: 'the limit by a chat\'s newer name', given: { max_completion_tokens: 100 }, expected: { max_completion_tokens: 100 }, changes: ['max_completion_tokens renamed'] },
  { name: 'the limit by all names', given: { max_output_tokens: 100, max_completion_tokens: 100, max_tokens: 50 }, expected: { max_completion_tokens: 100 }, changes: ['max_tokens dropped'] },
  { name: 'the effort', given: { reasoning: { effort: 'high' } }, expected: { reasoning_effort: 'high' } },
  { name: 'a summary of the thinking', given: { reasoning: { summary: 'auto' } }, expected: { reasoning_effort: undefined }, changes: ['reasoning.summary emulated'] },
  { name: 'a compaction that comes by itself', given: { context_management: [{ type: 'compaction', compact_threshold: 1000 }] }, expected: {}, changes: ['context_management dropped'] },
  { name: 'what else of OpenAI\'s is not to be had', given: { moderation: { model: 'm' }, prompt_cache_options: { mode: 'explicit' }, prompt_cache_retention: '24h' }, expected: {}, changes: ['moderation dropped', 'prompt_cache_options dropped', 'prompt_cache_retention dropped'] },
  { name: 'nothing of it', given: { context_management: [], moderation: {}, prompt_cache_options: null, prompt_cache_retention: null }, expected: {} },
  { name: 'what a chat has, turned off', given: { n: 1, frequency_penalty: 0, logit_bias: {}, min_p: 0, stop: [] }, expected: { n: undefined } },
  { name: 'an empty text', given: { text: {} }, expected: { response_format: undefined, verbosity: undefined } },
  { name: 'JSON', given: { text: { format: { type: 'json_object' }, verbosity: 'low' } }, expected: { response_format: { type: 'json_object' }, verbosity: 'low' } },
  {
    name: 'a schema',
    given: { text: { format: { type: 'json_schema', name: 'a', schema: { type: 'object' }, strict: true, description: 'A' } } },
    expected: { response_format: { type: 'json_schema', json_schema: { name: 'a', schema: { type: 'object' }, strict: true, description: 'A' } } }
  },
  { name: 'logprobs', given: { include: ['message.output_text.logprobs'], top_logprobs: 2 }, expected: { logprobs: true, top_logprobs: 2 } },
  { name: 'the likeliest tokens alone', given: { top_logprobs: 2 }, expected: { logprobs: true, top_logprobs: 2 } },
  { name: 'what cannot be included', given: { include: ['reasoning.encrypted_content'] }, expected: { logprobs: undefined }, changes: ['include dropped'] },
  {
    name: 'what a chat knows, too',
    given: { user: 'u', safety_identifier: 's', prompt_cache_key: 'k', service_tier: 'flex' },
    expected: { user: 'u', safety_identifier: 's', prompt_cache_key: 'k', service_tier: 'flex' }
  },
  {
    name: 'tools, flat',
    given: { tools: [{ type: 'function', name: 'f', parameters: {} }], tool_choice: { type: 'function', name: 'f' }, parallel_tool_calls: false },
    expected: { tools: [{ type: 'function', function: { name: 'f', description: undefined, parameters: {}, strict: undefined } }], tool_choice: { type: 'function', function: { name: 'f' } }, parallel_tool_calls: false }
  },
  { name: 'a choice without tools', given: { tools: [], tool_choice: 'auto', parallel_tool_calls: true }, expected: { tools: undefined, tool_choice: undefined, parallel_tool_calls: undefined } },
  { name: 'what the proxy itself keeps', given: { store: false, metadata: { a: 'b' }, max_tool_calls: 1, truncation: 'auto' }, expected: { store: undefined, metadata: undefined, truncation: undefined } },
  { name: 'native parameters and those of a client', given: { chat_template_kwargs: { thinking: false }, client_metadata: {}, lora: 'x' }, expected: { chat_template_kwargs: { thinking: false }, client_metadata: {}, lora: 'x' } },
  { name: 'other servers\' words for thinking', given: { reasoning: { effort: 'low', summary: 'auto', exclude: true }, thinking: { type: 'disabled' }, enable_thinking: false }, expected: { reasoning_effort: 'low', reasoning: { exclude: true }, thinking: { type: 'disabled' }, enable_thinking: false }, changes: ['reasoning.summary emulated'] },
  { name: 'a chat\'s name for the effort', given: { reasoning_effort: 'low' }, expected: { reasoning_effort: 'low', reasoning: undefined }, changes: ['reasoning_effort renamed'] },
  { name: 'both names', given: { reasoning: { effort: 'high' }, reasoning_effort: 'low' }, expected: { reasoning_effort: 'high' }, changes: ['reasoning_effort dropped'] },
  { name: 'an effort that is none', given: { reasoning_effort: 'much' }, expected: { reasoning_effort: undefined }, changes: ['reasoning_effort dropped'] },
  { name: 'parameters of a chat, which were not checked', given: { n: 'many', stop: 5, response_format: { type: 5 } }, expected: { n: undefined, stop: undefined, response_format: undefined }, changes: ['n dropped', 'stop dropped', 'response_format dropped'] }
]
for (const { name, given, expected, changes = [] } of cases) {
  t.test(name, async t => {
    const translated = translate(given)
    for (const [member, value] of Object.entries(expected)) t.strictSame(translated.asked[member as keyof typeof translated.asked], value, member)
    t.strictSame(translated.changes, changes)
  })
}

t.test('what was before comes before, but for old instructions', async t => {
  const earlier: InputItem[] = [{ role: 'user', content: 'One' }, { role: 'assistant', content: 'Two' }]
  const { asked, places } = translate({ instructions: 'New', input: [{ role: 'user', content: 'Three' }, { role: 'user', content: 'Four' }], previous_response_id: 'resp_1' }, earlier)
  t.strictSame(asked.messages.map(({ role }) => role), ['system', 'user', 'assistant', 'user', 'user'])
  t.strictSame(places, ['instructions', 'previous_response_id', 'previous_response_id', 'input[0]', 'input[1]'])
  t.strictSame(translate({}).places, ['input'])
})

t.test('an earlier response is enough to go on from', async t => {
  t.strictSame(translate({ input: null, previous_response_id: 'resp_1' }, [{ role: 'user', content: 'One' }]).asked.messages, [user('One')])
})

t.test('a trigger at the end has the model asked for a summary, without what only answers have', async t => {
  const trigger: InputItem = { type: 'compaction_trigger' }
  const { asked, changes, places, isCompaction } = toGenerationRequest({
    model,
    instructions: 'Be brief.',
    input: [{ role: 'user', content: 'One' }, { type: 'function_call', call_id: 'call_1', name: 'read', namespace: 'mcp', arguments: '{}' }, { type: 'function_call_output', call_id: 'call_1', output: 'Two' }, trigger],
    tools: [{ type: 'function', name: 'f' }, { type: 'web_search' }],
    tool_choice: 'required',
    text: { format: { type: 'json_object' } },
    include: ['message.output_text.logprobs'],
    top_logprobs: 2,
    reasoning: { effort: 'high', summary: 'auto' },
    max_output_tokens: 100,
    stream: true
  }, [])
  t.equal(isCompaction, true)
  t.match(asked, { stream: true, reasoning_effort: 'high', max_completion_tokens: 100, response_format: undefined, tools: undefined, tool_choice: undefined, logprobs: undefined })
  t.strictSame(asked.messages.map(({ role }) => role), ['system', 'user', 'assistant', 'tool', 'user'])
  t.strictSame(asked.messages.at(-1)?.content, [{ type: 'text', text: SUMMARY_QUESTION }])
  t.match(asked.messages[2], { tool_calls: [{ function: { name: 'mcp__read' } }] })
  t.strictSame(places, ['instructions', 'input[0]', 'input[1]', 'input[2].output', 'input[3]'])
  t.strictSame(changes.map(({ param, action }) => `${param} ${action}`), ['tools dropped', 'text dropped', 'include dropped', 'top_logprobs dropped', 'reasoning.summary dropped', 'input[3] emulated'])
  t.strictSame(toGenerationRequest({ model, input: [trigger], previous_response_id: 'resp_1', tools: [], include: [] }, [{ role: 'user', content: 'One' }]).places, ['previous_response_id', 'input[0]'], 'what was before is enough')
  t.equal(toGenerationRequest({ model, input: 'Hi' }, []).isCompaction, false)
})

const refusals: Array<{ name: string, given: object, expected: object }> = [
  { name: 'no model', given: { model: undefined }, expected: { status: 400, param: 'model', code: 'missing_required_parameter', message: "Missing required parameter: 'model'." } },
  { name: 'an empty model', given: { model: '' }, expected: { status: 400, param: 'model' } },
  { name: 'no input', given: { input: undefined }, expected: { status: 400, param: null, code: 'missing_required_parameter', message: /^One of "input" or "previous_response_id"/ } },
  { name: 'an empty text', given: { input: '' }, expected: { code: 'missing_required_parameter' } },
  { name: 'an empty list', given: { input: [], instructions: 'Be brief.' }, expected: { code: 'missing_required_parameter' } },
  { name: 'nothing a model could be told', given: { input: [{ type: 'web_search_call' }], instructions: 'Be brief.' }, expected: { status: 400, param: 'input', code: 'invalid_value' } },
  { name: 'a trigger with nothing before it', given: { input: [{ type: 'compaction_trigger' }] }, expected: { status: 400, code: 'missing_required_parameter' } },
  { name: 'a trigger behind instructions alone', given: { instructions: 'Be brief.', input: [{ type: 'compaction_trigger' }] }, expected: { status: 400, code: 'missing_required_parameter' } },
  { name: 'a trigger that is not the last', given: { input: [{ type: 'compaction_trigger' }, { role: 'user', content: 'Hi' }] }, expected: { status: 400, param: 'input[0]', code: 'invalid_value', message: /can only be the last one/ } },
  { name: 'two triggers', given: { input: [{ role: 'user', content: 'Hi' }, { type: 'compaction_trigger' }, { type: 'compaction_trigger' }] }, expected: { status: 400, param: 'input[1]' } },
  { name: 'the background', given: { background: true }, expected: { status: 400, param: 'background', code: 'unsupported_value' } },
  { name: 'a conversation', given: { conversation: 'conv_1' }, expected: { status: 404, param: 'conversation', message: /Conversation with id 'conv_1' not found/ } },
  { name: 'a conversation as an object', given: { conversation: { id: 'conv_2' } }, expected: { status: 404, message: /'conv_2'/ } },
  { name: 'a prompt', given: { prompt: { id: 'pmpt_1' } }, expected: { status: 404, param: 'prompt' } }
]
for (const { name, given, expected } of refusals) t.throws(() => translate(given), { name: 'InvalidRequestError', ...expected }, `${name} is refused`)

t.strictSame(translate({ background: false, conversation: null, prompt: null }).changes, [], 'what is not asked for is not refused')

t.strictSame(toItems('Hi'), [{ type: 'message', role: 'user', content: 'Hi' }], 'a text is one item')
t.strictSame([toItems(''), toItems(null), toItems(undefined), toItems([])], [[], [], [], []], 'nothing is no item')

t.test('what is called a chat\'s own is what the chat API names and the Responses API does not', async t => {
  const ofChats = Object.keys(ChatCompletionRequest.properties).filter(name => !Object.hasOwn(ResponseRequest.properties, name))
  t.strictSame([...OF_CHATS].sort(), ofChats.sort())
})
