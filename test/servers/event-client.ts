import { createParser } from 'eventsource-parser'
import type { Test } from 'tap'
import { waited } from './http-client.ts'

/** One who listens to `GET /events`. */
export interface EventClient {
  status: number
  headers: Headers
  /** What was told of requests so far. */
  requests: Array<Record<string, unknown>>
  /** How many were said to be missing. */
  dropped: number[]
  comments: string[]
  /** The stream as it came. */
  text: () => string
  isEnded: () => boolean
  leave: () => void
}

/** Listens until the test is over; resolves when the server has said that it may. */
export async function listen (t: Test, { url }: { url: string }, headers: Record<string, string> = {}): Promise<EventClient> {
  const left = new AbortController()
  t.teardown(() => left.abort())
  const response = await fetch(`${url}/events`, { headers, signal: left.signal })
  let text = ''
  let isEnded = false
  const client: EventClient = {
    status: response.status,
    headers: response.headers,
    requests: [],
    dropped: [],
    comments: [],
    text: () => text,
    isEnded: () => isEnded,
    leave: () => left.abort()
  }
  const parser = createParser({
    onEvent: ({ event, data }) => {
      if (event === 'request') client.requests.push(JSON.parse(data))
      else if (event === 'dropped') client.dropped.push(JSON.parse(data).count)
      else throw new Error(`an unknown event: ${event}`)
    },
    onComment: comment => { client.comments.push(comment) }
  })
  const read = async () => {
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    for (let piece = await reader?.read(); piece?.value !== undefined; piece = await reader?.read()) {
      text += piece.value
      parser.feed(piece.value)
    }
  }
  read().catch(() => {}).finally(() => { isEnded = true })
  if (response.ok) await waited(() => client.comments.length > 0, 30_000)
  return client
}
