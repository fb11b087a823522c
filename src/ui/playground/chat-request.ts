import type { ChatSettings } from './chat-settings.ts'
import type { AssistantTurn, Turn, UserTurn } from './turns.ts'

/** A setting that cannot be sent; the message is for the person. */
export class SettingError extends Error {
  override name = 'SettingError'
}

/**
 * The body of `POST /v1/chat/completions`.
 * @throws SettingError when tools or schema are not JSON, or a number is none
 */
export function toChatRequest (settings: ChatSettings, turns: readonly Turn[]): Record<string, unknown> {
  const { model, system, temperature, maxTokens, effort, stream, hasTools, tools } = settings
  const format = toFormat(settings)
  return {
    model,
    messages: [...system.trim() === '' ? [] : [{ role: 'system', content: system }], ...turns.flatMap(toMessages)],
    ...(temperature.trim() !== '' && { temperature: toNumber('Temperature', temperature) }),
    ...(maxTokens.trim() !== '' && { max_completion_tokens: toNumber('Max tokens', maxTokens) }),
    ...(effort !== '' && { reasoning_effort: effort }),
    ...(format && { response_format: format }),
    ...(hasTools && { tools: toJson('Tools', tools) }),
    ...(stream && { stream: true, stream_options: { include_usage: true } })
  }
}

function toMessages (turn: Turn): object[] {
  switch (turn.role) {
    case 'user': return [{ role: 'user', content: toContent(turn) }]
    case 'tool': return turn.results.map(({ id, content }) => ({ role: 'tool', tool_call_id: id, content }))
    case 'assistant': return toAssistantMessage(turn)
  }
}

function toContent ({ text, images }: UserTurn): string | object[] {
  if (images.length === 0) return text
  return [...text === '' ? [] : [{ type: 'text', text }], ...images.map(({ url }) => ({ type: 'image_url', image_url: { url } }))]
}

/** An answer without text and calls, such as one that failed, is left out. */
function toAssistantMessage ({ answer: { content, toolCalls } }: AssistantTurn): object[] {
  if (content === '' && toolCalls.length === 0) return []
  return [{
    role: 'assistant',
    content: content === '' ? null : content,
    ...(toolCalls.length > 0 && {
      tool_calls: toolCalls.map(({ id, name, arguments: args }) => ({ id, type: 'function', function: { name, arguments: args } }))
    })
  }]
}

function toFormat ({ format, schema }: ChatSettings): object | undefined {
  switch (format) {
    case 'text': return undefined
    case 'json_object': return { type: 'json_object' }
    case 'json_schema': return { type: 'json_schema', json_schema: { name: 'answer', schema: toJson('The JSON schema', schema), strict: true } }
  }
}

function toNumber (name: string, text: string): number {
  const number = Number(text)
  if (Number.isFinite(number)) return number
  throw new SettingError(`${name} must be a number.`)
}

function toJson (name: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new SettingError(`${name} must be JSON. ${error instanceof Error ? error.message : ''}`)
  }
}
