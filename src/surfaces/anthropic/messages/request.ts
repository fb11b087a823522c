import { Type, type Static, type TSchema } from '@sinclair/typebox'
import { Content, Nullable, OneOf, OptionalOneOf, optionalBoolean, optionalString } from '../schema-parts.ts'

const TextBlock = Type.Object({ type: Type.Literal('text'), text: Type.String() })
export type TextBlock = Static<typeof TextBlock>

const Base64Source = Type.Object({ type: Type.Literal('base64'), media_type: Type.String(), data: Type.String() })
const UrlSource = Type.Object({ type: Type.Literal('url'), url: Type.String() })
const FileSource = Type.Object({ type: Type.Literal('file'), file_id: Type.String() })
const TextSource = Type.Object({ type: Type.Literal('text'), data: Type.String() })

const ImageBlock = Type.Object({ type: Type.Literal('image'), source: OneOf('type', [Base64Source, UrlSource, FileSource]) })
export type ImageBlock = Static<typeof ImageBlock>

const ContentSource = Type.Object({ type: Type.Literal('content'), content: Content(OneOf('type', [TextBlock, ImageBlock])) })

const DocumentBlock = Type.Object({
  type: Type.Literal('document'),
  source: OneOf('type', [Base64Source, UrlSource, FileSource, TextSource, ContentSource]),
  title: optionalString,
  context: optionalString
})
export type DocumentBlock = Static<typeof DocumentBlock>

const SearchResultBlock = Type.Object({ type: Type.Literal('search_result'), source: Type.String(), title: Type.String(), content: Type.Array(TextBlock) })
export type SearchResultBlock = Static<typeof SearchResultBlock>

const ToolReferenceBlock = Type.Object({ type: Type.Literal('tool_reference'), tool_name: Type.String() })

const ResultBlock = OneOf('type', [TextBlock, ImageBlock, SearchResultBlock, DocumentBlock, ToolReferenceBlock])
export type ResultBlock = Static<typeof ResultBlock>

const ToolUseBlock = Type.Object({
  type: Type.Literal('tool_use'),
  id: Type.String(),
  name: Type.String(),
  input: Type.Unsafe<Record<string, unknown> | null>({ type: ['object', 'null'] })
})
export type ToolUseBlock = Static<typeof ToolUseBlock>

const ToolResultBlock = Type.Object({
  type: Type.Literal('tool_result'),
  tool_use_id: Type.String(),
  content: Type.Optional(Type.Unsafe<string | ResultBlock[] | null>({ type: ['string', 'array', 'null'], items: ResultBlock })),
  is_error: optionalBoolean
})
export type ToolResultBlock = Static<typeof ToolResultBlock>

const ThinkingBlock = Type.Object({ type: Type.Literal('thinking'), thinking: Type.String(), signature: optionalString })
export type ThinkingBlock = Static<typeof ThinkingBlock>

const RedactedThinkingBlock = Type.Object({ type: Type.Literal('redacted_thinking') })

/** What a server of Anthropic's left in a conversation of which it has run tools, or keeps files. */
const FOREIGN_TYPES = [
  'server_tool_use', 'web_search_tool_result', 'web_fetch_tool_result', 'code_execution_tool_result', 'bash_code_execution_tool_result',
  'text_editor_code_execution_tool_result', 'tool_search_tool_result', 'advisor_tool_result', 'mcp_tool_use', 'mcp_tool_result', 'container_upload', 'compaction'
] as const
const ForeignBlocks = FOREIGN_TYPES.map(type => Type.Object({ type: Type.Literal(type) }))
interface ForeignBlock { type: typeof FOREIGN_TYPES[number] }

/** What stands in a turn. Which blocks a role may have is checked when they are translated. */
const OwnBlocks = [
  TextBlock, ImageBlock, ToolUseBlock, ToolResultBlock, ThinkingBlock, DocumentBlock, SearchResultBlock, RedactedThinkingBlock
] as const
const Block = OneOf('type', [...OwnBlocks, ...ForeignBlocks] as TSchema[])
export type Block = Static<typeof OwnBlocks[number]> | ForeignBlock

