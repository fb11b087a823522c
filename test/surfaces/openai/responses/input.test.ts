import t from 'tap'
import type { Change } from '../../../../src/generation/change.ts'
import type { InputItem } from '../../../../src/surfaces/openai/responses/request.ts'
import { toCompactedContent } from '../../../../src/surfaces/openai/responses/compaction.ts'
import { toMessages } from '../../../../src/surfaces/openai/responses/input.ts'
import { toServedTools } from '../../../../src/surfaces/openai/responses/tools.ts'

const tools = toServedTools([
  { type: 'custom', name: 'shout' },
  { type: 'namespace', name: 'mcp', tools: [{ type: 'function', name: 'read' }] }
], [])

function translate (items: InputItem[]) {
  const changes: Change[] = []
  const { messages, places, callPlaces } = toMessages(items.map((item, index) => ({ item, place: `input[${index}]` })), tools, changes)
  return { messages, places, callPlaces, changes: changes.map(({ param, action }) => `${param} ${action}`) }
}

const text = (text: string) => [{ type: 'text', text }]
const call = (id: string, name = 'f', args = '{}') => ({ id, type: 'function', function: { name, arguments: args } })

const cases: Array<{ name: string, given: InputItem[], expected: object[], places?: string[], changes?: string[] }> = [
  {
    name: 'messages in both forms, of every role',
    given: [
      { role: 'developer', content: 'Be brief.' },
      { type: 'message', role: 'system', content: [{ type: 'input_text', text: 'Be kind.' }] },
      { role: 'user', content: [{ type: 'input_text', text: 'Hi' }, { type: 'input_text', text: 'you' }] },
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Hello' }, { type: 'refusal', refusal: 'No.' }], id: 'msg_1', status: 'completed' },
      { role: 'assistant', content: 'Again' }
    ],
    expected: [
      { role: 'developer', content: text('Be brief.') },
      { role: 'system', content: text('Be kind.') },
      { role: 'user', content: [{ type: 'text', text: 'Hi' }, { type: 'text', text: 'you' }] },
      { role: 'assistant', content: [{ type: 'text', text: 'Hello' }, { type: 'refusal', refusal: 'No.' }] },
      { role: 'assistant', content: text('Again') }
    ]
  },
  {
    name: 'images and files of a user',
    given: [{
      role: 'user',
      content: [
        { type: 'input_image', image_url: 'data:image/png;base64,AA', detail: 'low' },
        { type: 'input_file', file_data: 'data:text/plain;base64,AA', filename: 'a.txt' },
        { type: 'refusal', refusal: 'odd' }
      ]
    }],
    expected: [{
      role: 'user',
      content: [
        { type: 'image_url', image_url: { url: 'data:image/png;base64,AA', detail: 'low' } },
        { type: 'file', file: { file_data: 'data:text/plain;base64,AA', file_id: undefined, filename: 'a.txt' } },
        { type: 'text', text: 'odd' }
      ]
    }]
  },
  {
    name: 'thinking, text and calls are one turn, and what they gave back follows',
    given: [
      { role: 'user', content: 'Go' },
      { type: 'reasoning', summary: [], content: [{ type: 'reasoning_text', text: 'hm' }] },
      { role: 'assistant', content: [{ type: 'output_text', text: 'I look.' }] },
      { type: 'function_call', call_id: 'a', name: 'f', arguments: '{}' },
      { type: 'custom_tool_call', call_id: 'b', name: 'shout', input: 'HEY' },
      { type: 'function_call_output', call_id: 'a', output: 'one' },
      { type: 'custom_tool_call_output', call_id: 'b', output: [{ type: 'input_text', text: 'two' }] },
      { type: 'function_call', call_id: 'c', name: 'read', namespace: 'mcp', arguments: '{}' },
      { type: 'function_call_output', call_id: 'c', output: '' }
    ],
    expected: [
      { role: 'user', content: text('Go') },
      { role: 'assistant', reasoning_content: 'hm', content: text('I look.'), tool_calls: [call('a'), call('b', 'shout', '{"input":"HEY"}')] },
      { role: 'tool', tool_call_id: 'a', content: 'one' },
      { role: 'tool', tool_call_id: 'b', content: text('two') },
      { role: 'assistant', tool_calls: [call('c', 'mcp__read')] },
      { role: 'tool', tool_call_id: 'c', content: '' }
    ],
    places: ['input[0]', 'input[1]', 'input[5].output', 'input[6].output', 'input[7]', 'input[8].output']
  },
  {
    name: 'text between calls and their answers belongs to the calls',
    given: [
      { type: 'function_call', call_id: 'a', name: 'f', arguments: '{}' },
      { role: 'assistant', content: 'Wait.' },
      { type: 'function_call_output', call_id: 'a', output: 'one' }
    ],
    expected: [{ role: 'assistant', tool_calls: [call('a')], content: text('Wait.') }, { role: 'tool', tool_call_id: 'a', content: 'one' }],
    places: ['input[0]', 'input[2].output']
  },
  {
    name: 'thinking after an answer begins another turn',
    given: [
      { role: 'assistant', content: 'One' },
      { type: 'reasoning', summary: [{ type: 'summary_text', text: 'first' }, { type: 'summary_text', text: 'second' }] },
      { role: 'assistant', content: 'Two' }
    ],
    expected: [{ role: 'assistant', content: text('One') }, { role: 'assistant', reasoning_content: 'first\nsecond', content: text('Two') }]
  },
  {
    name: 'thinking that nothing follows is left out, and told; so is thinking without a word, which is nothing to tell',
    given: [{ type: 'reasoning', summary: [{ type: 'summary_text', text: 'hm' }] }, { role: 'user', content: 'Go' }, { type: 'reasoning', summary: [] }],
    expected: [{ role: 'user', content: text('Go') }],
    places: ['input[1]'],
    changes: ['input[0] dropped']
  },
  {
    name: 'images that tools gave back stay where they are',
    given: [
      { type: 'function_call', call_id: 'a', name: 'f', arguments: '{}' },
      { type: 'function_call', call_id: 'b', name: 'f', arguments: '{}' },
      { type: 'function_call_output', call_id: 'a', output: [{ type: 'input_text', text: 'see' }, { type: 'input_image', image_url: 'data:1' }] },
      { type: 'function_call_output', call_id: 'b', output: [{ type: 'input_image', image_url: 'data:2' }] },
      { role: 'user', content: 'And?' }
    ],
    expected: [
      { role: 'assistant', tool_calls: [call('a'), call('b')] },
      { role: 'tool', tool_call_id: 'a', content: [...text('see'), { type: 'image_url', image_url: { url: 'data:1', detail: undefined } }] },
      { role: 'tool', tool_call_id: 'b', content: [{ type: 'image_url', image_url: { url: 'data:2', detail: undefined } }] },
      { role: 'user', content: text('And?') }
    ],
    places: ['input[0]', 'input[2].output', 'input[3].output', 'input[4]']
  },
  {
    name: 'parts in the words of a chat, of Anthropic, or of MCP',
    given: [
      { role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:1', detail: 'low' } }, { type: 'image_url', image_url: 'data:2' }, { type: 'file', file: { file_data: 'AA', filename: 'a.txt' } }, { type: 'input_file', file_url: 'data:text/plain;base64,AA' }] },
      { type: 'function_call_output', call_id: 'a', output: [{ type: 'image', mimeType: 'image/png', data: 'AAAA' } as never] }
    ],
    expected: [
      { role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:1', detail: 'low' } }, { type: 'image_url', image_url: { url: 'data:2', detail: 'auto' } }, { type: 'file', file: { file_data: 'AA', file_id: undefined, filename: 'a.txt' } }, { type: 'file', file: { file_data: 'data:text/plain;base64,AA', file_id: undefined, filename: undefined } }] },
      { role: 'tool', tool_call_id: 'a', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA', detail: 'auto' } }] }
    ],
    places: ['input[0]', 'input[1].output'],
    changes: ['input[0].content[0] renamed', 'input[0].content[1] renamed', 'input[0].content[2] renamed', 'input[0].content[3] renamed', 'input[1].output[0] renamed']
  },
  {
    name: 'members that nobody reads are told',
    given: [
      { role: 'user', content: [{ type: 'input_text', text: 'Hi', cache_control: { type: 'ephemeral' } } as never], name: 'Ada' } as never,
      { type: 'reasoning', summary: [], encrypted_content: 'gAAA' } as never,
      { type: 'message', id: 'msg_1', role: 'assistant', status: 'completed', phase: 'final_answer', content: [{ type: 'output_text', text: 'Hello', annotations: [], logprobs: [{ token: 'Hello' }] }, { type: 'output_text', text: '!', annotations: [{ type: 'url_citation' }] }] } as never,
      { type: 'function_call', id: 'fc_1', call_id: 'a', name: 'f', arguments: '{}', status: 'completed', signature: 'x' } as never
    ],
    expected: [{ role: 'user', content: text('Hi') }, { role: 'assistant', content: [...text('Hello'), ...text('!')], tool_calls: [call('a')] }],
    places: ['input[0]', 'input[2]'],
    changes: ['input[0].name dropped', 'input[0].content[0].cache_control dropped', 'input[1].encrypted_content dropped', 'input[2].phase dropped', 'input[2].content[1].annotations dropped', 'input[3].signature dropped']
  },
  {
    name: 'items of OpenAI\'s own tools are left out',
    given: [
      { type: 'web_search_call', id: 'ws_1' },
      { type: 'never_heard_of' } as unknown as InputItem,
      { id: 'msg_1' },
      { role: 'user', content: 'Go' }
    ],
    expected: [{ role: 'user', content: text('Go') }],
    places: ['input[3]'],
    changes: ['input[0] dropped', 'input[1] dropped', 'input[2] dropped']
  }
]
for (const { name, given, expected, places, changes = [] } of cases) {
  t.test(name, async t => {
    const translated = translate(given)
    t.strictSame(translated.messages, expected)
    t.strictSame(translated.places, places ?? given.map((_, index) => `input[${index}]`).slice(0, expected.length))
    t.strictSame(translated.changes, changes)
  })
}

const refusals: Array<{ name: string, given: InputItem, param: string, code?: string }> = [
  { name: 'an image by id', given: { role: 'user', content: [{ type: 'input_image', file_id: 'file_1' }] }, param: 'input[0].content[0].file_id' },
  { name: 'an image that is not there', given: { role: 'user', content: [{ type: 'input_text', text: 'x' }, { type: 'input_image' }] }, param: 'input[0].content[1].image_url', code: 'missing_required_parameter' },
  { name: 'a file by URL', given: { role: 'user', content: [{ type: 'input_file', file_url: 'https://x' }] }, param: 'input[0].content[0].file_url' },
  { name: 'a sound', given: { role: 'user', content: [{ type: 'input_audio' }] }, param: 'input[0].content[0]' },
  { name: 'an image in a chat\'s words that the assistant sent', given: { role: 'assistant', content: [{ type: 'image_url', image_url: 'data:1' }] }, param: 'input[0].content[0]' },
  { name: 'an image the assistant sent', given: { role: 'assistant', content: [{ type: 'input_image', image_url: 'data:1' }] }, param: 'input[0].content[0]' },
  { name: 'a file in a system message', given: { role: 'system', content: [{ type: 'input_file', file_data: 'x' }] }, param: 'input[0].content[0]' },
  { name: 'an image by id from a tool', given: { type: 'function_call_output', call_id: 'a', output: [{ type: 'input_image', file_id: 'file_1' }] }, param: 'input[0].output[0].file_id' }
]
for (const { name, given, param, code = 'unsupported_value' } of refusals) {
  t.throws(() => translate([given]), { name: 'InvalidRequestError', param, code }, `${name} is refused`)
}

t.test('a compaction is the summary in it, told by the user', async t => {
  const compaction: InputItem = { type: 'compaction', id: 'cmp_1', encrypted_content: toCompactedContent('All is done.') }
  const { messages, places, changes } = translate([{ role: 'user', content: 'One' }, compaction, { role: 'user', content: 'Two' }])
  t.match(messages, [{ role: 'user' }, { role: 'user', content: [{ text: /replaced by this summary of it:\n\nAll is done\.$/ }] }, { role: 'user' }])
  t.strictSame(places, ['input[0]', 'input[1]', 'input[2]'])
  t.strictSame(changes, ['input[1] emulated'])
  for (const content of ['', 'gAAAAABm-of-another-server', `${compaction.encrypted_content}A`]) {
    t.throws(() => translate([{ role: 'user', content: 'One' }, { ...compaction, encrypted_content: content }]), { status: 400, param: 'input[1].encrypted_content', code: 'invalid_encrypted_content' })
  }
})

t.strictSame(translate([
  { role: 'user', content: 'Go' },
  { type: 'reasoning', summary: [{ type: 'summary_text', text: 'hm' }] },
  { type: 'function_call', call_id: 'a', name: 'f', arguments: '{}' },
  { role: 'assistant', content: 'Wait.' },
  { type: 'custom_tool_call', call_id: 'b', name: 'shout', input: 'HEY' }
]).callPlaces, [undefined, ['input[2]', 'input[4]']], 'each call of a turn stands where it stood')

t.throws(() => translate([{ role: 'assistant', content: [{ type: 'image_url', image_url: 'data:1' }] }]), { message: "Invalid 'input[0].content[0]': parts of type 'image_url' are not allowed in a message of role 'assistant'." }, 'a part is called as it was sent')
