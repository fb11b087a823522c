import { createHash } from 'node:crypto'
import type { Model } from '../../workers-ai/models/model.ts'
import type { Dialect } from './dialect.ts'
import { toValue } from '../script/json.ts'
import { toLogprobs } from './logprobs.ts'
import type { Rendering } from './rendering.ts'

interface Usage {
  prompt_tokens: number
  completion_tokens: number
  total_tokens: number
  prompt_tokens_details: { cached_tokens: number }
}

/** What stands in `result` when the model answers without a stream. */
export function toResult (rendering: Rendering): object {
  if (rendering.dialect.answer === 'classic') return toClassicResult(rendering)
  switch (rendering.form) {
    case 'messages': return toChatCompletion(rendering)
    case 'prompt': return toTextCompletion(rendering)
    case 'input': return toResponse(rendering)
  }
}

/** The tokens of an answer as both kinds of models count them; nothing is ever cached here. */
export function toUsage ({ promptTokens, completion }: Rendering): Usage {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completion.tokens,
    total_tokens: promptTokens + completion.tokens,
    prompt_tokens_details: { cached_tokens: 0 }
  }
}

/** What a call costs by the catalogue's price, in neurons: 1,000 of them are $0.011. 0 for a model without a price. */
export function toNeurons ({ price }: Model, promptTokens: number, completionTokens: number): number {
  const dollars = (promptTokens * (price?.input ?? 0) + completionTokens * (price?.output ?? 0)) / 1_000_000
  return Number((dollars / 0.011 * 1000).toFixed(6))
}

/** The id a call gets: Kimi counts from 0 in every turn, so its ids repeat; the others draw one that is new. */
export function toCallId ({ dialect, requestId }: Rendering, name: string, index: number): string {
  if (dialect.callIds === 'kimi') return `functions.${name}:${index}`
  return `chatcmpl-tool-${createHash('sha256').update(`${requestId} ${index}`).digest('hex').slice(0, 32)}`
}

/** JSON text of the arguments; some models write JSON text of that text once more. */
export function toArgumentText (args: string[], { doubleEncoded }: Dialect): string {
  return doubleEncoded ? JSON.stringify(args.join('')) : args.join('')
}

/** The id, time and model that OpenAI-shaped answers and chunks bear. */
export function toIdentity ({ requestId, created, model }: Rendering, prefix: string, object: string): object {
  return { id: `${prefix}-${requestId.replaceAll('-', '')}`, object, created, model: model.id }
}

function toClassicResult (rendering: Rendering): object {
  const { completion: { text, calls }, isJson } = rendering
  const said = text.join('')
  return {
    response: calls.length > 0 ? null : isJson ? JSON.parse(said) : said,
    tool_calls: calls.map(({ name, arguments: args }, index) => toClassicCall(rendering, name, args, index)),
    usage: toBill(rendering)
  }
}

function toClassicCall (rendering: Rendering, name: string, args: string[], index: number): object {
  // an object, unless the model wrote something that is none
  const call = { name, arguments: toValue(args.join('')) }
  return rendering.dialect.calls === 'flat' ? call : { id: toCallId(rendering, name, index), type: 'function', function: call }
}

function toChatCompletion (rendering: Rendering): object {
  const { completion: { text, reasoning, calls, finish }, dialect } = rendering
  const message = {
    role: 'assistant',
    content: calls.length > 0 ? null : text.join(''),
    [dialect.reasoning === 'reasoning' ? 'reasoning' : 'reasoning_content']: reasoning.join('') || null,
    tool_calls: calls.map(({ name, arguments: args }, index) =>
      ({ id: toCallId(rendering, name, index), type: 'function', function: { name, arguments: toArgumentText(args, dialect) } }))
  }
  return {
    ...toIdentity(rendering, 'chatcmpl', 'chat.completion'),
    choices: [
      { index: 0, message, logprobs: toLogprobs(calls.length > 0 ? [] : text, rendering), finish_reason: finish, stop_reason: null }
    ],
    usage: toBill(rendering),
    prompt_logprobs: null
  }
}

function toTextCompletion (rendering: Rendering): object {
  const { text, finish } = rendering.completion
  return {
    ...toIdentity(rendering, 'cmpl', 'text_completion'),
    choices: [{ index: 0, text: text.join(''), logprobs: toLogprobs(text, rendering), finish_reason: finish, stop_reason: null, prompt_logprobs: null }],
    usage: toBill(rendering)
  }
}

/** The Responses object that gpt-oss answers when it is asked with `input`. */
function toResponse (rendering: Rendering): object {
  const { completion: { text, reasoning, calls, finish }, dialect, model, created, requestId } = rendering
  const id = requestId.replaceAll('-', '')
  const { prompt_tokens: input, completion_tokens: output, total_tokens: total } = toUsage(rendering)
  return {
    id: `resp_${id}`,
    object: 'response',
    created_at: created,
    model: model.id,
    status: finish === 'length' ? 'incomplete' : 'completed',
    output: [
      ...(reasoning.length > 0 ? [{ id: `rs_${id}`, type: 'reasoning', summary: [], content: [{ type: 'reasoning_text', text: reasoning.join('') }] }] : []),
      ...calls.map(({ name, arguments: args }, index) =>
        ({ id: `fc_${id}_${index}`, type: 'function_call', call_id: toCallId(rendering, name, index), name, arguments: toArgumentText(args, dialect), status: 'completed' })),
      ...(calls.length > 0 ? [] : [{ id: `msg_${id}`, type: 'message', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: text.join(''), annotations: [] }] }])
    ],
    usage: { input_tokens: input, output_tokens: output, total_tokens: total }
  }
}

function toBill (rendering: Rendering): object {
  const { model, promptTokens, completion } = rendering
  return { ...toUsage(rendering), neurons: toNeurons(model, promptTokens, completion.tokens) }
}
