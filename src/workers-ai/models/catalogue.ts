import { FAMILIES, restrictTo, type FamilyName, type ModelThinking } from './family.ts'
import type { Model, ModelId, Price } from './model.ts'

interface ChatRow {
  id: string
  family: FamilyName
  contextWindow?: number
  usableWindow?: number
  thinking?: ModelThinking
  maxOutputTokens?: number
  can: ReadonlyArray<'tools' | 'reasoning' | 'vision' | 'lora' | 'json'>
  price?: Price
  beta?: true
  paidOnly?: true
  retirement?: string
}

/** Efforts as `/ai/models/search` listed them in September 2026, but for GLM 4.7, which has a switch alone. */
const SWITCH_ONLY: ModelThinking = { efforts: [] }
const GLM_5_3: ModelThinking = { efforts: ['low', 'high', 'max'], isMandatory: true }

interface EmbeddingRow {
  id: string
  dimensions?: number
  contextWindow?: number
  price?: Price
  beta?: true
}

/**
 * Chat models as Cloudflare documented them in autumn 2026; prices in US dollars per million tokens.
 * The four llama rows the project began from keep the ranges of their own pages, which differ by the page's age.
 */
const chat: readonly ChatRow[] = [
  { id: '@cf/meta/llama-3.3-70b-instruct-fp8-fast', family: 'classic-2025', contextWindow: 24_000, can: ['tools', 'json'], price: { input: 0.293, output: 2.253 } },
  { id: '@cf/meta/llama-3.1-8b-instruct-fp8', family: 'classic-2025', contextWindow: 32_000, can: [], price: { input: 0.152, output: 0.287 } },
  { id: '@cf/meta/llama-3.1-8b-instruct-fast', family: 'classic-2025', contextWindow: 128_000, can: ['json'], price: { input: 0.045, output: 0.384 } },
  { id: '@cf/meta/llama-3.1-8b-instruct-fp8-fast', family: 'classic-2025', contextWindow: 128_000, can: [], price: { input: 0.045, output: 0.384 } },
  { id: '@cf/meta/llama-3.1-70b-instruct-fp8-fast', family: 'classic-2025', contextWindow: 24_000, can: [], price: { input: 0.293, output: 2.253 } },
  { id: '@cf/meta/llama-3.2-1b-instruct', family: 'classic-2025', contextWindow: 60_000, can: [], price: { input: 0.027, output: 0.201 } },
  { id: '@cf/meta/llama-3.2-3b-instruct', family: 'classic-2025', contextWindow: 80_000, can: ['json'], price: { input: 0.051, output: 0.335 } },
  { id: '@cf/meta/llama-3.2-11b-vision-instruct', family: 'vision', contextWindow: 128_000, can: ['vision', 'lora'], price: { input: 0.049, output: 0.676 } },
  { id: '@cf/meta/llama-4-scout-17b-16e-instruct', family: 'llama-4', contextWindow: 131_000, can: ['tools', 'vision'], price: { input: 0.27, output: 0.85 } },
  { id: '@cf/meta/llama-guard-3-8b', family: 'guard', contextWindow: 131_072, can: ['lora'], price: { input: 0.484, output: 0.03 } },
  { id: '@cf/mistralai/mistral-small-3.1-24b-instruct', family: 'guided', contextWindow: 128_000, can: ['tools', 'vision'], price: { input: 0.351, output: 0.555 } },
  { id: '@cf/qwen/qwq-32b', family: 'qwq', contextWindow: 24_000, can: ['reasoning', 'lora'], price: { input: 0.66, output: 1.0 } },
  { id: '@cf/qwen/qwen2.5-coder-32b-instruct', family: 'classic-2025', contextWindow: 32_768, can: ['lora'], price: { input: 0.66, output: 1.0 } },
  { id: '@cf/deepseek-ai/deepseek-r1-distill-qwen-32b', family: 'r1-distill', contextWindow: 80_000, can: ['reasoning', 'json'], price: { input: 0.497, output: 4.881 } },
  { id: '@cf/google/gemma-2b-it-lora', family: 'classic', contextWindow: 8_192, can: ['lora'], beta: true },
  { id: '@cf/google/gemma-7b-it-lora', family: 'classic', contextWindow: 3_500, can: ['lora'], beta: true },
  { id: '@cf/mistral/mistral-7b-instruct-v0.2-lora', family: 'classic', contextWindow: 15_000, can: ['lora'], beta: true },
  { id: '@cf/meta-llama/llama-2-7b-chat-hf-lora', family: 'classic', contextWindow: 8_192, can: ['lora'], beta: true },
  { id: '@cf/qwen/qwen3-30b-a3b-fp8', family: 'qwen3', contextWindow: 32_768, can: ['tools', 'reasoning'], price: { input: 0.051, output: 0.335 } },
  { id: '@cf/aisingapore/gemma-sea-lion-v4-27b-it', family: 'sea-lion', contextWindow: 128_000, can: [], price: { input: 0.351, output: 0.555 } },
  { id: '@cf/ibm-granite/granite-4.0-h-micro', family: 'granite', contextWindow: 131_000, can: ['tools'], price: { input: 0.017, output: 0.112 } },
  { id: '@cf/openai/gpt-oss-120b', family: 'gpt-oss', contextWindow: 128_000, maxOutputTokens: 16_384, can: ['tools', 'reasoning'], price: { input: 0.35, output: 0.75 } },
  { id: '@cf/openai/gpt-oss-20b', family: 'gpt-oss', contextWindow: 128_000, maxOutputTokens: 16_384, can: ['tools', 'reasoning'], price: { input: 0.2, output: 0.3 } },
  { id: '@cf/google/gemma-4-26b-a4b-it', family: 'gemma-4', contextWindow: 256_000, maxOutputTokens: 16_384, can: ['tools', 'reasoning', 'vision', 'json'], price: { input: 0.1, output: 0.3 } },
  { id: '@cf/nvidia/nemotron-3-120b-a12b', family: 'openai', contextWindow: 256_000, can: ['tools', 'reasoning', 'json'], price: { input: 0.5, output: 1.5 } },
  { id: '@cf/zai-org/glm-4.7-flash', family: 'openai', thinking: SWITCH_ONLY, contextWindow: 131_072, can: ['tools', 'reasoning', 'json'], price: { input: 0.06, output: 0.4 } },
  { id: '@cf/zai-org/glm-5.2', family: 'openai', thinking: { efforts: ['none', 'high', 'max'] }, contextWindow: 262_144, can: ['tools', 'reasoning', 'json'], price: { input: 1.4, output: 4.4, cachedInput: 0.26 }, paidOnly: true },
  { id: '@cf/zai-org/glm-5.3', family: 'openai', thinking: GLM_5_3, contextWindow: 1_310_720, usableWindow: 1_048_576, can: ['tools', 'reasoning', 'json'], price: { input: 1.4, output: 4.4, cachedInput: 0.26 }, paidOnly: true },
  { id: '@cf/zai-org/glm-5.3-flash', family: 'openai', thinking: GLM_5_3, contextWindow: 1_048_576, can: ['tools', 'reasoning', 'vision', 'json'], price: { input: 0.15, output: 0.5, cachedInput: 0.03 }, paidOnly: true },
  { id: '@cf/moonshotai/kimi-k2.5', family: 'kimi', contextWindow: 256_000, can: ['tools', 'reasoning', 'vision', 'json'], price: { input: 0.6, output: 3.0, cachedInput: 0.1 }, retirement: '2026-05-30' },
  { id: '@cf/moonshotai/kimi-k2.6', family: 'kimi', contextWindow: 262_144, can: ['tools', 'reasoning', 'vision', 'json'], price: { input: 0.95, output: 4.0, cachedInput: 0.16 }, paidOnly: true },
  { id: '@cf/moonshotai/kimi-k2.7-code', family: 'kimi', thinking: { efforts: ['high'], isMandatory: true }, contextWindow: 262_144, can: ['tools', 'reasoning', 'vision', 'json'], price: { input: 0.95, output: 4.0, cachedInput: 0.19 }, paidOnly: true },
  { id: '@cf/deepseek-ai/deepseek-v4-flash-0731', family: 'deepseek-v4', contextWindow: 1_048_576, can: ['tools', 'reasoning', 'json'], price: { input: 0.44, output: 1.32, cachedInput: 0.014 }, paidOnly: true },
  { id: '@cf/deepseek-ai/deepseek-v4-pro-0813', family: 'deepseek-v4', contextWindow: 1_048_576, can: ['tools', 'reasoning', 'json'], price: { input: 1.32, output: 3.96, cachedInput: 0.044 }, paidOnly: true },
  { id: '@cf/qwen/qwen3.8-27b', family: 'qwen3.8', contextWindow: 262_144, can: ['tools', 'reasoning', 'vision', 'json'], price: { input: 0.45, output: 3.2 } },
  { id: '@cf/swiss-ai/apertus-v1.5-8b', family: 'openai', contextWindow: 262_144, can: ['tools', 'vision'] },
  { id: '@cf/utter-project/eurollm-9b-it', family: 'openai', contextWindow: 32_000, can: ['tools'] },
  { id: '@hf/meta-llama/meta-llama-3-8b-instruct', family: 'classic', contextWindow: 8_192, can: [], retirement: '2026-05-30' },
  { id: '@cf/meta/llama-3-8b-instruct', family: 'classic-2025', contextWindow: 7_968, can: ['json'], price: { input: 0.282, output: 0.827 }, retirement: '2026-05-30' },
  { id: '@cf/meta/llama-3-8b-instruct-awq', family: 'classic', contextWindow: 8_192, can: [], price: { input: 0.123, output: 0.266 }, retirement: '2026-05-30' },
  { id: '@cf/meta/llama-3.1-8b-instruct', family: 'classic', contextWindow: 7_968, can: ['json'], price: { input: 0.282, output: 0.827 }, retirement: '2026-05-30' },
  { id: '@cf/meta/llama-3.1-8b-instruct-awq', family: 'classic-2025', contextWindow: 8_192, can: [], price: { input: 0.123, output: 0.266 }, retirement: '2026-05-30' },
  { id: '@cf/meta/llama-3.1-70b-instruct', family: 'classic', contextWindow: 24_000, can: ['json'], retirement: '2026-05-30' },
  { id: '@cf/meta/llama-2-7b-chat-int8', family: 'classic', contextWindow: 8_192, can: [], retirement: '2026-05-30' },
  { id: '@cf/meta/llama-2-7b-chat-fp16', family: 'classic', contextWindow: 4_096, can: [], price: { input: 0.556, output: 6.667 }, retirement: '2026-05-30' },
  { id: '@cf/mistral/mistral-7b-instruct-v0.1', family: 'classic', contextWindow: 2_824, can: ['lora'], price: { input: 0.11, output: 0.19 }, retirement: '2026-05-30' },
  { id: '@hf/mistral/mistral-7b-instruct-v0.2', family: 'classic', contextWindow: 3_072, can: ['lora'], beta: true, retirement: '2026-05-30' },
  { id: '@hf/google/gemma-7b-it', family: 'classic', contextWindow: 8_192, can: ['lora'], beta: true, retirement: '2026-05-30' },
  { id: '@cf/google/gemma-3-12b-it', family: 'guided', contextWindow: 80_000, can: [], price: { input: 0.345, output: 0.556 }, retirement: '2026-05-30' },
  { id: '@hf/nousresearch/hermes-2-pro-mistral-7b', family: 'hermes', contextWindow: 24_000, maxOutputTokens: 1_024, can: ['tools', 'json'], beta: true, retirement: '2026-05-30' },
  { id: '@cf/microsoft/phi-2', family: 'classic', contextWindow: 2_048, can: [], beta: true, retirement: '2026-05-30' },
  { id: '@cf/defog/sqlcoder-7b-2', family: 'classic', contextWindow: 10_000, can: [], beta: true, retirement: '2026-05-30' },
  { id: '@hf/thebloke/zephyr-7b-beta-awq', family: 'classic', contextWindow: 4_096, can: [], beta: true, retirement: '2025-10-01' },
  { id: '@hf/thebloke/mistral-7b-instruct-v0.1-awq', family: 'classic', contextWindow: 4_096, can: [], beta: true, retirement: '2025-10-01' },
  { id: '@hf/thebloke/llama-2-13b-chat-awq', family: 'classic', contextWindow: 4_096, can: [], beta: true, retirement: '2025-10-01' },
  { id: '@hf/thebloke/openhermes-2.5-mistral-7b-awq', family: 'classic', contextWindow: 4_096, can: [], beta: true, retirement: '2025-10-01' },
  { id: '@hf/thebloke/neural-chat-7b-v3-1-awq', family: 'classic', contextWindow: 4_096, can: [], beta: true, retirement: '2025-10-01' },
  { id: '@hf/thebloke/llamaguard-7b-awq', family: 'classic', contextWindow: 4_096, can: [], beta: true, retirement: '2025-10-01' },
  { id: '@hf/thebloke/deepseek-coder-6.7b-base-awq', family: 'classic', contextWindow: 4_096, can: [], beta: true, retirement: '2025-10-01' },
  { id: '@hf/thebloke/deepseek-coder-6.7b-instruct-awq', family: 'classic', contextWindow: 4_096, can: ['json'], beta: true, retirement: '2025-10-01' },
  { id: '@cf/deepseek-ai/deepseek-math-7b-instruct', family: 'classic', contextWindow: 4_096, can: [], beta: true, retirement: '2025-10-01' },
  { id: '@cf/openchat/openchat-3.5-0106', family: 'classic', contextWindow: 8_192, can: [], beta: true, retirement: '2025-10-01' },
  { id: '@cf/tiiuae/falcon-7b-instruct', family: 'classic', contextWindow: 4_096, can: [], beta: true, retirement: '2025-10-01' },
  { id: '@cf/thebloke/discolm-german-7b-v1-awq', family: 'classic', contextWindow: 4_096, can: [], beta: true, retirement: '2025-10-01' },
  { id: '@cf/qwen/qwen1.5-0.5b-chat', family: 'classic', contextWindow: 32_000, can: [], beta: true, retirement: '2025-10-01' },
  { id: '@cf/qwen/qwen1.5-1.8b-chat', family: 'classic', contextWindow: 32_000, can: [], beta: true, retirement: '2025-10-01' },
  { id: '@cf/qwen/qwen1.5-7b-chat-awq', family: 'classic', contextWindow: 20_000, can: [], beta: true, retirement: '2025-10-01' },
  { id: '@cf/qwen/qwen1.5-14b-chat-awq', family: 'classic', contextWindow: 7_500, can: [], beta: true, retirement: '2025-10-01' },
  { id: '@cf/tinyllama/tinyllama-1.1b-chat-v1.0', family: 'classic', contextWindow: 2_048, can: [], beta: true, retirement: '2025-10-01' },
  { id: '@hf/nexusflow/starling-lm-7b-beta', family: 'classic', contextWindow: 4_096, can: [], beta: true, retirement: '2025-10-01' },
  { id: '@cf/fblgit/una-cybertron-7b-v2-bf16', family: 'classic', contextWindow: 15_000, can: [], beta: true, retirement: '2025-10-01' }
]

