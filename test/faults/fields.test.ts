import t from 'tap'
import { faultsOf } from '../openai-schemas.ts'
import { LLAMA, post, startProxy } from '../servers/start-proxy.ts'

/** Values a field does not take. */
const text = [1, 0.5, true, {}, []]
const boolean = ['true', 1, 0, {}, []]
const object = ['x', '{}', 1, true, []]
const list = ['x', 1, true, {}]
const word = [...text, 'x', '']
const number = (minimum: number, maximum: number) => ['1', '', true, {}, [], minimum - 0.1, maximum + 0.1, 1e308, -1e308]
const integer = (minimum: number, maximum?: number) => ['1', '', true, {}, [], minimum + 0.5, minimum - 1, ...(maximum === undefined ? [] : [maximum + 1])]

const INT64 = 2 ** 63
const seed = ['1', 0.5, true, {}, [], 2 * INT64, -2 * INT64]
const stop = [1, true, {}, [1], [null], ['a', 'b', 'c', 'd', 'e']]
const streamOptions = [...object, { include_usage: 'x' }, { include_usage: 1 }]
const logitBias = [...object, { 1: 'x' }, { 1: null }, { 1: 101 }, { 1: -101 }]
const model = [null, ...text, '']

interface Endpoint {
  /** A body that is served. */
  served: Record<string, unknown>
  /** Fields OpenAI documents, by what they do not take. */
  fields: Record<string, unknown[]>
  /** Fields that must be there, or for which null means something. */
  notNull: string[]
}

