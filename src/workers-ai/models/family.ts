/** A closed interval; both ends are accepted. */
export type Range = readonly [min: number, max: number]

/**
 * What one generation of Workers AI models takes and answers. Translators read it only here.
 * Sources: the JSON Schemas and pages of Cloudflare's model documentation, and behaviour observed on live models.
 */
export interface Family {
  name: FamilyName
  /** `string`: part arrays are refused with 5006. `parts`: OpenAI's part arrays pass. */
  content: 'string' | 'parts'
  /** The most images of one request; undefined if no limit is known. */
  maxImages?: number
  /** Whether text may be sent as `prompt`, to be continued; otherwise only messages are accepted. */
  takesPrompt: boolean
  /** Whether OpenAI's Responses form, `input`, is accepted beside messages: for some accounts messages are refused with 8001. */
  takesInput?: true
  /** Whether the role `developer` is known to be accepted; otherwise it is sent as `system`. */
  developerRole: boolean
  /** System messages are refused anywhere but at the beginning (8007). */
  systemFirst?: true
  /** Takes only user and assistant messages in turns (5006, 8007): it judges the dialogue. */
  dialogueOnly?: true
  /** Whether `name` on a message is tolerated. */
  messageName: boolean
  /** The name this family gives the answer's token limit. */
  maxTokensName: 'max_tokens' | 'max_completion_tokens'
  /** Its schemas of different age name the limit differently, so both names are sent; the unknown one is ignored. */
  bothMaxTokensNames?: true
  /** Sampling parameters that this family takes, each with its range. Others are not accepted. */
  sampling: Partial<Record<SamplingName, Range>>
  /** Other native body fields that pass unchanged. */
  extras: readonly string[]
  /** Whether `stop` is also accepted natively; the proxy enforces it on every model. */
  nativeStop: boolean
  /** `native`: tools go in the body. `prompt`: they are described in the system message. `none`: not at all. */
  tools: 'native' | 'prompt' | 'none'
  /** Whether `tool_choice` and `parallel_tool_calls` are part of the schema. */
  toolChoice: boolean
  /** Whether a forced choice is enforced: always, only if it names a tool (`required` fails open), or never. */
  forcedChoice: 'enforced' | 'named' | 'advisory'
  /** What may be requested as a stream; the rest is requested whole, and then sent as a stream. */
  streams: {
    /** Tools: llama-4-scout bills such a stream but leaves it empty. */
    tools: boolean
    /** JSON mode: classic models refuse it with 5023. */
    json: boolean
    /** Arguments are valid enough to be streamed; otherwise they are held until complete, checked and repaired. */
    arguments: boolean
  }
  thinking: Thinking
  /** The shape of an answer: `{response, tool_calls}`, `{choices}`, or both in one. Every shape is read from every model. */
  output: 'classic' | 'openai' | 'hybrid'
  /** The form of earlier calls: `calls` keeps `tool_calls` with ids; `text` writes the call as JSON text. */
  toolHistory: 'calls' | 'text'
  /** The form of `tool_call_id`: Mistral's template takes only nine letters or digits. */
  toolCallId: 'any' | 'alphanumeric-9'
  /** `bare`: `json_schema` is the schema itself. `envelope`: OpenAI's `{name, schema, strict}`. `guided`: a `guided_json` field. */
  jsonSchema: 'bare' | 'envelope' | 'guided' | 'none'
  /** Whether `response_format: {type: "json_object"}` may be sent. */
  jsonObject: boolean
}

/** How a family returns its thinking, and what turns thinking on and off. */
export interface Thinking {
  /** The place of thinking in an answer; `open-tags` begins without `<think>`, because the template has written it. */
  channel: 'none' | 'reasoning_content' | 'reasoning' | 'tags' | 'open-tags'
  /** The template's tokens around thinking in the text; `<think>` tags when absent. */
  marks?: 'harmony' | 'gemma'
  /** The member of `chat_template_kwargs` that is a switch. */
  switch?: 'enable_thinking' | 'thinking'
  /** Accepted values of `reasoning_effort`, with `none` if that turns thinking off; empty if the field is not accepted. */
  efforts: readonly string[]
  /** Whether it thinks by default. */
  isDefault: boolean
  /** It always thinks. */
  isMandatory?: boolean
}

export type FamilyName = 'classic' | 'classic-2025' | 'hermes' | 'r1-distill' | 'guided' | 'qwq' | 'vision' | 'llama-4' | 'qwen3' | 'sea-lion' |
  'granite' | 'gpt-oss' | 'gemma-4' | 'kimi' | 'deepseek-v4' | 'qwen3.8' | 'openai' | 'guard'
export type SamplingName = 'temperature' | 'top_p' | 'top_k' | 'seed' | 'repetition_penalty' | 'frequency_penalty' | 'presence_penalty'

const SEED: Range = [1, 9_999_999_999]
/** The first schemas also accept 0, which others refuse; both mean the likeliest token. */
const MIN_TOP_P = 0.001

