/** A closed interval; both ends are accepted. */
export type Range = readonly [min: number, max: number]

/**
 * What one generation of Workers AI models takes and answers: the single place where translators learn it.
 * Sources: the JSON Schemas and pages of Cloudflare's model documentation, and behaviour observed on live models.
 */
export interface Family {
  name: FamilyName
  /** `string`: part arrays are refused with 5006. `parts`: OpenAI's part arrays pass. */
  content: 'string' | 'parts'
  /** Whether the role `developer` is known to be taken; else it is sent as `system`. */
  developerRole: boolean
  /** Whether `name` on a message is tolerated. */
  messageName: boolean
  /** The name this family gives the answer's token limit. */
  maxTokensName: 'max_tokens' | 'max_completion_tokens'
  /** Sampling parameters this family takes, each with its accepted range. A parameter that is absent is not taken. */
  sampling: Partial<Record<SamplingName, Range>>
  /** Other native body fields that may pass through as they are. */
  extras: readonly string[]
  /** Whether `stop` is taken natively, too; the proxy enforces it on every model. */
  nativeStop: boolean
  /** `native`: tools go in the body. `none`: the schema has no place for them. */
  tools: 'native' | 'none'
  /** Whether `tool_choice` and `parallel_tool_calls` are part of the schema. */
  toolChoice: boolean
  /** How an assistant's earlier calls go back: `calls` keeps `tool_calls` with ids; `text` writes the call as JSON text. */
  toolHistory: 'calls' | 'text'
  /** Which ids a `tool_call_id` may be: Mistral's template takes nine letters or digits and nothing else. */
  toolCallId: 'any' | 'alphanumeric-9'
  /** `bare`: `json_schema` is the schema itself. `envelope`: OpenAI's `{name, schema, strict}`. `guided`: a `guided_json` field. */
  jsonSchema: 'bare' | 'envelope' | 'guided' | 'none'
  /** Whether `response_format: {type: "json_object"}` may be sent. */
  jsonObject: boolean
}

export type FamilyName = 'classic' | 'classic-2025' | 'guided' | 'vision' | 'llama-4' | 'qwen3' | 'gpt-oss' | 'openai' | 'guard'
export type SamplingName = 'temperature' | 'top_p' | 'top_k' | 'seed' | 'repetition_penalty' | 'frequency_penalty' | 'presence_penalty'

const SEED: Range = [1, 9_999_999_999]
const ANY_INT64: Range = [-(2 ** 63), 2 ** 63]

/** The schemas of 2023 and 2024: penalties cannot be negative, `top_p` may be 0. */
const classic: Family = {
  name: 'classic',
  content: 'string',
  developerRole: false,
  messageName: true,
  maxTokensName: 'max_tokens',
  sampling: {
    temperature: [0, 5],
    top_p: [0, 2],
    top_k: [1, 50],
    seed: SEED,
    repetition_penalty: [0, 2],
    frequency_penalty: [0, 2],
    presence_penalty: [0, 2]
  },
  extras: ['raw', 'lora'],
  nativeStop: false,
  tools: 'native',
  toolChoice: false,
  toolHistory: 'calls',
  toolCallId: 'any',
  jsonSchema: 'bare',
  jsonObject: true,

}

/** The same input with the ranges of the schemas since August 2025. */
const classic2025: Family = {
  ...classic,
  name: 'classic-2025',
  sampling: { ...classic.sampling, top_p: [0.001, 1], frequency_penalty: [-2, 2], presence_penalty: [-2, 2] }
}

/** mistral-small-3.1, gemma-3, qwq: part arrays, `guided_json`, and `tool_call_id` on messages. */
const guided: Family = {
  ...classic,
  name: 'guided',
  content: 'parts',
  extras: ['raw', 'lora', 'guided_json'],
  toolCallId: 'alphanumeric-9',
  jsonSchema: 'guided',
  jsonObject: false,

}

const openai: Family = {
  name: 'openai',
  content: 'parts',
  developerRole: true,
  messageName: true,
  maxTokensName: 'max_completion_tokens',
  sampling: {
    temperature: [0, 2],
    top_p: [0, 1],
    seed: ANY_INT64,
    frequency_penalty: [-2, 2],
    presence_penalty: [-2, 2]
  },
  extras: ['chat_template_kwargs', 'reasoning_effort'],
  nativeStop: true,
  tools: 'native',
  toolChoice: true,
  toolHistory: 'calls',
  toolCallId: 'any',
  jsonSchema: 'envelope',
  jsonObject: true,

}

/** Every family by name. */
export const FAMILIES: Record<FamilyName, Family> = {
  classic,
  'classic-2025': classic2025,
  guided,
  vision: { ...guided, name: 'vision', extras: ['raw'], jsonSchema: 'none', toolCallId: 'alphanumeric-9' },
  'llama-4': { ...guided, name: 'llama-4', extras: ['raw', 'guided_json'], toolCallId: 'any', jsonObject: true },
  /** qwen3-30b and sea-lion: classic in, OpenAI-shaped out. */
  qwen3: { ...classic2025, name: 'qwen3', extras: ['raw', 'lora', 'chat_template_kwargs'] },
  'gpt-oss': { ...openai, name: 'gpt-oss', extras: ['reasoning_effort'] },
  openai,
  guard: {
    ...classic,
    name: 'guard',
    messageName: false,
    sampling: { temperature: [0, 5] },
    extras: ['lora'],
    tools: 'none',
    jsonSchema: 'none'
  }
}