const embeddings: readonly EmbeddingRow[] = [
  { id: '@cf/baai/bge-small-en-v1.5', dimensions: 384, contextWindow: 512, price: { input: 0.02 } },
  { id: '@cf/baai/bge-base-en-v1.5', dimensions: 768, contextWindow: 512, price: { input: 0.067 } },
  { id: '@cf/baai/bge-large-en-v1.5', dimensions: 1_024, contextWindow: 512, price: { input: 0.204 } },
  { id: '@cf/baai/bge-m3', dimensions: 1_024, contextWindow: 60_000, price: { input: 0.012 } },
  { id: '@cf/google/embeddinggemma-300m', dimensions: 768, beta: true },
  { id: '@cf/qwen/qwen3-embedding-0.6b', dimensions: 1_024, contextWindow: 8_192, price: { input: 0.012 } },
  { id: '@cf/pfnet/plamo-embedding-1b', dimensions: 2_048, price: { input: 0.019 } }
]

/** Listed as text generation, but they answer questions about a state and cannot chat. */
const others = ['@cf/cloudflare/clef', '@cf/cloudflare/clef-flash', '@cf/cloudflare/clef-omni']

/**
 * Successors of retired models: the nearest model of the same maker with the same abilities. The same weights come first, then
 * the same line and size. A model has no successor if the maker has no comparable one, if all others think before they
 * answer and it did not, or if the exact words of the answer matter, as for a model that judges. Embedding models have
 * none, because vectors of two models cannot be compared.
 */
