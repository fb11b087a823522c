/**
 * What a model is asked, for every API. Every surface translates into these types, and `workers-ai/request/` translates from
 * them. An error or a change names a `Place`; each surface knows its caller's name for it.
 *
 * The members have the names of OpenAI's chat API, so a validated chat request is a `GenerationRequest` already and is not
 * copied. A null member means the same as an absent one. Other members are a model's own parameters, which a family takes or
 * not.
 */

/**
 * The place of a value in a request of this language: the path of a member, e.g. `top_p`, `messages[0].content[1]`,
 * `response_format.json_schema.schema`.
 */
export type Place = string

/** `null` means the same as absent. */
type Given<T> = T | null | undefined

/** A conversation for a model to continue. */
export interface GenerationRequest extends Limits, Sampling, ThinkingWords {
  model: string
  messages: Message[]
  /** The deprecated form of `tools`. */
  functions?: Given<FunctionDefinition[]>
  /** The deprecated form of `tool_choice`. */
  function_call?: Given<'none' | 'auto' | { name: string }>
  tools?: Given<Array<FunctionTool | CustomTool>>
  tool_choice?: Given<ToolChoice>
  parallel_tool_calls?: Given<boolean>
  response_format?: Given<ResponseFormat>
  /** The caller wants the answer as a stream. */
  stream?: Given<boolean>
  logprobs?: Given<boolean>
  top_logprobs?: Given<number>
  prompt_cache_key?: Given<string>
}

/** Texts for a model to continue, each separately. */
export interface PromptRequest extends Limits, Sampling {
  model: string
  /** One text or a list of them; the items of the list are not checked yet. */
  prompt?: Given<string | unknown[]>
  stream?: Given<boolean>
  /** Answers that are generated for each choice; the best one is returned. */
  best_of?: Given<number>
  /** The answer begins with its prompt. */
  echo?: Given<boolean>
  /** Text that follows the generated text. */
  suffix?: Given<string>
  /** Number of alternatives with log probabilities per token. */
  logprobs?: Given<number>
  /** The prompt is used without a chat template. */
  raw?: Given<boolean>
}

/** Texts whose embeddings are requested. */
export interface EmbeddingsRequest {
  model: string
  /** One text or a list of them; the items of the list are not checked yet. */
  input: string | unknown[]
  /** Numbers of each embedding; the model's own number when absent. */
  dimensions?: Given<number>
}

/** The length and the number of answers. */
export interface Limits {
  /** Choices; of a prompt request for each prompt. */
  n?: Given<number>
  /** In tokens. */
  max_tokens?: Given<number>
  /** The same under its newer name, which wins. */
  max_completion_tokens?: Given<number>
  /** Sequences before which the text ends. */
  stop?: Given<string | string[]>
}

/** How tokens are drawn. */
export interface Sampling {
  temperature?: Given<number>
  top_p?: Given<number>
  top_k?: Given<number>
  seed?: Given<number>
  repetition_penalty?: Given<number>
  frequency_penalty?: Given<number>
  presence_penalty?: Given<number>
}

/** Parameters of thinking; all except the first are extensions of other servers, and are not checked yet. */
export interface ThinkingWords {
  reasoning_effort?: unknown
  /** OpenRouter's. */
  reasoning?: unknown
  include_reasoning?: unknown
  /** Anthropic's, which GLM's, Kimi's and DeepSeek's own servers also use. */
  thinking?: unknown
  /** Qwen's. */
  enable_thinking?: unknown
  thinking_budget?: unknown
  /** vLLM's, SGLang's and llama.cpp's: variables of the chat template. */
  chat_template_kwargs?: unknown
}

/** One message of a conversation. */
export type Message = SystemMessage | UserMessage | AssistantMessage | ToolMessage | FunctionMessage

export interface SystemMessage {
  role: 'system' | 'developer'
  content?: Given<string | TextPart[]>
  name?: Given<string>
}

/** Other members, such as Ollama's `images`, are read where they are known. */
export interface UserMessage {
  role: 'user'
  content?: Given<string | UserPart[]>
  name?: Given<string>
}

