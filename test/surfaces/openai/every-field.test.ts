import t from 'tap'
import { ChatCompletionRequest, type FunctionTool } from '../../../src/surfaces/openai/chat-completions/request.ts'
import { toBody, toRunRequest, type RunRequest } from '../../../src/workers-ai/request/run-request.ts'
import { toText } from '../../../src/workers-ai/transport/request-body.ts'
import type { FamilyName } from '../../../src/workers-ai/models/family.ts'
import { modelOf } from '../../workers-ai/request/model-of.ts'

const weather: FunctionTool = { type: 'function', function: { name: 'weather', description: 'w', parameters: { type: 'object', properties: {} } } }

interface Field {
  /** A value that asks for something other than what happens anyway. */
  value: unknown
  /** What has to stand beside it. */
  beside?: Record<string, unknown>
  /** The native members that bear it, where that is not its own name. */
  native?: string[]
  /** Where the proxy does itself what the field asks for. */
  ours?: (run: RunRequest) => boolean
}

/** Every member of OpenAI's CreateChatCompletionRequest. */
const FIELDS: Record<string, Field> = {
  model: { value: 'm', ours: () => true },
  messages: { value: [{ role: 'user', content: 'hi' }] },
  audio: { value: { voice: 'alloy', format: 'mp3' } },
  frequency_penalty: { value: 0.5 },
  function_call: { value: { name: 'weather' }, beside: { functions: [weather.function] }, native: ['tool_choice'], ours: run => run.forcedCall !== undefined },
  functions: { value: [weather.function], native: ['tools'], ours: run => run.tools.size === 1 && run.legacyFunctions },
  logit_bias: { value: { 50256: -100 } },
  logprobs: { value: true },
  max_completion_tokens: { value: 5, native: ['max_tokens'] },
  max_tokens: { value: 5, native: ['max_completion_tokens'] },
  metadata: { value: { a: 'b' } },
  modalities: { value: ['text', 'audio'] },
  moderation: { value: { model: 'omni-moderation-latest' } },
  n: { value: 2, ours: run => run.choices === 2 },
  parallel_tool_calls: { value: false, beside: { tools: [weather] }, ours: run => run.singleToolCall },
  prediction: { value: { type: 'content', content: 'x' } },
  presence_penalty: { value: 0.5 },
  prompt_cache_key: { value: 'k', ours: run => run.cacheKey === 'k' },
  prompt_cache_options: { value: { mode: 'implicit' } },
  prompt_cache_retention: { value: '24h' },
  reasoning_effort: { value: 'low', native: ['chat_template_kwargs'] },
  response_format: { value: { type: 'json_object' }, native: ['guided_json'] },
  safety_identifier: { value: 's' },
  seed: { value: 7 },
  service_tier: { value: 'flex' },
  stop: { value: ['END'], ours: run => run.stop[0] === 'END' },
  store: { value: true },
  stream: { value: true },
  stream_options: { value: { include_usage: true }, ours: () => true },
  temperature: { value: 0.5 },
  tool_choice: { value: 'required', beside: { tools: [weather] }, ours: run => run.forcedCall !== undefined },
  tools: { value: [weather], ours: run => run.tools.size === 1 },
  top_logprobs: { value: 2, beside: { logprobs: true } },
  top_p: { value: 0.5 },
  user: { value: 'u' },
  verbosity: { value: 'high' },
  web_search_options: { value: {} }
}

/** Members of our own schema that OpenAI has not: Workers AI's parameters. */
const EXTENSIONS: Record<string, Field> = {
  top_k: { value: 5 },
  repetition_penalty: { value: 1.1 },
  lora: { value: 'tune' },
  raw: { value: true },
  guided_json: { value: { type: 'object' } },
  chat_template_kwargs: { value: { enable_thinking: false } },
  something_new: { value: 1 }
}

const FAMILIES: FamilyName[] = ['classic', 'classic-2025', 'guided', 'llama-4', 'qwen3', 'gpt-oss', 'kimi', 'openai', 'guard']

for (const family of FAMILIES) {
  t.test(`on a model of the family ${family} nothing a caller sends is lost in silence`, t => {
    for (const [name, { value, beside, native = [], ours }] of Object.entries({ ...FIELDS, ...EXTENSIONS })) {
      const request = { model: 'm', messages: [{ role: 'user', content: 'hi' }], ...beside, [name]: value } as ChatCompletionRequest
      const run = toRunRequest(request, modelOf(family), { defaultMaxTokens: 100, maxChoices: 8, unsupportedParams: 'warn', emulateTools: true, rejectIfBusy: false })
      const body = JSON.parse(toText(toBody(run, { stream: request.stream === true, choice: 0, baseSeed: 1 }))) as Record<string, unknown>
      const isSent = [name, ...native].some(member => member in body)
      const isTold = run.changes.some(({ param }) => param === name || param.startsWith(`${name}.`))
      t.ok(isSent || isTold || ours?.(run), `${name}: ${isSent ? 'sent' : isTold ? 'told' : 'done by the proxy'}`)
    }
    t.end()
  })
}

t.strictSame(
  Object.keys(ChatCompletionRequest.properties).filter(name => !(name in FIELDS) && !(name in EXTENSIONS)),
  [],
  'the table knows every member of the schema'
)