const ENDPOINTS: Record<string, Endpoint> = {
  '/v1/chat/completions': {
    served: { model: LLAMA, messages: [{ role: 'user', content: 'say hi' }] },
    fields: {
      model,
      messages: [null, 'x', 1, true, {}, [], [1], ['x'], [null], [[]], [{}], [{ role: 'nobody', content: 'x' }], [{ role: 'user', content: 1 }], [{ role: 'user', content: [{ type: 'nothing' }] }], [{ role: 'tool', content: 'x' }]],
      audio: object,
      frequency_penalty: number(-2, 2),
      function_call: [1, true, []],
      functions: [...list, [], [1], [{}], [{ name: 1 }], [{ name: '' }], [{ name: 'f', parameters: 'x' }]],
      logit_bias: logitBias,
      logprobs: boolean,
      max_completion_tokens: integer(1),
      max_tokens: integer(1),
      metadata: object,
      modalities: [...list, [1], [null]],
      moderation: object,
      n: integer(1, 128),
      parallel_tool_calls: boolean,
      prediction: object,
      presence_penalty: number(-2, 2),
      prompt_cache_key: text,
      prompt_cache_options: object,
      prompt_cache_retention: text,
      reasoning_effort: word,
      response_format: [...object, {}, { type: 'xml' }, { type: 1 }, { type: 'json_schema' }, { type: 'json_schema', json_schema: {} }, { type: 'json_schema', json_schema: { name: 's', schema: 'x' } }],
      safety_identifier: text,
      seed,
      service_tier: text,
      stop,
      store: boolean,
      stream: boolean,
      stream_options: streamOptions,
      temperature: number(0, 2),
      tool_choice: [1, true, [], 'x', {}, { type: 'x' }, { type: 'function' }],
      tools: [...list, [1], [{}], [{ type: 'function' }], [{ type: 'function', function: {} }], [{ type: 'function', function: { name: 'a b' } }], [{ type: 'function', function: { name: 'f', parameters: 1 } }]],
      top_logprobs: integer(0, 20),
      top_p: number(0, 1),
      user: text,
      verbosity: text,
      web_search_options: object
    },
    notNull: ['model', 'messages']
  },
  '/v1/completions': {
    served: { model: LLAMA, prompt: 'say hi' },
    fields: {
      model,
      prompt: [1, true, {}, [], [true], [{}], [['x']]],
      best_of: integer(0, 20),
      echo: boolean,
      frequency_penalty: number(-2, 2),
      logit_bias: logitBias,
      logprobs: integer(0, 5),
      max_tokens: integer(0),
      n: integer(1, 128),
      presence_penalty: number(-2, 2),
      seed,
      stop,
      stream: boolean,
      stream_options: streamOptions,
      suffix: text,
      temperature: number(0, 2),
      top_p: number(0, 1),
      user: text
    },
    notNull: ['model', 'prompt']
  },
  '/v1/embeddings': {
    served: { model: '@cf/baai/bge-m3', input: 'hi' },
    fields: {
      model,
      input: [null, 1, true, {}, [], [true], [{}], [['x']], ''],
      dimensions: integer(1),
      encoding_format: word,
      user: text
    },
    notNull: ['model', 'input']
  },
  '/v1/responses': {
    served: { model: LLAMA, input: 'say hi' },
    fields: {
      model,
      input: [1, true, {}, [1], ['x'], [{}], [{ role: 'nobody', content: 'x' }], [{ role: 'user', content: 1 }], [{ type: 'function_call' }]],
      background: boolean,
      context_management: list,
      conversation: [1, true, []],
      include: [...list, [1]],
      instructions: text,
      max_output_tokens: integer(1),
      max_tool_calls: integer(1),
      metadata: [...object, { a: 1 }, { a: 'x'.repeat(513) }, Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`k${index}`, 'x']))],
      moderation: object,
      parallel_tool_calls: boolean,
      previous_response_id: text,
      prompt: object,
      prompt_cache_key: text,
      prompt_cache_options: object,
      prompt_cache_retention: text,
      reasoning: [...object, { effort: 'x' }, { effort: 1 }, { summary: 'x' }],
      safety_identifier: text,
      service_tier: text,
      store: boolean,
      stream: boolean,
      stream_options: object,
      temperature: number(0, 2),
      text: [...object, { format: 'x' }, { format: { type: 'x' } }, { format: { type: 'json_schema' } }, { verbosity: 1 }],
      tool_choice: [1, true, [], 'x', {}, { type: 1 }, { type: 'function', name: 1 }, { type: 'allowed_tools' }, { type: 'allowed_tools', mode: 'x', tools: [] }, { type: 'allowed_tools', mode: 'auto', tools: [null] }],
      tools: [...list, [1], [{}], [{ type: 'function' }], [{ type: 'function', name: 'a b' }]],
      top_logprobs: integer(0, 20),
      top_p: number(0, 1),
      truncation: word,
      user: text
    },
    notNull: ['model', 'input']
  }
}

// A compaction is asked for with the body of a response.
ENDPOINTS['/v1/responses/compact'] = ENDPOINTS['/v1/responses'] as Endpoint

for (const [path, { served, fields, notNull }] of Object.entries(ENDPOINTS)) {
  t.test(`${path}: a field that is not what it should be is named, and nobody is asked`, async t => {
    const proxy = await startProxy(t)
    for (const [name, values] of Object.entries(fields)) {
      for (const value of values) {
        const response = await post(proxy, path, { ...served, [name]: value })
        const body = await response.json() as { error?: { param?: string | null, message?: string } }
        const is = `${name}: ${JSON.stringify(value)}`.slice(0, 80)
        t.equal(response.status, 400, is)
        t.strictSame(faultsOf('ErrorResponse', body), [], is)
        // OpenAI tells a missing model by its sentence alone.
        t.ok(body.error?.param?.startsWith(name) ?? body.error?.message?.includes(name), `${is} is named: ${JSON.stringify(body.error)}`)
      }
    }
    t.strictSame(proxy.simulator.requests, [])
  })

  t.test(`${path}: null is as good as nothing`, async t => {
    const proxy = await startProxy(t)
    for (const name of Object.keys(fields).filter(field => !notNull.includes(field))) {
      t.equal((await post(proxy, path, { ...served, [name]: null })).status, 200, name)
    }
  })
}
