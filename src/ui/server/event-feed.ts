import { FrameTicker } from '../shell/frame-ticker.ts'
import { Store } from '../shell/store.ts'
import { apiKey } from './api-key.ts'
import { callServer } from './call-server.ts'
import { RecordList } from './record-list.ts'
import { toDropped, toRecord, type RequestRecord } from './request-record.ts'
import { ServerError } from './server-error.ts'
import { readEvents } from './server-events.ts'

export type FeedState = 'connecting' | 'live' | 'refused' | 'away'

export const records = new RecordList()
export const feedState = new Store<FeedState>('connecting')
export const feedError = new Store<ServerError | undefined>(undefined)
/** How many requests the server left out, because this page read too slowly. */
export const missedCount = new Store(0)
/** Tells of new records. */
export const feedTicker = new FrameTicker()

const FIRST_WAIT_MS = 1_000
const LONGEST_WAIT_MS = 30_000

let connection: AbortController | undefined

/** Follows the requests that end, for as long as the page is open. A new key begins anew. */
export function followRequests (): void {
  apiKey.subscribe(() => {
    records.clear()
    missedCount.set(0)
    feedTicker.tell()
    connect()
  })
  connect()
}

/** Connects at once, in place of the connection there is. */
export function connect (): void {
  connection?.abort()
  connection = new AbortController()
  void stayConnected(connection.signal)
}

/** Never rejects. */
async function stayConnected (signal: AbortSignal): Promise<void> {
  for (let waitMs = FIRST_WAIT_MS; !signal.aborted; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
    feedState.set('connecting')
    try {
      const response = await callServer('events', { signal })
      waitMs = FIRST_WAIT_MS
      feedState.set('live')
      feedError.set(undefined)
      await readEvents(response, events => {
        const ended: RequestRecord[] = []
        for (const { kind, text } of events) {
          if (kind !== 'data') continue
          const record = toRecord(text)
          if (record === undefined) missedCount.set(missedCount.value + toDropped(text))
          else ended.push(record)
        }
        records.add(ended)
        feedTicker.tick()
      })
    } catch (error) {
      if (signal.aborted) return
      feedError.set(error instanceof ServerError ? error : undefined)
      // What is refused stays refused, until there is another key.
      if (error instanceof ServerError && error.status !== undefined && error.status < 500 && error.status !== 429) return feedState.set('refused')
    }
    if (signal.aborted) return
    feedState.set('away')
    await new Promise(resolve => setTimeout(resolve, waitMs))
  }
}
