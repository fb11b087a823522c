import t from 'tap'
import { toNeurons } from '../../../src/simulator/native/json.ts'
import { CATALOGUE } from '../../../src/workers-ai/models/catalogue.ts'
import { ask, GPT_OSS, KIMI, LLAMA, LLAMA_4, QWEN, saying, start, weather } from '../asking.ts'

const GRANITE = '@cf/ibm-granite/granite-4.0-h-micro'
const GEMMA_4 = '@cf/google/gemma-4-26b-a4b-it'
const call = saying('call tool get_weather with {"city": "Oslo"}', { tools: [weather] })
const quiet = { chat_template_kwargs: { thinking: false, enable_thinking: false } }

/** The bytes of the first answer of a new simulator: ids and dates are those of its first request. */
const cases: Array<{ name: string, model: string, given: object, expected: string }> = [
  {
    name: 'classic models answer a response',
    model: LLAMA,
    given: saying('say Hello there'),
    expected: '{"response":"Hello there","tool_calls":[],"usage":{"prompt_tokens":4,"completion_tokens":2,"total_tokens":6,"prompt_tokens_details":{"cached_tokens":0},"neurons":0.516182}}'
  },
  {
    name: 'they call tools flat, without ids, and say null',
    model: LLAMA,
    given: call,
    expected: '{"response":null,"tool_calls":[{"name":"get_weather","arguments":{"city":"Oslo"}}],"usage":{"prompt_tokens":60,"completion_tokens":10,"total_tokens":70,"prompt_tokens_details":{"cached_tokens":0},"neurons":3.646364}}'
  },
  {
    name: 'llama 4 wraps its calls, arguments still an object',
    model: LLAMA_4,
    given: call,
    expected: '{"response":null,"tool_calls":[{"id":"chatcmpl-tool-5cbdc1e5771f42f95dd8d905b86937e9","type":"function","function":{"name":"get_weather","arguments":{"city":"Oslo"}}}],"usage":{"prompt_tokens":60,"completion_tokens":10,"total_tokens":70,"prompt_tokens_details":{"cached_tokens":0},"neurons":2.245455}}'
  },
  {
    name: 'arguments that are no JSON stay text',
    model: LLAMA,
    given: saying('call tool get_weather with {"city":', { tools: [weather] }),
    expected: '{"response":null,"tool_calls":[{"name":"get_weather","arguments":"{\\"city\\":"}],"usage":{"prompt_tokens":58,"completion_tokens":7,"total_tokens":65,"prompt_tokens_details":{"cached_tokens":0},"neurons":2.978636}}'
  },
  {
    name: 'JSON mode answers an object',
    model: LLAMA,
    given: saying('Hi', { response_format: { type: 'json_schema', json_schema: { type: 'object', properties: { ok: { type: 'boolean' } } } } }),
    expected: '{"response":{"ok":true},"tool_calls":[],"usage":{"prompt_tokens":1,"completion_tokens":5,"total_tokens":6,"prompt_tokens_details":{"cached_tokens":0},"neurons":1.050727}}'
  },
  {
    name: 'qwen3 answers a chat completion',
    model: QWEN,
    given: saying('think hard then say yes'),
    expected: '{"id":"chatcmpl-00000000000040008000000000000001","object":"chat.completion","created":1793491200,"model":"@cf/qwen/qwen3-30b-a3b-fp8","choices":[{"index":0,"message":{"role":"assistant","content":"yes","reasoning_content":"hard","tool_calls":[]},"logprobs":null,"finish_reason":"stop","stop_reason":null}],"usage":{"prompt_tokens":6,"completion_tokens":2,"total_tokens":8,"prompt_tokens_details":{"cached_tokens":0},"neurons":0.088727},"prompt_logprobs":null}'
  },
  {
    name: 'gemma 4 has another name for thoughts',
    model: GEMMA_4,
    given: saying('think hard then say yes', { max_tokens: 2 }),
    expected: '{"id":"chatcmpl-00000000000040008000000000000001","object":"chat.completion","created":1793491200,"model":"@cf/google/gemma-4-26b-a4b-it","choices":[{"index":0,"message":{"role":"assistant","content":"yes","reasoning":"hard","tool_calls":[]},"logprobs":null,"finish_reason":"length","stop_reason":null}],"usage":{"prompt_tokens":6,"completion_tokens":2,"total_tokens":8,"prompt_tokens_details":{"cached_tokens":0},"neurons":0.109091},"prompt_logprobs":null}'
  },
  {
    name: 'a prompt is answered by a text completion',
    model: QWEN,
    given: { prompt: 'say yes' },
    expected: '{"id":"cmpl-00000000000040008000000000000001","object":"text_completion","created":1793491200,"model":"@cf/qwen/qwen3-30b-a3b-fp8","choices":[{"index":0,"text":"yes","logprobs":null,"finish_reason":"stop","stop_reason":null,"prompt_logprobs":null}],"usage":{"prompt_tokens":2,"completion_tokens":1,"total_tokens":3,"prompt_tokens_details":{"cached_tokens":0},"neurons":0.039727}}'
  },
  {
    name: 'kimi numbers its calls, arguments are text as they stand',
    model: KIMI,
    given: { ...call, ...quiet },
    expected: '{"id":"chatcmpl-00000000000040008000000000000001","object":"chat.completion","created":1793491200,"model":"@cf/moonshotai/kimi-k2.6","choices":[{"index":0,"message":{"role":"assistant","content":null,"reasoning_content":null,"tool_calls":[{"id":"functions.get_weather:0","type":"function","function":{"name":"get_weather","arguments":"{\\"city\\": \\"Oslo\\"}"}}]},"logprobs":null,"finish_reason":"tool_calls","stop_reason":null}],"usage":{"prompt_tokens":60,"completion_tokens":10,"total_tokens":70,"prompt_tokens_details":{"cached_tokens":0},"neurons":8.818182},"prompt_logprobs":null}'
  },
  {
    name: 'granite encodes the arguments twice',
    model: GRANITE,
    given: call,
    expected: '{"id":"chatcmpl-00000000000040008000000000000001","object":"chat.completion","created":1793491200,"model":"@cf/ibm-granite/granite-4.0-h-micro","choices":[{"index":0,"message":{"role":"assistant","content":null,"reasoning_content":null,"tool_calls":[{"id":"chatcmpl-tool-5cbdc1e5771f42f95dd8d905b86937e9","type":"function","function":{"name":"get_weather","arguments":"\\"{\\\\\\"city\\\\\\": \\\\\\"Oslo\\\\\\"}\\""}}]},"logprobs":null,"finish_reason":"tool_calls","stop_reason":null}],"usage":{"prompt_tokens":60,"completion_tokens":10,"total_tokens":70,"prompt_tokens_details":{"cached_tokens":0},"neurons":0.194545},"prompt_logprobs":null}'
  },
  {
    name: 'an OpenAI-shaped model says JSON as text',
    model: KIMI,
    given: saying('Hi', { ...quiet, response_format: { type: 'json_schema', json_schema: { name: 'n', schema: { type: 'object', properties: { ok: { type: 'boolean' } } } } } }),
    expected: '{"id":"chatcmpl-00000000000040008000000000000001","object":"chat.completion","created":1793491200,"model":"@cf/moonshotai/kimi-k2.6","choices":[{"index":0,"message":{"role":"assistant","content":"{\\"ok\\":true}","reasoning_content":null,"tool_calls":[]},"logprobs":null,"finish_reason":"stop","stop_reason":null}],"usage":{"prompt_tokens":1,"completion_tokens":5,"total_tokens":6,"prompt_tokens_details":{"cached_tokens":0},"neurons":1.904545},"prompt_logprobs":null}'
  },
  {
    name: 'gpt-oss answers an input with a response object',
    model: GPT_OSS,
    given: { input: 'think hard then say yes' },
    expected: '{"id":"resp_00000000000040008000000000000001","object":"response","created_at":1793491200,"model":"@cf/openai/gpt-oss-20b","status":"completed","output":[{"id":"rs_00000000000040008000000000000001","type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"hard"}]},{"id":"msg_00000000000040008000000000000001","type":"message","role":"assistant","status":"completed","content":[{"type":"output_text","text":"yes","annotations":[]}]}],"usage":{"input_tokens":6,"output_tokens":2,"total_tokens":8}}'
  },
  {
    name: 'and calls a tool in one',
    model: GPT_OSS,
    given: { input: 'call tool get_weather with {}', tools: [{ type: 'function', ...weather.function }], reasoning_effort: 'none' },
    expected: '{"id":"resp_00000000000040008000000000000001","object":"response","created_at":1793491200,"model":"@cf/openai/gpt-oss-20b","status":"completed","output":[{"id":"fc_00000000000040008000000000000001_0","type":"function_call","call_id":"chatcmpl-tool-5cbdc1e5771f42f95dd8d905b86937e9","name":"get_weather","arguments":"{}","status":"completed"}],"usage":{"input_tokens":61,"output_tokens":5,"total_tokens":66}}'
  }
]
for (const { name, model, given, expected } of cases) {
  t.test(name, async t => {
    const simulator = await start(t)
    const response = await ask(simulator, model, given)
    t.equal(await response.text(), `{"result":${expected},"success":true,"errors":[],"messages":[]}`)
  })
}

t.test('ids of calls are new in every answer, except those of kimi', async t => {
  const simulator = await start(t)
  async function idOf (model: string): Promise<unknown> {
    const { result } = await (await ask(simulator, model, { ...call, ...quiet })).json()
    return result.choices[0].message.tool_calls[0].id
  }
  t.not(await idOf(QWEN), await idOf(QWEN))
  t.equal(await idOf(KIMI), await idOf(KIMI))
})

t.test('a thousand neurons cost 1.1 cents', async t => {
  const { price, ...free } = CATALOGUE.get(KIMI)!
  t.equal(toNeurons({ ...free, price: { input: 11 } }, 1_000, 1_000), 1_000)
  t.equal(toNeurons({ ...free, price: { output: 11 } }, 1_000, 1_000), 1_000)
  t.equal(toNeurons(free, 1_000, 1_000), 0, 'and are free where there is no price')
})
