import { Type, type Static, type TSchema } from '@sinclair/typebox'
import { imageUrl, logitBias, Nullable, optionalBoolean, optionalInteger, optionalNumber, optionalObject, optionalString, stop, streamOptions } from '../schema-parts.ts'

/** A union discriminated by one field, so that Ajv names the wrong field and not every branch. */
function OneOf<T extends TSchema[]> (propertyName: string, schemas: [...T]) {
  return Type.Unsafe<Static<T[number]>>({
    type: 'object',
    discriminator: { propertyName },
    required: [propertyName],
    oneOf: schemas
  })
}

/** Text or a list of parts, the form of every message's content; `null` and absent mean empty. */
function Content<T extends TSchema> (part: T) {
  return Type.Optional(Type.Unsafe<string | Array<Static<T>> | null>({ type: ['string', 'array', 'null'], items: part }))
}

const optionalName = Type.Optional(Nullable(Type.String()))

/** The other names are the Responses API's, which clients of both APIs also use here. */
const TextPart = Type.Object({
  type: Type.Unsafe<'text' | 'input_text' | 'output_text'>({ type: 'string', enum: ['text', 'input_text', 'output_text'] }),
  text: Type.String()
})
export type TextPart = Static<typeof TextPart>

const SystemPart = OneOf('type', [TextPart])

const RefusalPart = Type.Object({ type: Type.Literal('refusal'), refusal: Type.String() })

const ImagePart = Type.Object({ type: Type.Literal('image_url'), image_url: imageUrl })

/** The Responses API's image. */
const InputImagePart = Type.Object({ type: Type.Literal('input_image'), image_url: optionalString, file_id: optionalString, detail: optionalString })

/** An image as Anthropic's API, MCP or LangChain write it; `workers-ai/request` reads their members. */
const ForeignImagePart = Type.Object({ type: Type.Literal('image') })

const AudioPart = Type.Object({
  type: Type.Literal('input_audio'),
  input_audio: Type.Object({ data: Type.String(), format: Type.String() })
})

const FilePart = Type.Object({ type: Type.Literal('file'), file: Type.Object({ file_data: optionalString, file_id: optionalString, filename: optionalString }) })

/** The Responses API's file. */
const InputFilePart = Type.Object({ type: Type.Literal('input_file'), file_data: optionalString, file_id: optionalString, file_url: optionalString, filename: optionalString })

/** Also the content of a tool result, where OpenAI's API has text only. */
const UserPart = OneOf('type', [TextPart, ImagePart, AudioPart, FilePart, InputImagePart, ForeignImagePart, InputFilePart])
export type UserPart = Static<typeof UserPart>

/** Thinking as a part, as in Anthropic's, Mistral's and LangChain's messages; `workers-ai/request` reads their members. */
const ThinkingPart = Type.Object({ type: Type.Unsafe<'thinking' | 'redacted_thinking' | 'reasoning'>({ type: 'string', enum: ['thinking', 'redacted_thinking', 'reasoning'] }) })
export type ThinkingPart = Static<typeof ThinkingPart>

const AssistantPart = OneOf('type', [TextPart, RefusalPart, ThinkingPart])
export type AssistantPart = Static<typeof AssistantPart>

const FunctionCall = Type.Object({
  id: Type.String(),
  type: Type.Literal('function'),
  function: Type.Object({
    name: Type.String(),
    arguments: Type.String({ description: 'JSON text; may not parse.' })
  })
})
export type FunctionCall = Static<typeof FunctionCall>

/** A call of a tool whose input is free text. */
const CustomCall = Type.Object({
  id: Type.String(),
  type: Type.Literal('custom'),
  custom: Type.Object({ name: Type.String(), input: Type.String() })
})

/** One call of an earlier turn. */
const RequestToolCall = OneOf('type', [FunctionCall, CustomCall])
export type RequestToolCall = Static<typeof RequestToolCall>

const SystemMessage = Type.Object({ role: Type.Literal('system'), content: Content(SystemPart), name: optionalName })
const DeveloperMessage = Type.Object({ role: Type.Literal('developer'), content: Content(SystemPart), name: optionalName })
const UserMessage = Type.Object({ role: Type.Literal('user'), content: Content(UserPart), name: optionalName })
const AssistantMessage = Type.Object({
  role: Type.Literal('assistant'),
  content: Content(AssistantPart),
  name: optionalName,
  refusal: Type.Optional(Nullable(Type.String())),
  tool_calls: Type.Optional(Nullable(Type.Array(RequestToolCall))),
  function_call: Type.Optional(Nullable(Type.Object({ name: Type.String(), arguments: Type.String() }))),
  reasoning_content: Type.Optional(Nullable(Type.String())),
  reasoning: Type.Optional(Nullable(Type.String()))
})
export type AssistantMessage = Static<typeof AssistantMessage>
const ToolMessage = Type.Object({
  role: Type.Literal('tool'),
  content: Content(UserPart),
  tool_call_id: Type.String(),
  name: optionalName
})
const FunctionMessage = Type.Object({ role: Type.Literal('function'), content: Content(UserPart), name: Type.String() })
export type FunctionMessage = Static<typeof FunctionMessage>

const Message = OneOf('role', [SystemMessage, AssistantMessage, UserMessage, FunctionMessage, ToolMessage, DeveloperMessage])
export type Message = Static<typeof Message>

