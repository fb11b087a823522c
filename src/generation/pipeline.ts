import type { Batch, Stage } from './event.ts'

/** What a sink returns for an item: nothing to get the next one, `'cancel'` to get no more. */
export type Backpressure = 'cancel' | undefined

/** Writes one item. A promise holds the source back until it settles. */
export type Write<Item> = (item: Item) => Backpressure | Promise<Backpressure>

/** An object, not a closure: saves two cache misses a chunk with 200 open streams (docs/performance.md). */
export interface Sink<Item> {
  write: Write<Item>
}

/**
 * Writes its items to a sink, one after the other, in the turn of the event loop they arrived in. Resolves at its end, or
 * when its sink cancels; rejects when it breaks, or its sink throws. It can be read once.
 */
export type Source<Item> = (write: Write<Item>) => Promise<void>

/**
 * Writes the client's chunks of text that bypasses events and stages, from the JSON strings of Cloudflare's bytes. From the
 * first `add` to `take` nothing else runs.
 */
export interface ChunkWriter {
  /** True while nothing else has to be sent before text. Asked anew after whatever has not bypassed events. */
  readonly isReady: boolean
  /** Drops what was added and never taken, because an exception came in between. */
  begin: () => void
  /** Adds the JSON string from `start` to before `end`; false when it cannot, and has added nothing. */
  add: (json: Uint8Array, start: number, end: number) => boolean
  /** The chunks of what was added; empty when nothing was. Their memory is used again. */
  take: () => Buffer
}

/** A source of one item. */
export function once<Item> (item: Item): Source<Item> {
  return async write => {
    const result = write(item)
    if (result instanceof Promise) await result
  }
}

/**
 * Sends every batch through the stages in order, synchronously. Ends early, which closes the source, if a stage does not need
 * the rest.
 */
export function throughStages (batches: Source<Batch>, stages: readonly Stage[]): Source<Batch> {
  return write => batches(batch => {
    let out = batch
    for (const stage of stages) out = stage.push(out)
    const result = out.length > 0 ? write(out) : undefined
    if (!stages.some(isDone)) return result
    return result instanceof Promise ? result.then((): Backpressure => 'cancel') : 'cancel'
  })
}

function isDone (stage: Stage): boolean {
  return stage.done === true
}

/**
 * Waits for the first batch, so that a generation that fails at once can still become an HTTP status; but no longer than
 * `timeoutMs`, so that the client can be sent a keep-alive.
 * @throws the error of a failure event that comes before anything else, or of a source that breaks before it
 */
export async function primed (batches: Source<Batch>, timeoutMs: number): Promise<Source<Batch>> {
  let sink: Write<Batch> | undefined
  let failure: { error: Error } | undefined
  let isLate = false
  let giveFirst: ((write: Write<Batch>) => void) | undefined
  let ended = Promise.resolve()
  let timer: NodeJS.Timeout | undefined
  await new Promise<void>((resolve, reject) => {
    ended = batches(batch => {
      if (sink) return sink(batch)
      const event = batch[0]
      if (event?.type === 'failure' && !isLate) {
        failure = event
        return 'cancel'
      }
      resolve()
      return new Promise<Write<Batch>>(resolve => { giveFirst = resolve }).then(write => write(batch))
    })
    // After the wait, the reader reports a failure. Until then an unhandled rejection would end the process.
    ended.then(resolve, reject)
    timer = setTimeout(() => {
      isLate = true
      resolve()
    }, timeoutMs)
  }).finally(() => clearTimeout(timer))
  if (failure) throw failure.error
  return write => {
    sink = write
    giveFirst?.(write)
    giveFirst = undefined
    return ended
  }
}

/** Takes a batch of one of several generations that run at the same time; `choice` is its 0-based number, OpenAI's `choices[].index`. */
export type WriteOfChoice = (batch: Batch, choice: number) => Backpressure | Promise<Backpressure>

/**
 * Gives the batches of several generations in the order they arrive. Resolves when all have ended, rejects with the
 * first that breaks; the caller must then abort the others.
 */
export function interleaved (generations: ReadonlyArray<Source<Batch>>, write: WriteOfChoice): Promise<void> {
  const ends = generations.map((batches, choice) => batches(batch => write(batch, choice)))
  // A single source, the usual case, keeps nothing else in memory.
  return ends.length === 1 && ends[0] !== undefined ? ends[0] : Promise.all(ends).then(() => {})
}
