import t from 'tap'
import { startRecordedUpstream } from '../../../servers/recorded-upstream.ts'
import { respond } from '../../../streams/response-stream.ts'
import { KIMI, LLAMA, startProxy } from '../../../servers/start-proxy.ts'

/** The ids and times of an answer as words, and the response a stream begins with as another. */
function masked (answer: string): string {
  return answer
    .replaceAll(/\b(resp|msg|fc|rs|ctc)_[0-9a-f]{50}/g, '$1_ID')
    .replaceAll(/call_\w{24}/g, 'call_ID')
    .replaceAll(/"(created_at|completed_at)":\d{10}\b/g, '"$1":0')
}

/** Everything of a response but its status, its output and its bill. */
function toResponse (model: string, status: string, output: string, { completed = 'null', error = 'null', incomplete = 'null', usage = 'null', rest = {} }: { completed?: string, error?: string, incomplete?: string, usage?: string, rest?: Record<string, unknown> } = {}): string {
  const told = { max_output_tokens: null, tools: [], ...rest }
  return `{"id":"resp_ID","object":"response","created_at":0,"completed_at":${completed},"status":"${status}","background":false,"error":${error},"incomplete_details":${incomplete},` +
    `"instructions":null,"max_output_tokens":${told.max_output_tokens},"max_tool_calls":null,"model":"${model}","output":[${output}],"parallel_tool_calls":true,"previous_response_id":null,"prompt_cache_key":null,` +
    '"reasoning":{"effort":null,"summary":null},"safety_identifier":null,"service_tier":"default","store":true,"temperature":1,"text":{"format":{"type":"text"},"verbosity":"medium"},"tool_choice":"auto",' +
    `"tools":${JSON.stringify(told.tools)},"top_logprobs":0,"top_p":1,"truncation":"disabled","usage":${usage},"user":null,"metadata":{}}`
}

/** Events of these types and members, numbered from 0. */
function toEvents (events: Array<[type: string, members: string]>): string {
  return events.map(([type, members], number) => `event: ${type}\ndata: {"type":"${type}","sequence_number":${number},${members}}\n\n`).join('')
}

function begin (model: string, rest: Record<string, unknown> = {}): Array<[string, string]> {
  const response = `"response":${toResponse(model, 'in_progress', '', { rest })}`
  return [['response.created', response], ['response.in_progress', response]]
}

const part = (text: string) => `{"type":"output_text","text":"${text}","annotations":[],"logprobs":[]}`
const message = (text: string, status = 'completed') => `{"id":"msg_ID","type":"message","status":"${status}","role":"assistant","content":[${part(text)}]}`
const bill = (input: number, output: number) => `{"input_tokens":${input},"input_tokens_details":{"cached_tokens":0,"cache_write_tokens":0},"output_tokens":${output},"output_tokens_details":{"reasoning_tokens":0},"total_tokens":${input + output}}`

function text (pieces: string[], { at = 0, status = 'completed' } = {}): Array<[string, string]> {
  const place = `"item_id":"msg_ID","output_index":${at},"content_index":0`
  const whole = pieces.join('')
  return [
    ['response.output_item.added', `"output_index":${at},"item":{"id":"msg_ID","type":"message","status":"in_progress","role":"assistant","content":[]}`],
    ['response.content_part.added', `${place},"part":${part('')}`],
    ...pieces.map((piece): [string, string] => ['response.output_text.delta', `${place},"delta":"${piece}","logprobs":[]`]),
    ['response.output_text.done', `${place},"text":"${whole}","logprobs":[]`],
    ['response.content_part.done', `${place},"part":${part(whole)}`],
    ['response.output_item.done', `"output_index":${at},"item":${message(whole, status)}`]
  ]
}

t.test('a text, to the letter', async t => {
  const response = await respond(await startProxy(t), { model: LLAMA, input: 'say Hello 42', stream: true })
  t.equal(masked(await response.text()), toEvents([
    ...begin(LLAMA),
    ...text(['Hello', ' ', '42']),
    ['response.completed', `"response":${toResponse(LLAMA, 'completed', message('Hello 42'), { completed: '0', usage: bill(3, 3) })}`]
  ]))
})

t.test('a text that was cut, to the letter', async t => {
  const response = await respond(await startProxy(t), { model: LLAMA, input: 'say one two three', max_output_tokens: 2, stream: true })
  t.equal(masked(await response.text()), toEvents([
    ...begin(LLAMA, { max_output_tokens: 2 }),
    ...text(['one', ' two'], { status: 'incomplete' }),
    ['response.incomplete', `"response":${toResponse(LLAMA, 'incomplete', message('one two', 'incomplete'), { incomplete: '{"reason":"max_output_tokens"}', usage: bill(5, 2), rest: { max_output_tokens: 2 } })}`]
  ]))
})

