import { Type, type Static, type TSchema } from '@sinclair/typebox'
import { imageUrl, Nullable, optionalBoolean, optionalInteger, optionalNumber, optionalObject, optionalString } from '../schema-parts.ts'

/**
 * A union discriminated by `type`, each member with its own schema, so that Ajv names the wrong field.
 * Other types pass, unless `type` itself is limited.
 */
function byType (schemas: Record<string, TSchema>): object[] {
  return Object.entries(schemas).map(([type, schema]) => ({
    if: { type: 'object', properties: { type: { const: type } }, required: ['type'] },
    then: schema
  }))
}

interface TextPart {
  type: 'input_text' | 'output_text' | 'text' | 'summary_text' | 'reasoning_text'
  text: string
}

interface RefusalPart {
  type: 'refusal'
  refusal: string
}

export interface InputImagePart {
  type: 'input_image'
  /** An http(s) URL or a data URI. */
  image_url?: string | null
  file_id?: string | null
  detail?: string | null
}

export interface InputFilePart {
  type: 'input_file'
  file_data?: string | null
  file_id?: string | null
  file_url?: string | null
  filename?: string | null
}

/** Parts in the form of the chat API or of other APIs; `workers-ai/request` reads their members. */
export interface ForeignInputPart {
  type: 'image_url' | 'image' | 'file' | 'input_audio'
  image_url?: string | { url: string, detail?: string | null }
  file?: Omit<InputFilePart, 'type'>
}

/** One part of a message or of a tool result. */
export type InputPart = TextPart | RefusalPart | InputImagePart | InputFilePart
export type GivenInputPart = InputPart | ForeignInputPart

export interface InputMessage {
  type?: 'message'
  id?: string | null
  role: 'user' | 'assistant' | 'system' | 'developer'
  content: string | GivenInputPart[]
  status?: string | null
}

export interface FunctionCallItem {
  type: 'function_call'
  id?: string | null
  call_id: string
  name: string
  /** The namespace of the tool, if it has one. */
  namespace?: string | null
  /** JSON text; may not parse. */
  arguments: string
  status?: string | null
}

/** A call of a tool whose input is free text. */
export interface CustomToolCallItem {
  type: 'custom_tool_call'
  id?: string | null
  call_id: string
  name: string
  namespace?: string | null
  input: string
  status?: string | null
}

/** A tool result. */
export interface ToolOutputItem {
  type: 'function_call_output' | 'custom_tool_call_output'
  id?: string | null
  call_id: string
  output: string | GivenInputPart[]
  status?: string | null
}

/** Earlier thinking. */
export interface ReasoningItem {
  type: 'reasoning'
  id?: string | null
  summary?: TextPart[] | null
  content?: TextPart[] | null
}

/** A compaction, which replaces a conversation. */
export interface CompactionItem {
  type: 'compaction'
  id?: string | null
  /** Only the server that created it can read it. */
  encrypted_content: string
}

/** Requests a compaction of all items before it; the last item of an input. */
export interface CompactionTriggerItem {
  type: 'compaction_trigger'
  id?: string | null
}

/** A reference to a stored item of an earlier response, or of its input. */
export interface ItemReference {
  type?: 'item_reference' | null
  id: string
}

/** Calls and results of tools that OpenAI's servers run; there are none here, so they are not sent. */
interface HostedItem {
  type: 'web_search_call' | 'file_search_call' | 'computer_call' | 'local_shell_call' | 'code_interpreter_call' | 'image_generation_call' | 'mcp_call'
  id?: string | null
}

/** One item of a conversation. Items of other types are accepted, and not sent. */
export type InputItem =
  | InputMessage
  | FunctionCallItem
  | CustomToolCallItem
  | ToolOutputItem
  | ReasoningItem
  | CompactionItem
  | CompactionTriggerItem
  | ItemReference
  | HostedItem

const text = Type.Object({ text: Type.String() })

const partsByType = {
  input_text: text,
  output_text: text,
  text,
  refusal: Type.Object({ refusal: Type.String() }),
  input_image: Type.Object({ image_url: optionalString, file_id: optionalString, detail: optionalString }),
  input_file: Type.Object({ file_data: optionalString, file_id: optionalString, file_url: optionalString, filename: optionalString }),
  image_url: Type.Object({ image_url: imageUrl }),
  image: Type.Object({}),
  file: Type.Object({ file: Type.Object({ file_data: optionalString, file_id: optionalString, filename: optionalString }) }),
  input_audio: Type.Object({})
}

