import type { Test } from 'tap'
import { readMessageStream } from '../streams/message-stream.ts'

/** A fetch for clients of the Messages API. At the end of the test every event stream that came by it has kept to the grammar. */
export function checkedFetch (t: Test): typeof fetch {
  const streams: Array<Promise<string>> = []
  t.teardown(async () => {
    const complaints = (await Promise.all(streams)).flatMap(text => readMessageStream(text).complaints)
    if (complaints.length > 0) throw new Error(`event streams break the grammar: ${[...new Set(complaints)].join('; ')}`)
  })
  return async (input, init) => {
    const response = await fetch(input, init)
    if (response.headers.get('content-type')?.startsWith('text/event-stream')) streams.push(response.clone().text())
    return response
  }
}