const toolName = Type.String({ pattern: '^[a-zA-Z0-9_-]{1,64}$' })
const JsonSchema = Type.Record(Type.String(), Type.Unknown())

const FunctionDefinition = Type.Object({
  name: toolName,
  description: Type.Optional(Nullable(Type.String())),
  parameters: Type.Optional(Nullable(JsonSchema)),
  strict: Type.Optional(Nullable(Type.Boolean()))
})
export type FunctionDefinition = Static<typeof FunctionDefinition>

const FunctionTool = Type.Object({ type: Type.Literal('function'), function: FunctionDefinition })
export type FunctionTool = Static<typeof FunctionTool>

/** A tool whose input is free text. The grammar of its format is a separate member, or flat as in the Responses API. */
const CustomTool = Type.Object({
  type: Type.Literal('custom'),
  custom: Type.Object({
    name: toolName,
    description: optionalString,
    format: Type.Optional(Type.Unsafe<(Grammar & { type?: string, grammar?: Grammar | null }) | null>({ type: ['object', 'null'], properties: { grammar: { type: ['object', 'null'] } } }))
  })
})
export type CustomTool = Static<typeof CustomTool>

interface Grammar {
  syntax?: string | null
  definition?: string | null
}

type ToolReference = { type: 'function', function: { name: string } } | { type: 'custom', custom: { name: string } }

interface AllowedTools {
  type: 'allowed_tools'
  /** Each tool should be a reference to a tool; the openai package's type allows anything. */
  allowed_tools: { mode: 'auto' | 'required', tools: Array<{ type?: unknown, function?: unknown, custom?: unknown }> }
}

export type ToolChoice = 'none' | 'auto' | 'required' | ToolReference | AllowedTools

/** Its words and objects are checked by `workers-ai/request/tools.ts`, which can also say which tools there are to choose from. */
const ToolChoice = Type.Unsafe<ToolChoice>({ type: ['string', 'object', 'null'] })

const ResponseFormat = OneOf('type', [
  Type.Object({ type: Type.Literal('text') }),
  Type.Object({
    type: Type.Literal('json_object'),
    schema: Type.Optional(Nullable({ ...JsonSchema, description: 'Not OpenAI\'s. Other servers read a schema here, and clients such as instructor-js send one.' }))
  }),
  Type.Object({
    type: Type.Literal('json_schema'),
    json_schema: Type.Object({
      name: Type.String({ pattern: '^[a-zA-Z0-9_-]{1,64}$' }),
      description: Type.Optional(Nullable(Type.String())),
      schema: Type.Optional(Nullable(JsonSchema)),
      strict: Type.Optional(Nullable(Type.Boolean()))
    })
  })
])
export type ResponseFormat = Static<typeof ResponseFormat>

/**
 * The body of `POST /v1/chat/completions`, in the order OpenAI checks it. Unknown members are accepted, because clients
 * send other servers' extensions here; `workers-ai/request` decides what happens to each.
 */
export const ChatCompletionRequest = Type.Object({
  model: Type.String({ minLength: 1 }),
  messages: Type.Array(Message, { minItems: 1 }),
  functions: Type.Optional(Nullable(Type.Array(FunctionDefinition, { minItems: 1, maxItems: 128 }))),
  function_call: Type.Optional(Type.Unsafe<'none' | 'auto' | { name: string } | null>({
    type: ['string', 'object', 'null'],
    required: ['name'],
    properties: { name: { type: 'string' } }
  })),
  tools: Type.Optional(Nullable(Type.Array(OneOf('type', [FunctionTool, CustomTool]), { maxItems: 128 }))),
  tool_choice: Type.Optional(ToolChoice),
  parallel_tool_calls: optionalBoolean,
  response_format: Type.Optional(Type.Unsafe<ResponseFormat | null>({ ...ResponseFormat, type: ['object', 'null'] })),
  stream: optionalBoolean,
  stream_options: streamOptions,
  n: optionalInteger(1, 128),
  temperature: optionalNumber(0, 2),
  top_p: optionalNumber(0, 1),
  max_tokens: optionalInteger(1),
  max_completion_tokens: optionalInteger(1),
  presence_penalty: optionalNumber(-2, 2),
  frequency_penalty: optionalNumber(-2, 2),
  seed: optionalInteger(-(2 ** 63), 2 ** 63),
  stop,
  logprobs: optionalBoolean,
  top_logprobs: optionalInteger(0, 20),
  logit_bias: logitBias,
  reasoning_effort: Type.Optional(Type.Unsafe<string | null>({
    type: ['string', 'null'], enum: ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max', null]
  })),
  metadata: optionalObject,
  store: optionalBoolean,
  user: optionalString,
  safety_identifier: optionalString,
  prompt_cache_key: optionalString,
  prompt_cache_retention: optionalString,
  prompt_cache_options: optionalObject,
  service_tier: optionalString,
  verbosity: optionalString,
  modalities: Type.Optional(Nullable(Type.Array(Type.String()))),
  audio: optionalObject,
  prediction: optionalObject,
  web_search_options: optionalObject,
  moderation: optionalObject,
  // Native parameters of Workers AI that clients send as extensions.
  top_k: Type.Optional(Nullable(Type.Number())),
  repetition_penalty: Type.Optional(Nullable(Type.Number()))
})
export type ChatCompletionRequest = Static<typeof ChatCompletionRequest>
