// The types of answers that the document has schemas of: schemas.mjs makes them, by their names.
import type { CompletionsUsage, Costs, EmbeddingsUsage, UsagePage } from '../../src/surfaces/openai/organization/wire.ts'

export type { DryRun } from '../../src/inference/dry-run.ts'
export type { AnthropicErrorBody } from '../../src/surfaces/anthropic/error-body.ts'
export type { MessageObject } from '../../src/surfaces/anthropic/messages/wire.ts'
export type { AnthropicModel, AnthropicModelList } from '../../src/surfaces/anthropic/models/wire.ts'
export type { ChatCompletion, ChatCompletionChunk } from '../../src/surfaces/openai/chat-completions/wire.ts'
export type { Completion } from '../../src/surfaces/openai/completions/wire.ts'
export type { EmbeddingList } from '../../src/surfaces/openai/embeddings/wire.ts'
export type { ErrorBody } from '../../src/surfaces/openai/error-body.ts'
export type { ModelListObject, ModelObject } from '../../src/surfaces/openai/models/wire.ts'
export type { CompactedResponse, DeletedResponse, ResponseItemList, ResponseObject } from '../../src/surfaces/openai/responses/wire.ts'
export type { UsageReport } from '../../src/usage/report.ts'

export type CompletionsUsagePage = UsagePage<CompletionsUsage>
export type EmbeddingsUsagePage = UsagePage<EmbeddingsUsage>
export type CostsPage = UsagePage<Costs>

/** Of `GET /health` and `GET /livez`. */
export interface Health {
  status: 'ok' | 'broken'
}

/** Of `GET /readyz`. */
export interface Readiness {
  status: 'ready' | 'stopping'
  /** Requests that are being answered; only with `verbose`. */
  open_answers?: number
  /** Only with `verbose`. */
  uptime_seconds?: number
}

/** Answer of `POST /v1/messages/count_tokens`. */
export interface TokenCount {
  /** Estimated from the length of the text. */
  input_tokens: number
}

/** An OpenAPI 3.1 document. */
export interface OpenApiDocument {
  openapi: string
  [member: string]: unknown
}