const Parts = {
  type: ['string', 'array'],
  items: {
    type: 'object',
    required: ['type'],
    properties: { type: { type: 'string', enum: Object.keys(partsByType) } },
    allOf: byType(partsByType)
  }
}

const Message = {
  type: 'object',
  required: ['role', 'content'],
  properties: {
    role: { type: 'string', enum: ['assistant', 'system', 'developer', 'user'] },
    content: Parts,
    id: Nullable(Type.String())
  }
}

const callId = Type.String({ minLength: 1 })
const id = Type.Optional(Nullable(Type.String()))
const thoughts = Type.Optional(Type.Unsafe({ type: ['array', 'null'], items: text }))

/** A message may omit its type. An item with an id, but without a type or a role, is a reference. */
const isMessage = {
  type: 'object',
  properties: { type: { const: 'message' } },
  anyOf: [{ required: ['type'] }, { required: ['role'] }, { not: { required: ['id'] } }]
}

const Item = {
  type: 'object',
  properties: { type: { type: ['string', 'null'] } },
  allOf: [
    { if: isMessage, then: Message },
    ...byType({
      function_call: Type.Object({
        id,
        call_id: callId,
        name: Type.String({ minLength: 1 }),
        namespace: optionalString,
        arguments: Type.String()
      }),
      custom_tool_call: Type.Object({
        id,
        call_id: callId,
        name: Type.String({ minLength: 1 }),
        namespace: optionalString,
        input: Type.String()
      }),
      function_call_output: Type.Object({ id, call_id: callId, output: Type.Unsafe(Parts) }),
      custom_tool_call_output: Type.Object({ id, call_id: callId, output: Type.Unsafe(Parts) }),
      reasoning: Type.Object({ id, summary: thoughts, content: thoughts }),
      compaction: Type.Object({ id, encrypted_content: Type.String() }),
      item_reference: Type.Object({ id: Type.String() })
    })
  ]
}

export interface FunctionToolParam {
  type: 'function'
  name: string
  description?: string | null
  /** A JSON Schema. */
  parameters?: Record<string, unknown> | null
  strict?: boolean | null
}

export interface CustomToolParam {
  type: 'custom'
  name: string
  description?: string | null
  format?: { type: string, syntax?: string, definition?: string } | null
}

interface NamespaceToolParam {
  type: 'namespace'
  name: string
  tools: ToolParam[]
}

/** Tools that OpenAI's servers run, or that a client runs itself; other types are accepted. */
interface HostedToolParam {
  type: 'web_search' | 'web_search_preview' | 'file_search' | 'code_interpreter' | 'image_generation' | 'mcp' | 'computer_use_preview' | 'local_shell' | 'shell' | 'apply_patch'
}

export type ToolParam = FunctionToolParam | CustomToolParam | NamespaceToolParam | HostedToolParam

const toolName = Type.String({ pattern: '^[a-zA-Z0-9_-]{1,64}$' })
const jsonSchema = Type.Optional(Type.Unsafe<object | null>({ type: ['object', 'null'] }))

const Tool = {
  type: 'object',
  required: ['type'],
  properties: { type: { type: 'string' } },
  allOf: byType({
    function: Type.Object({ name: toolName, description: optionalString, parameters: jsonSchema, strict: optionalBoolean }),
    custom: Type.Object({ name: toolName, description: optionalString, format: optionalObject }),
    namespace: Type.Object({
      name: Type.String({ minLength: 1 }),
      tools: Type.Array(
        Type.Object({
          type: Type.String(),
          name: Type.Optional(Type.String()),
          description: optionalString,
          parameters: jsonSchema,
          strict: optionalBoolean,
          format: optionalObject
        }),
        { maxItems: 128 }
      )
    })
  })
}

interface NamedTool {
  type: string
  name?: string
  namespace?: string
}

/** `tool_choice`; `tools.ts` knows the tools there are to choose from. */
export type ResponseToolChoice = 'none' | 'auto' | 'required' | NamedTool | { type: 'allowed_tools', mode: 'auto' | 'required', tools: NamedTool[] }