export interface AssistantMessage {
  role: 'assistant'
  content?: Given<string | AssistantPart[]>
  name?: Given<string>
  refusal?: Given<string>
  tool_calls?: Given<ToolCall[]>
  /** The deprecated form of one call. */
  function_call?: Given<{ name: string, arguments: string }>
  reasoning_content?: Given<string>
  reasoning?: Given<string>
}

export interface ToolMessage {
  role: 'tool'
  content?: Given<string | UserPart[]>
  tool_call_id: string
  name?: Given<string>
}

/** The deprecated form of a tool's message. */
export interface FunctionMessage {
  role: 'function'
  content?: Given<string | UserPart[]>
  name: string
}

/** Its other names are those of OpenAI's Responses API. */
export interface TextPart {
  type: 'text' | 'input_text' | 'output_text'
  text: string
}

export interface RefusalPart {
  type: 'refusal'
  refusal: string
}

/** Thinking as a part, as Anthropic's, Mistral's and LangChain's messages have it. */
export interface ThinkingPart {
  type: 'thinking' | 'redacted_thinking' | 'reasoning'
}

/** OpenAI's own form has an object; other servers take the URL itself. */
export interface ImagePart {
  type: 'image_url'
  image_url: { url: string, detail?: Given<string> } | string
}

/** The image of OpenAI's Responses API. */
interface InputImagePart {
  type: 'input_image'
  image_url?: Given<string>
  file_id?: Given<string>
  detail?: Given<string>
}

/** An image as Anthropic's API, MCP or LangChain write it; `image-forms` knows the members. */
interface ForeignImagePart {
  type: 'image'
}

interface AudioPart {
  type: 'input_audio'
  input_audio: { data: string, format: string }
}

interface FilePart {
  type: 'file'
  file: { file_data?: Given<string>, file_id?: Given<string>, filename?: Given<string> }
}

/** The file of OpenAI's Responses API. */
interface InputFilePart {
  type: 'input_file'
  file_data?: Given<string>
  file_id?: Given<string>
  file_url?: Given<string>
  filename?: Given<string>
}

/** A part of a user message or a tool result. */
export type UserPart = TextPart | ImagePart | AudioPart | FilePart | InputImagePart | ForeignImagePart | InputFilePart

/** A part of an assistant message. */
export type AssistantPart = TextPart | RefusalPart | ThinkingPart

/** One call of an earlier turn. */
export type ToolCall = FunctionCall | CustomCall

export interface FunctionCall {
  id: string
  type: 'function'
  /** The arguments are JSON text, which may not parse. */
  function: { name: string, arguments: string }
}

/** A call of a tool whose input is free text. */
export interface CustomCall {
  id: string
  type: 'custom'
  custom: { name: string, input: string }
}

export interface FunctionDefinition {
  name: string
  description?: Given<string>
  /** A JSON schema. */
  parameters?: Given<Record<string, unknown>>
  strict?: Given<boolean>
}

export interface FunctionTool {
  type: 'function'
  function: FunctionDefinition
}

/** A tool whose input is free text. The grammar of its format is a separate member, or flat. */
export interface CustomTool {
  type: 'custom'
  custom: {
    name: string
    description?: Given<string>
    format?: Given<Grammar & { type?: string, grammar?: Given<Grammar> }>
  }
}

export interface Grammar {
  syntax?: Given<string>
  definition?: Given<string>
}

type ToolReference = { type: 'function', function: { name: string } } | { type: 'custom', custom: { name: string } }

export interface AllowedTools {
  type: 'allowed_tools'
  /** Each entry should refer to a tool; this is not checked yet. */
  allowed_tools: { mode: 'auto' | 'required', tools: Array<{ type?: unknown, function?: unknown, custom?: unknown }> }
}

/** Which tool may or must be called; whether that tool exists is not checked yet. */
export type ToolChoice = 'none' | 'auto' | 'required' | ToolReference | AllowedTools

export type ResponseFormat =
  | { type: 'text' }
  /** The schema is not OpenAI's: other servers read one here. */
  | { type: 'json_object', schema?: Given<Record<string, unknown>> }
  | { type: 'json_schema', json_schema: JsonSchemaFormat }

export interface JsonSchemaFormat {
  name: string
  description?: Given<string>
  schema?: Given<Record<string, unknown>>
  strict?: Given<boolean>
}