const SUCCESSORS: ReadonlyMap<string, string> = new Map([
  ['@hf/meta-llama/meta-llama-3-8b-instruct', '@cf/meta/llama-3.1-8b-instruct-fp8-fast'],
  ['@cf/meta/llama-3-8b-instruct', '@cf/meta/llama-3.1-8b-instruct-fp8-fast'],
  ['@cf/meta/llama-3-8b-instruct-awq', '@cf/meta/llama-3.1-8b-instruct-fp8-fast'],
  ['@cf/meta/llama-3.1-8b-instruct', '@cf/meta/llama-3.1-8b-instruct-fp8-fast'],
  ['@cf/meta/llama-3.1-8b-instruct-awq', '@cf/meta/llama-3.1-8b-instruct-fp8-fast'],
  ['@cf/meta/llama-3.1-70b-instruct', '@cf/meta/llama-3.1-70b-instruct-fp8-fast'],
  ['@cf/meta/llama-2-7b-chat-int8', '@cf/meta-llama/llama-2-7b-chat-hf-lora'],
  ['@cf/meta/llama-2-7b-chat-fp16', '@cf/meta-llama/llama-2-7b-chat-hf-lora'],
  ['@hf/thebloke/llama-2-13b-chat-awq', '@cf/meta/llama-3.1-8b-instruct-fp8-fast'],
  ['@cf/mistral/mistral-7b-instruct-v0.1', '@cf/mistral/mistral-7b-instruct-v0.2-lora'],
  ['@hf/mistral/mistral-7b-instruct-v0.2', '@cf/mistral/mistral-7b-instruct-v0.2-lora'],
  ['@hf/thebloke/mistral-7b-instruct-v0.1-awq', '@cf/mistral/mistral-7b-instruct-v0.2-lora'],
  ['@hf/google/gemma-7b-it', '@cf/google/gemma-7b-it-lora'],
  ['@cf/google/gemma-3-12b-it', '@cf/google/gemma-4-26b-a4b-it'],
  ['@cf/moonshotai/kimi-k2.5', '@cf/moonshotai/kimi-k2.6']
])