const effort = Type.Optional(Type.Unsafe<string | null>({ type: ['string', 'null'], enum: ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max', null] }))

const OutputFormat = OptionalOneOf('type', [Type.Object({ type: Type.Literal('json_schema'), schema: Type.Record(Type.String(), Type.Unknown()) })])

/** A message of the role `system` may stand anywhere. */
const Message = Type.Object({
  role: Type.Unsafe<'user' | 'assistant' | 'system'>({ type: 'string', enum: ['user', 'assistant', 'system'] }),
  content: Type.Unsafe<string | Block[]>({ type: ['string', 'array'], items: Block }),
  output_config: Type.Optional(Nullable(Type.Object({ effort })))
})
export type Message = Static<typeof Message>

/** A custom tool, one that Anthropic defines and the caller runs, or one that only Anthropic's servers can run. */
const Tool = Type.Object({
  type: optionalString,
  name: Type.Optional(Type.String({ minLength: 1, maxLength: 128, pattern: '^[a-zA-Z0-9_-]+$' })),
  description: optionalString,
  input_schema: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  strict: optionalBoolean
})
export type Tool = Static<typeof Tool>

const choosing = <T extends string>(type: T) => Type.Object({ type: Type.Literal(type), disable_parallel_tool_use: optionalBoolean })

const ToolChoice = OptionalOneOf('type', [
  choosing('auto'),
  choosing('any'),
  Type.Object({ type: Type.Literal('tool'), name: Type.String(), disable_parallel_tool_use: optionalBoolean }),
  Type.Object({ type: Type.Literal('none') })
])

const Thinking = OptionalOneOf('type', [
  Type.Object({ type: Type.Literal('enabled'), budget_tokens: Type.Integer({ minimum: 0 }), display: optionalString }),
  Type.Object({ type: Type.Literal('adaptive'), display: optionalString }),
  Type.Object({ type: Type.Literal('between_tools'), display: optionalString }),
  Type.Object({ type: Type.Literal('disabled') })
])

const metadata = Type.Optional(Nullable(Type.Object({ user_id: optionalString })))

/** All of a body but the limit of its answer. Unknown members are taken: clients send those of the next version. */
const members = {
  model: Type.String({ minLength: 1 }),
  messages: Type.Array(Message, { minItems: 1, maxItems: 100_000 }),
  system: Type.Optional(Type.Unsafe<string | TextBlock[] | null>({ type: ['string', 'array', 'null'], items: TextBlock })),
  temperature: Type.Optional(Nullable(Type.Number({ minimum: 0, maximum: 1 }))),
  top_p: Type.Optional(Nullable(Type.Number({ minimum: 0, maximum: 1 }))),
  top_k: Type.Optional(Nullable(Type.Integer({ minimum: 0 }))),
  // Each piece of text is searched for all of them.
  stop_sequences: Type.Optional(Nullable(Type.Array(Type.String({ maxLength: 1_000 }), { maxItems: 128 }))),
  stream: optionalBoolean,
  metadata,
  thinking: Thinking,
  output_config: Type.Optional(Nullable(Type.Object({ effort, format: OutputFormat }))),
  /** The older form of `output_config.format`. */
  output_format: OutputFormat,
  tools: Type.Optional(Nullable(Type.Array(Tool))),
  tool_choice: ToolChoice
}

/** The body of `POST /v1/messages`. */
export const MessagesRequest = Type.Object({ ...members, max_tokens: Type.Integer({ minimum: 0 }) })
export type MessagesRequest = Static<typeof MessagesRequest>

/** The body of `POST /v1/messages/count_tokens`, which has no limit. */
export const CountTokensRequest = Type.Object({ ...members, max_tokens: Type.Optional(Nullable(Type.Integer({ minimum: 0 }))) })
export type CountTokensRequest = Static<typeof CountTokensRequest>
