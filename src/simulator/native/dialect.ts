import type { Family } from '../../workers-ai/models/family.ts'
import type { Model } from '../../workers-ai/models/model.ts'
import type { LeakForm } from './leak.ts'

/**
 * The form of one model's answers, beyond its family: the differences between live models that break clients.
 * Source: behaviour observed on live models, and comments in Cloudflare's own clients.
 */
export interface Dialect {
  /** `classic`: `{response, tool_calls}`. `openai`: a chat completion inside the envelope. */
  answer: 'classic' | 'openai'
  /** `hybrid`: frames with `choices` and `response` at once. */
  stream: 'classic' | 'hybrid' | 'openai'
  /** Answers JSON with an empty result to a request for a stream. */
  streamless: boolean
  /** `running`: the usage so far on every chunk. `trailer`: once, in a last frame that has no `choices`. */
  usage: 'running' | 'trailer'
  /** `flat`: `{name, arguments}` without an id. `wrapped`: OpenAI's form. Only for classic answers. */
  calls: 'flat' | 'wrapped'
  /** Whether the arguments are JSON text of JSON text. */
  doubleEncoded: boolean
  /** `kimi`: `functions.<name>:<index>`, the same in every turn. */
  callIds: 'kimi' | 'vllm'
  /** The form of a tool call that the model writes into its text. */
  leak: LeakForm
  /** A tool's name with the tokens that the chat template writes around it. */
  decorate: (name: string) => string
  /** The field for thinking, or its form inside the text. */
  reasoning: 'none' | 'reasoning_content' | 'reasoning' | ThoughtTags
  thinksUnasked: boolean
  /** The `chat_template_kwargs` member that the model's template reads. */
  thinkingSwitch: 'thinking' | 'enable_thinking'
  /** Refuses flat tools and `tool_choice: "any"` with 8001. */
  strictTools: boolean
  /** Answers only whether the conversation is safe. */
  judges: boolean
  /** Tokens of an answer when the caller sets no limit; undefined when the schema names none. */
  defaultLimit: number | undefined
}

/** `tags`: thinking is between `<think>` and `</think>`. `open-tags`: the template has written the first tag already. */
export type ThoughtTags = 'tags' | 'open-tags'

/** The dialect of this model, as far as it is known. */
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

/** Models leak calls in the syntax of their chat template. */
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
