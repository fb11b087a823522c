import type { JsonSchema } from './answers/json-schema.ts'

/** The members of a run's body that the simulator reads. `validate` checks these types. */
export interface RunBody {
  prompt?: string
  /** No chat template is put around the prompt. */
  raw?: boolean
  messages?: RunMessage[]
  /** The Responses form of gpt-oss. */
  input?: string | RunMessage[]
  stream?: boolean | null
  max_tokens?: number | null
  max_completion_tokens?: number | null
  seed?: number | null
  stop?: string | string[] | null
  tools?: RunTool[] | null
  tool_choice?: ToolChoice | null
  parallel_tool_calls?: boolean | null
  response_format?: ResponseFormat | null
  guided_json?: JsonSchema | null
  chat_template_kwargs?: { enable_thinking?: boolean, thinking?: boolean } | null
  reasoning_effort?: string | null
  logprobs?: boolean | null
  top_logprobs?: number | null
  options?: { rejectIfBusy?: unknown }
}

export interface RunMessage {
  role: string
  content?: string | ContentPart[] | ContentPart | null
  tool_call_id?: string
  tool_calls?: Array<{ function?: { name?: string } }> | null
}

export interface ContentPart {
  type: string
  text?: string
  image_url?: { url: string }
}

/** `{name, description, parameters}`, or the same in OpenAI's wrapper. */
export type RunTool = FunctionTool | { type: string, function: FunctionTool }

export interface FunctionTool {
  name: string
  description?: string
  parameters?: JsonSchema
}

type ToolChoice = 'none' | 'auto' | 'required' | { type: 'function', function: { name: string } }

type ResponseFormat =
  | { type: 'text' | 'json_object' }
  | { type: 'json_schema', json_schema: JsonSchema | { name: string, schema?: JsonSchema } }

/** The function of a tool, with or without OpenAI's wrapper. */
export function toFunction (tool: RunTool): FunctionTool {
  return 'function' in tool ? tool.function : tool
}

/** The text of a message's content: its text parts, one per line. */
export function toText (content: RunMessage['content']): string {
  return toTexts(content).join('\n')
}

/** The text parts of a message's content that are not empty. */
export function toTexts (content: RunMessage['content']): string[] {
  return toParts(content).map(part => part.text ?? '').filter(Boolean)
}

/** The parts of a message's content, in either form. */
export function toParts (content: RunMessage['content']): ContentPart[] {
  if (content == null) return []
  return typeof content === 'string' ? [{ type: 'text', text: content }] : [content].flat().filter(part => part != null)
}
