import t from 'tap'
import { ask, KIMI, LLAMA, LLAMA_4, QWEN, readFrames, saying, start, weather } from '../asking.ts'

const GEMMA_2 = '@cf/google/gemma-2b-it-lora'
const GEMMA_4 = '@cf/google/gemma-4-26b-a4b-it'
const call = saying('call tool get_weather with {"city":1}', { tools: [weather] })
const chunk = '"id":"chatcmpl-00000000000040008000000000000001","object":"chat.completion.chunk","created":1793491200'
const callId = 'chatcmpl-tool-5cbdc1e5771f42f95dd8d905b86937e9'

/** The frames of the first answer of a new simulator: ids and dates are those of its first request. */
const cases: Array<{ name: string, model: string, given: object, expected: string[] }> = [
  {
    name: 'classic models pad their frames and make numbers of digits',
    model: LLAMA,
    given: saying('say in 2026 007'),
    expected: [
      '{"response":"","tool_calls":[],"p":"abdefghijklmnoprstuvxyz1"}',
      '{"response":"in","tool_calls":[],"p":"abd"}',
      '{"response":" ","tool_calls":[],"p":"abdefghij"}',
      '{"response":202,"tool_calls":[],"p":"abdefghijklmnoprst"}',
      '{"response":6,"tool_calls":[],"p":"abdefghijklmnoprstuvxyz"}',
      '{"response":" ","tool_calls":[],"p":"abdefghijklmnoprstuvxyz1234567"}',
      '{"response":"007","tool_calls":[],"p":"abdefghijklmnoprstuvxyz1234567890abdefg"}',
      '{"response":"","tool_calls":[],"p":"abdefghijklmn"}',
      '{"tool_calls":[],"p":"abdefghijklmnoprstuvxyz1234567890abdefghi"}',
      '{"response":"","usage":{"prompt_tokens":4,"completion_tokens":6,"total_tokens":10,"prompt_tokens_details":{"cached_tokens":0}}}',
      '[DONE]'
    ]
  },
  {
    name: 'the oldest have no tool_calls',
    model: GEMMA_2,
    given: saying('say Hi'),
    expected: [
      '{"response":"","p":"abdefghijklmnoprstuvxyz1"}',
      '{"response":"Hi","p":"abd"}',
      '{"response":"","p":"abdefghijklmn"}',
      '{"p":"abdefghijklmnoprstuvxyz1234567890abdefghi"}',
      '{"response":"","usage":{"prompt_tokens":2,"completion_tokens":1,"total_tokens":3,"prompt_tokens_details":{"cached_tokens":0}}}',
      '[DONE]'
    ]
  },
  {
    name: 'classic models call tools bit by bit, and finish with nulls',
    model: LLAMA,
    given: call,
    expected: [
      '{"response":"","tool_calls":[],"p":"abdefghijklmnoprstuvxyz1"}',
      `{"tool_calls":[{"id":"${callId}","type":"function","index":0,"function":{"name":"get_weather"}}]}`,
      '{"tool_calls":[{"index":0,"function":{"arguments":"{\\""}}]}',
      '{"tool_calls":[{"index":0,"function":{"arguments":"city"}}]}',
      '{"tool_calls":[{"index":0,"function":{"arguments":"\\":"}}]}',
      '{"tool_calls":[{"index":0,"function":{"arguments":"1"}}]}',
      '{"tool_calls":[{"index":0,"function":{"arguments":"}"}}]}',
      '{"tool_calls":[{"id":null,"type":null,"index":0,"function":{"name":null,"arguments":""}}]}',
      '{"response":"","tool_calls":[],"p":"abdefghijklmn"}',
      '{"tool_calls":[],"p":"abdefghijklmnoprstuvxyz1234567890abdefghi"}',
      '{"response":"","usage":{"prompt_tokens":58,"completion_tokens":9,"total_tokens":67,"prompt_tokens_details":{"cached_tokens":0}}}',
      '[DONE]'
    ]
  },
  {
    name: 'llama 4 says everything twice',
    model: LLAMA_4,
    given: saying('say Hi you'),
    expected: [
      '{"choices":[{"delta":{"content":"","role":"assistant"}}],"response":"","tool_calls":[]}',
      '{"choices":[{"delta":{"content":"Hi"}}],"response":"Hi","tool_calls":[]}',
      '{"choices":[{"delta":{"content":" you"}}],"response":" you","tool_calls":[]}',
      '{"choices":[{"delta":{},"finish_reason":"stop"}]}',
      '{"response":"","usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5,"prompt_tokens_details":{"cached_tokens":0}}}',
      '[DONE]'
    ]
  },
  {
    name: 'and calls among its choices',
    model: LLAMA_4,
    given: saying('call tool get_weather with {}', { tools: [weather] }),
    expected: [
      '{"choices":[{"delta":{"content":"","role":"assistant"}}],"response":"","tool_calls":[]}',
      `{"choices":[{"delta":{"tool_calls":[{"id":"${callId}","type":"function","index":0,"function":{"name":"get_weather"}}]}}],"response":"","tool_calls":[]}`,
      '{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}}],"response":"","tool_calls":[]}',
      '{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}',
      '{"response":"","usage":{"prompt_tokens":56,"completion_tokens":5,"total_tokens":61,"prompt_tokens_details":{"cached_tokens":0}}}',
      '[DONE]'
    ]
  },
  {
    name: 'qwen3 thinks first and counts on every chunk',
    model: QWEN,
    given: saying('think hard then say yes'),
    expected: [
      `{${chunk},"model":"${QWEN}","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"usage":{"prompt_tokens":6,"total_tokens":6,"completion_tokens":0}}`,
      `{${chunk},"model":"${QWEN}","choices":[{"index":0,"delta":{"reasoning_content":"hard"},"logprobs":null,"finish_reason":null}],"usage":{"prompt_tokens":6,"total_tokens":7,"completion_tokens":1}}`,
      `{${chunk},"model":"${QWEN}","choices":[{"index":0,"delta":{"content":"yes"},"logprobs":null,"finish_reason":null}],"usage":{"prompt_tokens":6,"total_tokens":8,"completion_tokens":2}}`,
      `{${chunk},"model":"${QWEN}","choices":[{"index":0,"delta":{"content":""},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":6,"total_tokens":8,"completion_tokens":2}}`,
      `{${chunk},"model":"${QWEN}","choices":[],"usage":{"prompt_tokens":6,"completion_tokens":2,"total_tokens":8,"prompt_tokens_details":{"cached_tokens":0}}}`,
      '[DONE]'
    ]
  },
  {
    name: 'gemma 4 thinks under another name and counts once, beside no choices',
    model: GEMMA_4,
    given: saying('think hard then say yes', { max_tokens: 2 }),
    expected: [
      `{${chunk},"model":"${GEMMA_4}","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]}`,
      `{${chunk},"model":"${GEMMA_4}","choices":[{"index":0,"delta":{"reasoning":"hard"},"logprobs":null,"finish_reason":null}]}`,
      `{${chunk},"model":"${GEMMA_4}","choices":[{"index":0,"delta":{"content":"yes"},"logprobs":null,"finish_reason":null}]}`,
      `{${chunk},"model":"${GEMMA_4}","choices":[{"index":0,"delta":{"content":""},"logprobs":null,"finish_reason":"length"}]}`,
      '{"usage":{"prompt_tokens":6,"completion_tokens":2,"total_tokens":8,"prompt_tokens_details":{"cached_tokens":0}}}',
      '[DONE]'
    ]
  },
  {
    name: 'kimi calls two tools in one answer',
    model: KIMI,
    given: saying('call tool get_weather with {} and call tool get_weather with {}', { tools: [weather], chat_template_kwargs: { thinking: false } }),
    expected: [
      `{${chunk},"model":"${KIMI}","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]}`,
      `{${chunk},"model":"${KIMI}","choices":[{"index":0,"delta":{"tool_calls":[{"id":"functions.get_weather:0","type":"function","index":0,"function":{"name":"get_weather"}}]},"logprobs":null,"finish_reason":null}]}`,
      `{${chunk},"model":"${KIMI}","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]},"logprobs":null,"finish_reason":null}]}`,
      `{${chunk},"model":"${KIMI}","choices":[{"index":0,"delta":{"tool_calls":[{"id":"functions.get_weather:1","type":"function","index":1,"function":{"name":"get_weather"}}]},"logprobs":null,"finish_reason":null}]}`,
      `{${chunk},"model":"${KIMI}","choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"function":{"arguments":"{}"}}]},"logprobs":null,"finish_reason":null}]}`,
      `{${chunk},"model":"${KIMI}","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"tool_calls"}]}`,
      '{"usage":{"prompt_tokens":65,"completion_tokens":10,"total_tokens":75,"prompt_tokens_details":{"cached_tokens":0}}}',
      '[DONE]'
    ]
  },
  {
    name: 'a prompt streams as text',
    model: KIMI,
    given: { prompt: 'say yes' },
    expected: [
      `{"id":"cmpl-00000000000040008000000000000001","object":"text_completion","created":1793491200,"model":"${KIMI}","choices":[{"index":0,"text":"yes","logprobs":null,"finish_reason":null}]}`,
      `{"id":"cmpl-00000000000040008000000000000001","object":"text_completion","created":1793491200,"model":"${KIMI}","choices":[{"index":0,"text":"","logprobs":null,"finish_reason":"stop"}]}`,
      '{"usage":{"prompt_tokens":2,"completion_tokens":1,"total_tokens":3,"prompt_tokens_details":{"cached_tokens":0}}}',
      '[DONE]'
    ]
  }
]
for (const { name, model, given, expected } of cases) {
  t.test(name, async t => {
    const simulator = await start(t)
    const response = await ask(simulator, model, { ...given, stream: true })
    t.equal(response.headers.get('content-type'), 'text/event-stream')
    t.strictSame(await readFrames(response), expected)
  })
}

t.test('a long stream has as many words as were asked for', async t => {
  const simulator = await start(t)
  const body = saying('repeat 5000 tokens', { stream: true, max_tokens: 6000 })
  const frames = await readFrames(await ask(simulator, LLAMA, body))
  t.equal(frames.length, 1 + 5000 + 3 + 1)
  t.match(frames.at(-2), /"completion_tokens":5000,/)
})

t.test('an answer is cut at 256 tokens unless more are allowed', async t => {
  const simulator = await start(t)
  const frames = await readFrames(await ask(simulator, LLAMA, saying('repeat 300 tokens', { stream: true })))
  t.match(frames.at(-2), /"completion_tokens":256,/)
})
