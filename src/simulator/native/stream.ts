import { toArgumentText, toCallId, toIdentity, toUsage } from './json.ts'
import type { Rendering } from './rendering.ts'
import { toLogprobs } from './logprobs.ts'
import { toTokens } from '../answers/tokens.ts'

/** The frames of an answer in the order they are sent, without the closing `[DONE]`. */
export function toFrames (rendering: Rendering): Generator<object> {
  switch (rendering.dialect.stream) {
    case 'openai': return toOpenAiFrames(rendering)
    case 'hybrid': return toHybridFrames(rendering)
    case 'classic': return toClassicFrames(rendering)
  }
}

function * toClassicFrames (rendering: Rendering): Generator<object> {
  const { completion, model } = rendering
  // the models of 2023 have no tool_calls in their frames
  const none = model.family.name === 'classic' ? {} : { tool_calls: [] }
  yield toPadded({ response: '', ...none }, 23)
  for (const [index, token] of completion.text.entries()) {
    yield toPadded({ response: toTokenValue(token), ...none }, index * 7 + token.length)
  }
  for (const calls of toCallPieces(rendering)) yield { tool_calls: calls }
  if (completion.calls.length > 0) {
    yield { tool_calls: [{ id: null, type: null, index: completion.calls.length - 1, function: { name: null, arguments: '' } }] }
  }
  yield toPadded({ response: '', ...none }, 12)
  yield toPadded(none, 40)
  yield { response: '', usage: toUsage(rendering) }
}

const PADDING = 'abdefghijklmnoprstuvxyz1234567890'.repeat(2)

/** `p` is padding of 1 to 48 letters. It hides the length of a token from observers of the encrypted stream. */
function toPadded (frame: object, seed: number): object {
  return { ...frame, p: PADDING.slice(0, seed % 48 + 1) }
}

/** Classic streams bear a token that reads as a whole number as a JSON number. */
function toTokenValue (token: string): string | number {
  return /^(?:0|[1-9]\d*)$/.test(token) ? Number(token) : token
}

function * toOpenAiFrames (rendering: Rendering): Generator<object> {
  const { completion: { reasoning, text, calls, finish }, dialect, form, promptTokens } = rendering
  const identity = form === 'prompt' ? toIdentity(rendering, 'cmpl', 'text_completion') : toIdentity(rendering, 'chatcmpl', 'chat.completion.chunk')
  const isRunning = dialect.usage === 'running'
  let spoken = 0
  function toChunk (delta: object, reason: string | null = null, said: string[] = []): object {
    const told = form === 'prompt' ? delta : { delta }
    return {
      ...identity,
      choices: [{ index: 0, ...told, logprobs: said.length > 0 ? toLogprobs(said, rendering) : null, finish_reason: reason }],
      ...(isRunning && { usage: { prompt_tokens: promptTokens, total_tokens: promptTokens + spoken, completion_tokens: spoken } })
    }
  }

  const toText = (content: string): object => form === 'prompt' ? { text: content } : { content }
  if (form !== 'prompt') yield toChunk({ role: 'assistant', content: '' })
  for (const token of reasoning) {
    spoken++
    yield toChunk({ [dialect.reasoning]: token })
  }
  for (const token of text) {
    spoken++
    yield toChunk(toText(token), null, [token])
  }
  for (const pieces of toCallPieces(rendering)) {
    spoken++
    yield toChunk({ tool_calls: pieces })
  }
  spoken = rendering.completion.tokens
  yield toChunk(calls.length > 0 ? {} : toText(''), finish)
  yield isRunning ? { ...identity, choices: [], usage: { ...toUsage(rendering) } } : { usage: toUsage(rendering) }
}

function * toHybridFrames (rendering: Rendering): Generator<object> {
  const { text, finish } = rendering.completion
  const toFrame = (delta: object, response = ''): object => ({ choices: [{ delta }], response, tool_calls: [] })
  yield toFrame({ content: '', role: 'assistant' })
  for (const token of text) yield toFrame({ content: token }, token)
  for (const pieces of toCallPieces(rendering)) yield toFrame({ tool_calls: pieces })
  yield { choices: [{ delta: {}, finish_reason: finish }] }
  yield { response: '', usage: toUsage(rendering) }
}

/** Every call in pieces: first its id and name, then its arguments bit by bit. */
function * toCallPieces (rendering: Rendering): Generator<object[]> {
  for (const [index, { name, arguments: args }] of rendering.completion.calls.entries()) {
    yield [{ id: toCallId(rendering, name, index), type: 'function', index, function: { name } }]
    for (const piece of toTokens(toArgumentText(args, rendering.dialect))) yield [{ index, function: { arguments: piece } }]
  }
}
