import type OpenAI from 'openai'
import type { ChatCompletionRequest } from '../../src/openai/chat-completion-request.ts'
import type { ChatCompletion, ChatCompletionChunk } from '../../src/openai/chat-completion.ts'
import type { ErrorBody } from '../../src/openai/error.ts'
import type { ModelListObject, ModelObject } from '../../src/openai/model.ts'

/**
 * Checked by `tsc -p test/tsconfig.json` and never run: what we answer is what the openai package expects, and what it
 * sends is what we take. A field that is wrong fails here with its path.
 */
type Accepts<Target, Source extends Target> = Source

/** OpenAI's newest models answer null for the fingerprint, which the package's type has not followed. */
type Fingerprinted<T> = Omit<T, 'system_fingerprint'>

export type Answers = [
  Accepts<OpenAI.ChatCompletion, Fingerprinted<ChatCompletion>>,
  Accepts<OpenAI.ChatCompletionChunk, Fingerprinted<ChatCompletionChunk>>,
  Accepts<OpenAI.Model, ModelObject>,
  Accepts<Pick<OpenAI.ModelsPage, 'object' | 'data'>, ModelListObject>,
  Accepts<OpenAI.ErrorObject, ErrorBody['error']>
]

/** Custom tools, whose input is free text, have no counterpart on Workers AI: they are refused wherever they appear. */
type FunctionCalls<T> = T extends { tool_calls?: unknown }
  ? Omit<T, 'tool_calls'> & { tool_calls?: OpenAI.ChatCompletionMessageFunctionToolCall[] }
  : T

interface FunctionsOnly {
  messages: Array<FunctionCalls<OpenAI.ChatCompletionMessageParam>>
  tools?: OpenAI.ChatCompletionFunctionTool[]
  tool_choice?: Exclude<OpenAI.ChatCompletionToolChoiceOption, { type: 'custom' }>
}

export type Requests = [
  Accepts<ChatCompletionRequest, Omit<OpenAI.ChatCompletionCreateParamsNonStreaming, keyof FunctionsOnly> & FunctionsOnly>,
  Accepts<ChatCompletionRequest, Omit<OpenAI.ChatCompletionCreateParamsStreaming, keyof FunctionsOnly> & FunctionsOnly>,
  /** What came back goes out again in the next turn. */
  Accepts<ChatCompletionRequest['messages'][number], ChatCompletion['choices'][number]['message']>
]