t.test('thinking, to the letter', async t => {
  const response = await respond(await startProxy(t), { model: KIMI, input: 'think hard then say yes', stream: true })
  const place = '"item_id":"rs_ID","output_index":0,"content_index":0'
  const thought = '{"id":"rs_ID","type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"hard"}]}'
  t.equal(masked(await response.text()), toEvents([
    ...begin(KIMI),
    ['response.output_item.added', '"output_index":0,"item":{"id":"rs_ID","type":"reasoning","summary":[]}'],
    ['response.content_part.added', `${place},"part":{"type":"reasoning_text","text":""}`],
    ['response.reasoning_text.delta', `${place},"delta":"hard"`],
    ['response.reasoning_text.done', `${place},"text":"hard"`],
    ['response.content_part.done', `${place},"part":{"type":"reasoning_text","text":"hard"}`],
    ['response.output_item.done', `"output_index":0,"item":${thought}`],
    ...text(['yes'], { at: 1 }),
    ['response.completed', `"response":${toResponse(KIMI, 'completed', `${thought},${message('yes')}`, { completed: '0', usage: bill(6, 2) })}`]
  ]))
})

t.test('a call whose arguments come in pieces, to the letter', async t => {
  const frames = [
    { choices: [{ index: 0, delta: { role: 'assistant', tool_calls: [{ index: 0, id: 'x', type: 'function', function: { name: 'f', arguments: '' } }] } }] },
    { choices: [{ index: 0, delta: { tool_calls: [{ index: 0, function: { arguments: '{"a"' } }] } }] },
    { choices: [{ index: 0, delta: { tool_calls: [{ index: 0, function: { arguments: ':1}' } }] } }] },
    { choices: [{ index: 0, delta: {}, finish_reason: 'tool_calls' }] },
    { choices: [], usage: { prompt_tokens: 7, completion_tokens: 8, total_tokens: 15 } }
  ]
  const upstream = await startRecordedUpstream(t, () => ({ contentType: 'text/event-stream', body: [...frames.map(frame => JSON.stringify(frame)), '[DONE]'].map(data => `data: ${data}\n\n`).join('') }))
  const tools = [{ type: 'function', name: 'f', parameters: { type: 'object', properties: { a: { type: 'integer' } } } }]
  const response = await respond(await startProxy(t, { CLOUDFLARE_API_BASE_URL: upstream.url }), { model: KIMI, input: 'x', tools, stream: true })
  const rest = { tools: tools.map(tool => ({ ...tool, strict: true })) }
  const place = '"item_id":"fc_ID","output_index":0'
  const call = (status: string, args: string) => `{"id":"fc_ID","type":"function_call","status":"${status}","call_id":"call_ID","name":"f","arguments":${JSON.stringify(args)}}`
  t.equal(masked(await response.text()), toEvents([
    ...begin(KIMI, rest),
    ['response.output_item.added', `"output_index":0,"item":${call('in_progress', '')}`],
    ['response.function_call_arguments.delta', `${place},"delta":"{\\"a\\""`],
    ['response.function_call_arguments.delta', `${place},"delta":":1}"`],
    ['response.function_call_arguments.done', `${place},"name":"f","arguments":"{\\"a\\":1}"`],
    ['response.output_item.done', `"output_index":0,"item":${call('completed', '{"a":1}')}`],
    ['response.completed', `"response":${toResponse(KIMI, 'completed', call('completed', '{"a":1}'), { completed: '0', usage: bill(7, 8), rest })}`]
  ]))
})

t.test('a failure, to the letter', async t => {
  const response = await respond(await startProxy(t), { model: LLAMA, input: 'error frame after 2 frames, say one two', stream: true })
  const words = '"message":"Capacity temporarily exceeded, please try again. (Workers AI 3040)"'
  t.equal(masked(await response.text()), toEvents([
    ...begin(LLAMA),
    ...text(['one']).slice(0, 3),
    ['error', `"error":{${words},"type":"rate_limit_error","param":null,"code":"rate_limit_exceeded"}`],
    ['response.failed', `"response":${toResponse(LLAMA, 'failed', message('one', 'incomplete'), { error: `{"code":"rate_limit_exceeded",${words}}` })}`]
  ]))
})
