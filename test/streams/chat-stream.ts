import type { ChatCompletionChunk } from '../../src/surfaces/openai/chat-completions/wire.ts'
import type { ErrorBody } from '../../src/surfaces/openai/error-body.ts'

/** A chat stream as it came over the wire, read strictly: one `data` line or one comment an event, LF and nothing else. */
export interface ChatStream {
  chunks: ChatCompletionChunk[]
  comments: string[]
  error: ErrorBody['error'] | undefined
  isDone: boolean
  /** What breaks the rules of OpenAI's chat streams; empty when all is well. */
  complaints: string[]
}

/** One choice as a client puts it together. */
export interface AssembledChoice {
  message: AssembledMessage
  finish_reason: string | null
}

export interface AssembledMessage {
  role?: string
  content?: string | null
  refusal?: string | null
  reasoning_content?: string
  tool_calls?: Array<{ id: string, type: string, function: { name: string, arguments: string } }>
  function_call?: { name: string, arguments: string }
}

/** @param withUsage whether the caller asked for usage */
export function readChatStream (text: string, { withUsage = false } = {}): ChatStream {
  const stream: ChatStream = { chunks: [], comments: [], error: undefined, isDone: false, complaints: [] }
  if (text !== '' && !text.endsWith('\n\n')) stream.complaints.push('the last event is cut off')
  for (const event of text.split('\n\n').slice(0, -1)) readEvent(event, stream)
  stream.complaints.push(...complaintsAbout(stream, withUsage))
  return stream
}

/** Puts the choices together as OpenAI's clients do: what comes again is joined, calls are told apart by their index. */
export function assembled (chunks: readonly ChatCompletionChunk[]): AssembledChoice[] {
  const choices: AssembledChoice[] = []
  for (const { index, delta, finish_reason: reason } of chunks.flatMap(chunk => chunk.choices)) {
    const { message } = choices[index] ??= { message: {}, finish_reason: null }
    for (const key of ['role', 'content', 'refusal', 'reasoning_content'] as const) {
      const piece = delta[key]
      if (piece !== undefined) message[key] = joined(message[key], piece)
    }
    for (const piece of delta.tool_calls ?? []) {
      const calls = message.tool_calls ??= []
      const call = calls[piece.index] ??= { id: '', type: '', function: { name: '', arguments: '' } }
      call.id += piece.id ?? ''
      call.type += piece.type ?? ''
      call.function.name += piece.function.name ?? ''
      call.function.arguments += piece.function.arguments
    }
    if (delta.function_call) {
      const call = message.function_call ??= { name: '', arguments: '' }
      call.name += delta.function_call.name ?? ''
      call.arguments += delta.function_call.arguments
    }
    if (reason !== null) (choices[index] as AssembledChoice).finish_reason = reason
  }
  return choices
}

function joined (text: string | null | undefined, piece: string | null): any {
  return text == null ? piece : text + (piece ?? '')
}

function readEvent (event: string, stream: ChatStream): void {
  if (stream.isDone || stream.error) stream.complaints.push(`something came after the end: ${event}`)
  if (/[\r\n]/.test(event) || !/^(: |data: \{|data: \[DONE\]$)/.test(event)) {
    stream.complaints.push(`no event of a chat stream: ${event}`)
  } else if (event.startsWith(': ')) {
    stream.comments.push(event.slice(2))
  } else if (event === 'data: [DONE]') {
    stream.isDone = true
  } else {
    const data = JSON.parse(event.slice('data: '.length)) as ChatCompletionChunk | ErrorBody
    if ('error' in data) stream.error = data.error
    else stream.chunks.push(data)
  }
}

function complaintsAbout ({ chunks, error, isDone }: ChatStream, withUsage: boolean): string[] {
  const complaints: string[] = []
  const demand = (holds: boolean, complaint: string) => { if (!holds) complaints.push(complaint) }
  const identities = new Set(chunks.map(({ id, object, created, model }) => JSON.stringify([id, object, created, model])))
  demand(chunks.length === 0 || identities.size === 1, 'the id, time or model changes')
  demand(chunks.every(chunk => chunk.object === 'chat.completion.chunk' && Number.isInteger(chunk.created)), 'a chunk is no chunk')
  demand(isDone !== (error !== undefined), 'a stream ends with [DONE] or with an error, never with both or neither')

  const last = chunks.at(-1)
  const told = withUsage && isDone && last?.choices.length === 0 ? chunks.slice(0, -1) : chunks
  if (withUsage) {
    demand(!isDone || (last?.choices.length === 0 && last.usage != null), 'the last chunk tells no usage')
    demand(told.every(chunk => chunk.usage === null), 'usage is not null before the last chunk')
  } else {
    demand(chunks.every(chunk => !('usage' in chunk)), 'usage is told to somebody who did not ask')
  }
  demand(told.every(chunk => chunk.choices.length === 1), 'a chunk does not tell of one choice')
  for (const index of new Set(told.flatMap(chunk => chunk.choices.map(choice => choice.index)))) {
    complaints.push(...complaintsAboutChoice(told.flatMap(chunk => chunk.choices.filter(choice => choice.index === index)), error === undefined))
  }
  return complaints
}

function complaintsAboutChoice (choices: ChatCompletionChunk['choices'], isWhole: boolean): string[] {
  const complaints: string[] = []
  const demand = (holds: boolean, complaint: string) => { if (!holds) complaints.push(complaint) }
  demand(choices[0]?.delta.role === 'assistant', 'the first chunk has no role')
  demand(choices.slice(1).every(({ delta }) => !('role' in delta)), 'the role comes again')
  demand(choices.every(({ logprobs }) => logprobs === null), 'logprobs are not null')
  const finishes = choices.filter(choice => choice.finish_reason !== null)
  demand(finishes.length === (isWhole ? 1 : 0), `${finishes.length} chunks finish`)
  demand(finishes.length === 0 || (choices.at(-1) === finishes[0] && Object.keys(finishes[0]?.delta ?? {}).length === 0), 'the finish is not the last chunk, or not empty')
  const named = new Set<number>()
  for (const { index, ...piece } of choices.flatMap(({ delta }) => delta.tool_calls ?? [])) {
    const isFirst = !named.has(index)
    named.add(index)
    demand(isFirst === ('id' in piece) && isFirst === ('type' in piece) && isFirst === ('name' in piece.function), 'a call is not named once, at its beginning')
    demand(typeof piece.function.arguments === 'string', 'arguments are no text')
  }
  return complaints
}