const ToolChoice = {
  type: ['string', 'object', 'null'],
  allOf: [
    { if: { type: 'string' }, then: { enum: ['none', 'auto', 'required'] } },
    {
      if: { type: 'object' },
      then: {
        required: ['type'],
        properties: { type: { type: 'string' }, name: { type: 'string' }, namespace: { type: ['string', 'null'] } },
        allOf: byType({
          allowed_tools: Type.Object({
            mode: Type.Unsafe({ type: 'string', enum: ['auto', 'required'] }),
            tools: Type.Array(Type.Object({ type: Type.String(), name: Type.Optional(Type.String()), namespace: optionalString }))
          })
        })
      }
    }
  ]
}

export type TextFormat =
  | { type: 'text' }
  | { type: 'json_object' }
  | { type: 'json_schema', name: string, schema: Record<string, unknown>, strict?: boolean | null, description?: string | null }

const Format = {
  type: ['object', 'null'],
  required: ['type'],
  properties: { type: { type: 'string', enum: ['text', 'json_object', 'json_schema'] } },
  allOf: byType({
    json_schema: Type.Object({ name: toolName, schema: Type.Unsafe({ type: 'object' }), strict: optionalBoolean, description: optionalString })
  })
}

/**
 * The body of `POST /v1/responses`, in the order OpenAI checks it. Unknown members are accepted: clients send their own
 * here, and `workers-ai/request` decides what happens to each. Items and tools of unknown types are accepted too, because many
 * clients always send OpenAI's own tools.
 */
export const ResponseRequest = Type.Object({
  model: optionalString,
  input: Type.Optional(Type.Unsafe<string | InputItem[] | null>({ type: ['string', 'array', 'null'], items: Item })),
  previous_response_id: optionalString,
  conversation: Type.Optional(Type.Unsafe<string | { id: string } | null>({ type: ['string', 'object', 'null'] })),
  prompt: Type.Optional(Type.Unsafe<{ id?: string } | null>({ type: ['object', 'null'] })),
  background: optionalBoolean,
  instructions: optionalString,
  tools: Type.Optional(Type.Unsafe<ToolParam[] | null>({ type: ['array', 'null'], items: Tool, maxItems: 128 })),
  tool_choice: Type.Optional(Type.Unsafe<ResponseToolChoice | null>(ToolChoice)),
  parallel_tool_calls: optionalBoolean,
  max_tool_calls: optionalInteger(1),
  max_output_tokens: optionalInteger(1),
  // The chat API's names for it, which clients of both APIs send.
  max_completion_tokens: optionalInteger(1),
  max_tokens: optionalInteger(1),
  temperature: optionalNumber(0, 2),
  top_p: optionalNumber(0, 1),
  top_logprobs: optionalInteger(0, 20),
  text: Type.Optional(Nullable(Type.Object({
    format: Type.Optional(Type.Unsafe<TextFormat | null>(Format)),
    verbosity: optionalString
  }))),
  reasoning: Type.Optional(Nullable(Type.Object({
    effort: Type.Optional(Type.Unsafe<string | null>({ type: ['string', 'null'], enum: ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max', null] })),
    summary: Type.Optional(Type.Unsafe<'auto' | 'concise' | 'detailed' | null>({ type: ['string', 'null'], enum: ['auto', 'concise', 'detailed', null] }))
  }))),
  truncation: Type.Optional(Type.Unsafe<'auto' | 'disabled' | null>({ type: ['string', 'null'], enum: ['auto', 'disabled', null] })),
  include: Type.Optional(Nullable(Type.Array(Type.String()))),
  store: optionalBoolean,
  stream: optionalBoolean,
  stream_options: optionalObject,
  metadata: Type.Optional(Type.Unsafe<Record<string, string> | null>({ type: ['object', 'null'], additionalProperties: { type: 'string', maxLength: 512 }, maxProperties: 16 })),
  user: optionalString,
  safety_identifier: optionalString,
  prompt_cache_key: optionalString,
  prompt_cache_retention: optionalString,
  prompt_cache_options: optionalObject,
  context_management: Type.Optional(Nullable(Type.Array(Type.Unknown()))),
  moderation: optionalObject,
  service_tier: optionalString
})
export type ResponseRequest = Static<typeof ResponseRequest>