/** The schemas of 2023 and 2024: penalties cannot be negative. */
const classic: Family = {
  name: 'classic',
  content: 'string',
  takesPrompt: true,
  developerRole: false,
  messageName: true,
  maxTokensName: 'max_tokens',
  sampling: {
    temperature: [0, 5],
    top_p: [MIN_TOP_P, 2],
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
  forcedChoice: 'advisory',
  streams: { tools: true, json: false, arguments: false },
  thinking: { channel: 'none', efforts: [], isDefault: false },
  output: 'classic',
  toolHistory: 'calls',
  toolCallId: 'any',
  jsonSchema: 'bare',
  jsonObject: true,

}

/** The same input with the ranges of the schemas since August 2025. */
const classic2025: Family = {
  ...classic,
  name: 'classic-2025',
  sampling: { ...classic.sampling, top_p: [MIN_TOP_P, 1], frequency_penalty: [-2, 2], presence_penalty: [-2, 2] }
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
  takesPrompt: true,
  developerRole: true,
  messageName: true,
  maxTokensName: 'max_completion_tokens',
  sampling: {
    temperature: [0, 2],
    top_p: [MIN_TOP_P, 1],
    // Some of them accept wider ranges, all accept this one.
    seed: SEED,
    frequency_penalty: [-2, 2],
    presence_penalty: [-2, 2]
  },
  extras: ['chat_template_kwargs', 'logprobs', 'top_logprobs'],
  nativeStop: true,
  tools: 'native',
  toolChoice: true,
  forcedChoice: 'named',
  streams: { tools: true, json: true, arguments: true },
  thinking: { channel: 'reasoning_content', switch: 'enable_thinking', efforts: ['low', 'medium', 'high'], isDefault: true },
  output: 'openai',
  toolHistory: 'calls',
  toolCallId: 'any',
  jsonSchema: 'envelope',
  jsonObject: true,

}

const qwen3: Family = {
  ...classic2025,
  name: 'qwen3',
  extras: ['raw', 'lora', 'chat_template_kwargs'],
  thinking: { channel: 'reasoning_content', switch: 'enable_thinking', efforts: [], isDefault: true },
  output: 'openai'
}

/** Every family by name. */
export const FAMILIES: Record<FamilyName, Family> = {
  classic,
  'classic-2025': classic2025,
  /** Cloudflare's page for hermes sends earlier calls as JSON text. */
  hermes: { ...classic2025, name: 'hermes', toolHistory: 'text' },
  'r1-distill': { ...classic2025, name: 'r1-distill', thinking: { channel: 'open-tags', efforts: [], isDefault: true } },
  guided,
  qwq: { ...guided, name: 'qwq', thinking: { channel: 'open-tags', efforts: [], isDefault: true } },
  vision: { ...guided, name: 'vision', maxImages: 1, extras: ['raw'], jsonSchema: 'none' },
  'llama-4': {
    ...guided,
    name: 'llama-4',
    extras: ['raw', 'guided_json'],
    toolCallId: 'any',
    jsonObject: true,
    streams: { tools: false, json: false, arguments: false },
    output: 'hybrid'
  },
  /** Classic bodies in, OpenAI-shaped answers out. */
  qwen3,
  'sea-lion': { ...qwen3, name: 'sea-lion', extras: ['raw', 'lora'], thinking: classic.thinking },
  /** Its arguments were observed encoded twice. */
  granite: { ...openai, name: 'granite', bothMaxTokensNames: true, thinking: classic.thinking, extras: [], streams: { ...openai.streams, arguments: false } },
  /** Its forced calls leak as JSON text. */
  'gpt-oss': {
    ...openai,
    name: 'gpt-oss',
    takesPrompt: false,
    takesInput: true,
    bothMaxTokensNames: true,
    extras: [],
    forcedChoice: 'advisory',
    streams: { ...openai.streams, arguments: false },
    thinking: { channel: 'reasoning_content', marks: 'harmony', efforts: ['low', 'medium', 'high'], isDefault: true, isMandatory: true }
  },
  'gemma-4': { ...openai, name: 'gemma-4', thinking: { ...openai.thinking, channel: 'reasoning', marks: 'gemma', efforts: ['none', 'high'], isDefault: false } },
  /** Its template reads `thinking` where others read `enable_thinking`. */
  kimi: { ...openai, name: 'kimi', thinking: { ...openai.thinking, switch: 'thinking', efforts: ['none', 'high'] } },
  'deepseek-v4': {
    ...openai,
    name: 'deepseek-v4',
    thinking: { channel: 'reasoning_content', efforts: ['none', 'low', 'high', 'max'], isDefault: false }
  },
  'qwen3.8': { ...openai, name: 'qwen3.8', systemFirst: true },
  openai,
  guard: {
    ...classic,
    name: 'guard',
    takesPrompt: false,
    messageName: false,
    dialogueOnly: true,
    sampling: { temperature: [0, 5] },
    extras: ['lora'],
    tools: 'none',
    jsonSchema: 'none'
  }
}

/** A model's abilities, as far as Cloudflare lists them. */
export interface Abilities {
  tools: boolean
  reasoning: boolean
  json: boolean
  /** Facts about its thinking that differ from its family. */
  thinking?: ModelThinking
}

/** How the thinking of one model is controlled, as Cloudflare lists it. */
export type ModelThinking = Partial<Pick<Thinking, 'efforts' | 'isDefault' | 'isMandatory'>>

/** A family's record for one model: without native tools, JSON Schema or thinking if the model has none. */
export function restrictTo (family: Family, { tools, reasoning, json, thinking }: Abilities): Family {
  return {
    ...family,
    ...(thinking !== undefined && { thinking: toThinking(family.thinking, thinking) }),
    ...(family.tools === 'native' && !tools && { tools: 'prompt' }),
    ...(family.jsonSchema === 'bare' && !json && { jsonSchema: 'none' }),
    ...(family.thinking.channel === 'reasoning_content' && !reasoning && { thinking: { channel: 'reasoning_content', efforts: [], isDefault: false } })
  }
}

/** A model that always thinks has no switch, and no effort that turns thinking off. */
function toThinking ({ switch: name, ...common }: Thinking, special: ModelThinking): Thinking {
  const thinking = { ...common, ...special }
  if (thinking.isMandatory !== true) return { ...thinking, ...(name !== undefined && { switch: name }) }
  return { ...thinking, efforts: thinking.efforts.filter(effort => effort !== 'none') }
}
