import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { NativeError, toFailureIn200 } from '../errors.ts'
import type { StreamFault } from '../script/script.ts'

export interface SendOptions {
  fault: StreamFault | undefined
  /** Infinity for as fast as the reader reads. */
  tokensPerSecond: number
  /** Aborts when the connection is closed. */
  closed: AbortSignal
  requestId: string
}

/**
 * Sends frames as server-sent events, each as soon as its turn comes and never faster than the reader takes them, with the
 * fault a script asks for. Resolves when the answer is over for whichever reason: `break` when this side broke it.
 */
export async function sendEvents (response: ServerResponse, frames: Iterable<object>, options: SendOptions): Promise<'end' | 'break'> {
  const { fault, tokensPerSecond, closed, requestId } = options
  const start = performance.now()
  let sent = 0
  for (const text of toEventTexts(frames)) {
    let event = `data: ${text}\n\n`
    if (fault?.after === sent) {
      switch (fault.kind) {
        case 'stall':
          await untilClosed(closed)
          return 'end'
        case 'break':
          // what was written is still delivered, and then the connection ends without the end of the body
          await flush(response)
          response.socket?.destroySoon()
          return 'break'
        case 'end':
          response.end()
          return 'end'
        case 'error':
          response.end(`data: ${JSON.stringify(toFailureIn200(new NativeError(3040), requestId))}\n\n`)
          return 'end'
        case 'bad':
          event = 'data: {"response":"x\n\n'
      }
    }
    await pause(start + sent * 1000 / tokensPerSecond - performance.now(), closed)
    if (closed.aborted) return 'end'
    if (!response.write(event)) await once(response, 'drain', { signal: closed }).catch(ignoreAbort)
    sent++
  }
  response.end()
  return 'end'
}

/** Waits until Node has handed all that was written to the socket: newer versions gather HTTP chunks until the end of the tick. */
async function flush (response: ServerResponse): Promise<void> {
  await new Promise<void>(resolve => { response.write('', () => resolve()) })
}

function * toEventTexts (frames: Iterable<object>): Generator<string> {
  for (const frame of frames) yield JSON.stringify(frame)
  yield '[DONE]'
}

/** Waits this many milliseconds, or until the connection is closed. */
export async function pause (milliseconds: number, closed: AbortSignal): Promise<void> {
  if (milliseconds >= 1) await sleep(milliseconds, undefined, { signal: closed }).catch(ignoreAbort)
}

/** Waits until the connection is closed. */
export async function untilClosed (closed: AbortSignal): Promise<void> {
  if (!closed.aborted) await once(closed, 'abort')
}

/** The caller looks at the signal itself; anything but its abort is a fault of ours. */
function ignoreAbort (error: Error): void {
  if (error.name !== 'AbortError') throw error
}