/** The usable part of a context window. */
export function toWindow ({ contextWindow, usableWindow = Infinity }: Pick<Model, 'contextWindow' | 'usableWindow'>): Pick<Model, 'contextWindow'> {
  return contextWindow === undefined ? {} : { contextWindow: Math.min(contextWindow, usableWindow) }
}

const none = { tools: false, reasoning: false, vision: false, lora: false, json: false, beta: false, paidOnly: false }

function toChatModel ({ id, family, can, ...row }: ChatRow): Model {
  const able = { ...none, ...Object.fromEntries(can.map(ability => [ability, true])), ...(row.thinking && { thinking: row.thinking }) }
  const successor = SUCCESSORS.get(id) as ModelId | undefined
  return { ...able, ...row, ...toWindow(row), id: id as ModelId, task: 'text-generation', family: restrictTo(FAMILIES[family], able), ...(successor && { successor }) }
}

/** The built-in catalogue: what is known without asking Cloudflare, by model id. */
export const CATALOGUE: ReadonlyMap<string, Model> = new Map<string, Model>([
  ...chat.map(toChatModel),
  ...embeddings.map((row): Model => ({ ...none, ...row, id: row.id as ModelId, task: 'text-embeddings', family: FAMILIES.classic })),
  ...others.map((id): Model => ({ ...none, id: id as ModelId, task: 'other', family: FAMILIES.classic }))
].map(model => [model.id, model]))
