import type OpenAI from 'openai'
import type { UsageCompletionsResponse, UsageCostsResponse, UsageEmbeddingsResponse } from 'openai/resources/admin/organization/usage'
import type { EmbeddingsRequest, GenerationRequest, PromptRequest } from '../../src/generation/request.ts'
import type { ChatCompletionRequest } from '../../src/surfaces/openai/chat-completions/request.ts'
import type { ChatCompletion, ChatCompletionChunk } from '../../src/surfaces/openai/chat-completions/wire.ts'
import type { CompletionRequest } from '../../src/surfaces/openai/completions/request.ts'
import type { Completion, CompletionChoice } from '../../src/surfaces/openai/completions/wire.ts'
import type { EmbeddingRequest } from '../../src/surfaces/openai/embeddings/request.ts'
import type { Embedding, EmbeddingList } from '../../src/surfaces/openai/embeddings/wire.ts'
import type { ErrorBody } from '../../src/surfaces/openai/error-body.ts'
import type { ModelListObject, ModelObject } from '../../src/surfaces/openai/models/wire.ts'
import type { CompletionsUsage, Costs, EmbeddingsUsage, UsagePage } from '../../src/surfaces/openai/organization/wire.ts'
import type { InputItem, ResponseRequest } from '../../src/surfaces/openai/responses/request.ts'
import type { CompactedResponse, OutputItem, ResponseObject } from '../../src/surfaces/openai/responses/wire.ts'

/**
 * Checked by `tsc -p test/tsconfig.json` and never run: what we answer is what the openai package expects, and what it
 * sends is what we take. A field that is wrong fails here with its path.
 */
type Accepts<Target, Source extends Target> = Source

/** The package's types know neither a choice that is not finished nor a chunk without its bill. */
type Whole = Completion & { choices: Array<CompletionChoice & { finish_reason: 'stop' | 'length' | 'content_filter' }>, usage: object }

/** The package decodes base64 before its user sees it. */
type Decoded = EmbeddingList & { data: Array<Embedding & { embedding: number[] }> }

/**
 * The package adds the text, and knows neither every code of its server nor its null for a user. What a client sent is
 * told back as it was.
 */
type Parsed<T> = Omit<T, 'output_text' | 'error' | 'user' | 'reasoning' | 'text' | 'tools' | 'tool_choice'>

export type Answers = [
  Accepts<OpenAI.ChatCompletion, ChatCompletion>,
  Accepts<OpenAI.ChatCompletionChunk, ChatCompletionChunk>,
  Accepts<OpenAI.Completion, Whole>,
  Accepts<OpenAI.CreateEmbeddingResponse, Decoded>,
  Accepts<OpenAI.Model, ModelObject>,
  Accepts<Pick<OpenAI.ModelsPage, 'object' | 'data'>, ModelListObject>,
  Accepts<UsageCompletionsResponse, UsagePage<CompletionsUsage>>,
  Accepts<UsageEmbeddingsResponse, UsagePage<EmbeddingsUsage>>,
  Accepts<UsageCostsResponse, UsagePage<Costs>>,
  Accepts<OpenAI.ErrorObject, ErrorBody['error']>,
  Accepts<Parsed<OpenAI.Responses.Response>, Parsed<ResponseObject & { usage: object }>>,
  /** The user's messages among its output have no type of their own there. */
  Accepts<Omit<OpenAI.Responses.CompactedResponse, 'output'>, Omit<CompactedResponse, 'output'>>
]

/** Items and tools of other types pass as they come, and are not sent to a model. */
type KnownItem = OpenAI.Responses.EasyInputMessage | OpenAI.Responses.ResponseInputItem.Message | OpenAI.Responses.ResponseOutputMessage |
  OpenAI.Responses.ResponseFunctionToolCall | OpenAI.Responses.ResponseInputItem.FunctionCallOutput | OpenAI.Responses.ResponseCustomToolCall |
  OpenAI.Responses.ResponseCustomToolCallOutput | OpenAI.Responses.ResponseReasoningItem | OpenAI.Responses.ResponseCompactionItemParam |
  OpenAI.Responses.ResponseInputItem.CompactionTrigger | OpenAI.Responses.ResponseInputItem.ItemReference

interface KnownOnly {
  input: string | KnownItem[]
  tools?: Array<OpenAI.Responses.FunctionTool | OpenAI.Responses.CustomTool | { type: 'web_search' }>
  tool_choice?: OpenAI.Responses.ToolChoiceOptions | OpenAI.Responses.ToolChoiceFunction | OpenAI.Responses.ToolChoiceCustom | OpenAI.Responses.ToolChoiceTypes
}

export type Requests = [
  Accepts<ChatCompletionRequest, OpenAI.ChatCompletionCreateParamsNonStreaming>,
  Accepts<ChatCompletionRequest, OpenAI.ChatCompletionCreateParamsStreaming>,
  Accepts<CompletionRequest, OpenAI.CompletionCreateParamsNonStreaming>,
  Accepts<CompletionRequest, OpenAI.CompletionCreateParamsStreaming>,
  Accepts<EmbeddingRequest, OpenAI.EmbeddingCreateParams>,
  Accepts<ResponseRequest, Omit<OpenAI.Responses.ResponseCreateParamsNonStreaming, keyof KnownOnly> & KnownOnly>,
  Accepts<ResponseRequest, Omit<OpenAI.Responses.ResponseCreateParamsStreaming, keyof KnownOnly> & KnownOnly>,
  Accepts<ResponseRequest, Omit<OpenAI.Responses.ResponseCompactParams, 'input'> & Pick<KnownOnly, 'input'>>,
  Accepts<InputItem, OutputItem>,
  /** What came back goes out again in the next turn. */
  Accepts<ChatCompletionRequest['messages'][number], ChatCompletion['choices'][number]['message']>
]

/** What the schemas of the surfaces let pass is what a model is asked, as it stands. */
export type Asked = [
  Accepts<GenerationRequest, ChatCompletionRequest>,
  Accepts<PromptRequest, CompletionRequest>,
  Accepts<EmbeddingsRequest, EmbeddingRequest>
]
