import type { Batch, FinishReason, TokenLogprob, Usage } from '../../../generation/event.ts'
import type { Completion, CompletionChoice, CompletionLogprobs } from './wire.ts'
import { toSum } from '../../../generation/usage.ts'
import { toUsage } from '../usage.ts'

/** Values that all parts of one text completion share. */
export interface CompletionIdentity {
  /** `cmpl-` and 29 letters or digits. */
  id: string
  /** Unix time in seconds. */
  created: number
  /** The model as the caller named it. */
  model: string
  /** OpenAI's `system_fingerprint`. */
  fingerprint: string
}

/** One finished generation, folded from its events. */
export interface FoldedCompletion {
  choice: CompletionChoice
  usage: Usage
}

/**
 * Folds the events of one generation into a choice. Thinking and calls are left out: a text completion has no field for
 * them.
 * @param index 0-based number of the choice
 * @param echo the beginning of the text: the prompt, or empty
 * @throws the error of a failure event
 */
export function toCompletionChoice (events: Batch, index: number, echo: string): FoldedCompletion {
  let text = echo
  let finishReason: CompletionChoice['finish_reason'] = 'stop'
  let usage: Usage = { promptTokens: 0, completionTokens: 0 }
  const logprobs: CompletionLogprobs[] = []
  for (const event of events) {
    switch (event.type) {
      case 'text':
        if (event.logprobs) logprobs.push(toLogprobs(event.logprobs, text.length))
        text += event.text
        break
      case 'usage':
        usage = event.usage
        break
      case 'finish':
        finishReason = toTextFinishReason(event.reason)
        break
      case 'failure': throw event.error
    }
  }
  return { choice: { text, index, logprobs: toJoined(logprobs), finish_reason: finishReason }, usage }
}

/** The whole answer from its choices, usage summed. */
export function toCompletion (choices: readonly FoldedCompletion[], { id, created, model, fingerprint }: CompletionIdentity): Completion {
  return {
    id,
    object: 'text_completion',
    created,
    model,
    system_fingerprint: fingerprint,
    choices: choices.map(({ choice }) => choice),
    usage: toUsage(toSum(choices.map(({ usage }) => usage)))
  }
}

/**
 * OpenAI's finish reason of a text. Tools are never offered, so a call by the model only ends the text.
 */
export function toTextFinishReason (reason: FinishReason | null): 'stop' | 'length' | 'content_filter' {
  return reason === null || reason === 'tool_calls' ? 'stop' : reason
}

/** @param offset position of the first token, in characters */
export function toLogprobs (tokens: readonly TokenLogprob[], offset: number): CompletionLogprobs {
  let end = offset
  return {
    tokens: tokens.map(({ token }) => token),
    token_logprobs: tokens.map(({ logprob }) => logprob),
    top_logprobs: tokens.map(({ top_logprobs: top }) => Object.fromEntries(top.map(({ token, logprob }) => [token, logprob]))),
    text_offset: tokens.map(({ token }) => {
      const start = end
      end += token.length
      return start
    })
  }
}

function toJoined (pieces: readonly CompletionLogprobs[]): CompletionLogprobs | null {
  if (pieces.length === 0) return null
  return {
    tokens: pieces.flatMap(({ tokens }) => tokens),
    token_logprobs: pieces.flatMap(({ token_logprobs: logprobs }) => logprobs),
    top_logprobs: pieces.flatMap(({ top_logprobs: top }) => top),
    text_offset: pieces.flatMap(({ text_offset: offsets }) => offsets)
  }
}
