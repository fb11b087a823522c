import type { JsonSchema } from './answers/json-schema.ts'

/** The body of a run as far as the simulator reads it; `validate` vouches for these types. */
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

/** `{name, description, parameters}`, or the same wrapped as OpenAI wraps it. */
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

/** The function a tool describes, however it is wrapped. */
export function toFunction (tool: RunTool): FunctionTool {
  return 'function' in tool ? tool.function : tool
}

/** The text of a message's content: its text parts, a line each. */
export function toText (content: RunMessage['content']): string {
  return toTexts(content).join('\n')
}

/** The text parts of a message's content that say anything. */
export function toTexts (content: RunMessage['content']): string[] {
  return toParts(content).map(part => part.text ?? '').filter(Boolean)
}

/** The parts of a message's content, whichever form it has. */
export function toParts (content: RunMessage['content']): ContentPart[] {
  if (content == null) return []
  return typeof content === 'string' ? [{ type: 'text', text: content }] : [content].flat().filter(part => part != null)
}
