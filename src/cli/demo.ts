import { request, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import type { ChatCompletionChunk } from '../surfaces/openai/chat-completions/wire.ts'
import type { ErrorBody } from '../surfaces/openai/error-body.ts'
import { SseDecoder } from '../workers-ai/answer/sse-decoder.ts'

export interface DemoOptions {
  /** Of the proxy, with `/v1` at its end. */
  baseUrl: string
  model: string
  apiKey?: string
  /** Puts text on the screen. */
  write: (text: string) => void
}

const question = 'What is a proxy? Answer in two sentences.'

/**
 * Asks the proxy one question over a real connection, as any OpenAI client would, and writes the answer while it comes,
 * then what it cost. Rejects with an Error in the proxy's own words when there is no whole answer.
 */
export async function showChat ({ baseUrl, model, apiKey, write }: DemoOptions): Promise<void> {
  write(`\n  POST ${baseUrl}/chat/completions  ${model}\n\n  > ${question}\n  `)
  const response = await post(`${baseUrl}/chat/completions`, apiKey, {
    model,
    messages: [{ role: 'user', content: question }],
    stream: true,
    stream_options: { include_usage: true }
  })
  if (response.statusCode !== 200) throw new Error(toComplaint(response.statusCode, await text(response)))
  for await (const chunk of readChunks(response)) {
    write(chunk.choices[0]?.delta.content ?? '')
    if (chunk.usage) {
      const { prompt_tokens: asked, completion_tokens: answered, total_tokens: total } = chunk.usage
      write(`\n\n  ${asked} prompt tokens, ${answered} completion tokens, ${total} in total\n`)
    }
  }
}

function post (url: string, apiKey: string | undefined, body: object): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request(url, {
      method: 'POST',
      agent: false,
      headers: { 'content-type': 'application/json', ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }) }
    }, resolve).on('error', reject).end(JSON.stringify(body))
  })
}

async function * readChunks (response: IncomingMessage): AsyncGenerator<ChatCompletionChunk> {
  const decoder = new SseDecoder()
  let isDone = false
  // Read to the end: otherwise the log would report a client that disconnected.
  for await (const bytes of response) {
    for (const data of decoder.push(bytes)) {
      isDone ||= data === '[DONE]'
      if (isDone) break
      const event = JSON.parse(data) as ChatCompletionChunk | ErrorBody
      if ('error' in event) throw new Error(event.error.message)
      yield event
    }
  }
  if (!isDone) throw new Error('the stream ended without [DONE]')
}

function toComplaint (status: number | undefined, body: string): string {
  try {
    return `${status}: ${(JSON.parse(body) as ErrorBody).error.message}`
  } catch {
    return `${status}: ${body.slice(0, 200)}`
  }
}
