import type { Family } from '../../workers-ai/models/family.ts'
import type { Model } from '../../workers-ai/models/model.ts'
import type { LeakForm } from './leak.ts'

/**
 * How one model talks, beyond what its family takes: the differences between live models that clients stumble over.
 * Source: behaviour observed on live models, and the comments of Cloudflare's own clients.
 */
export interface Dialect {
  /** `classic`: `{response, tool_calls}`. `openai`: a chat completion inside the envelope. */
  answer: 'classic' | 'openai'
  /** `hybrid`: frames with `choices` and `response` at once. */
  stream: 'classic' | 'hybrid' | 'openai'
  /** Answers JSON with an empty result where a stream was asked for. */
  streamless: boolean
  /** `running`: the usage so far on every chunk. `trailer`: once, in a last frame that has no `choices`. */
  usage: 'running' | 'trailer'
  /** `flat`: `{name, arguments}` without an id. `wrapped`: as OpenAI has it. Only for classic answers. */
  calls: 'flat' | 'wrapped'
  /** Whether the arguments are JSON text of JSON text. */
  doubleEncoded: boolean
  /** `kimi`: `functions.<name>:<index>`, the same in every turn. */
  callIds: 'kimi' | 'vllm'
  /** How a tool call looks that slipped into the text. */
  leak: LeakForm
  /** What a tool's name looks like with what the chat template writes around it. */
  decorate: (name: string) => string
  /** The field thoughts go to, or how they stand inside the text. */
  reasoning: 'none' | 'reasoning_content' | 'reasoning' | ThoughtTags
  thinksUnasked: boolean
  /** The `chat_template_kwargs` member that the model's template reads. */
  thinkingSwitch: 'thinking' | 'enable_thinking'
  /** Refuses flat tools and `tool_choice: "any"` with 8001. */
  strictTools: boolean
  /** Says whether the conversation is safe, and nothing else. */
  judges: boolean
  /** Tokens of an answer when the caller sets no limit; undefined when the schema names none. */
  defaultLimit: number | undefined
}

/** `tags`: thoughts stand between `<think>` and `</think>`. `open-tags`: the template has written the first one already. */
export type ThoughtTags = 'tags' | 'open-tags'

/** What is known of how this model talks. */
export function toDialect ({ id, family, reasoning }: Model): Dialect {
  const openaiInput = family.maxTokensName === 'max_completion_tokens'
  const openaiOutput = openaiInput || family.name === 'qwen3'
  return {
    answer: openaiOutput ? 'openai' : 'classic',
    stream: family.name === 'llama-4' ? 'hybrid' : openaiOutput ? 'openai' : 'classic',
    streamless: family.name === 'gpt-oss',
    usage: family.name === 'qwen3' || id.includes('/glm-') ? 'running' : 'trailer',
    calls: family.name === 'guided' || family.name === 'llama-4' ? 'wrapped' : 'flat',
    doubleEncoded: id.includes('granite'),
    callIds: id.includes('/kimi-') ? 'kimi' : 'vllm',
    leak: toLeakForm(id),
    decorate: toDecoration(id),
    reasoning: reasoning ? toReasoningKind(id, family, openaiOutput) : 'none',
    thinksUnasked: !id.includes('deepseek-v4'),
    thinkingSwitch: id.includes('/kimi-') ? 'thinking' : 'enable_thinking',
    strictTools: openaiInput || family.name === 'guided' || family.name === 'llama-4',
    judges: family.name === 'guard',
    defaultLimit: openaiInput ? undefined : 256
  }
}

/** Models let slip what their chat template writes. */
function toLeakForm (id: string): LeakForm {
  if (id.includes('/kimi-')) return 'kimi'
  if (id.includes('gemma-4')) return 'gemma'
  if (id.includes('deepseek-v4')) return 'dsml'
  if (id.includes('/glm-')) return 'glm'
  if (/hermes|mistral|qwen/.test(id)) return 'tool_call'
  return id.includes('llama') ? 'llama' : 'json'
}

function toDecoration (id: string): Dialect['decorate'] {
  if (id.includes('/kimi-')) return name => `functions.${name}:0`
  return id.includes('gpt-oss') ? name => `${name}<|channel|>commentary` : name => `functions.${name}`
}

function toReasoningKind (id: string, { thinking }: Family, openaiOutput: boolean): Dialect['reasoning'] {
  if (!openaiOutput) return thinking.channel === 'open-tags' ? 'open-tags' : 'tags'
  return /gemma-4|gpt-oss/.test(id) ? 'reasoning' : 'reasoning_content'
}
