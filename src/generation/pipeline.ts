import type { Batch, Stage } from './event.ts'

/** What a sink says to an item: nothing when it wants the next, `'cancel'` when it wants no more. */
export type Backpressure = 'cancel' | undefined

/** Takes one item. A promise holds the source back until it settles. */
export type Write<Item> = (item: Item) => Backpressure | Promise<Backpressure>

/**
 * Who takes items, where each one counts: with many streams open, every object on a token's way is a load from memory, and
 * a function that keeps variables is two more than the object it calls.
 */
export interface Sink<Item> {
  write: Write<Item>
}

/**
 * Gives its items to a sink, one after the other, in the turn of the event loop they came in. Resolves at its end, or
 * when its sink has had enough; rejects when it breaks, or its sink does. It can be read once.
 */
export type Source<Item> = (write: Write<Item>) => Promise<void>

/**
 * Takes text that passes by everything between the bytes of a stream and its client, as the JSON strings it came as, in
 * UTF-8. Nothing else is done from the first that is added until they are taken.
 */
export interface ChunkWriter {
  /** Nothing has to be told before text is. */
  readonly isReady: boolean
  /** Forgets what was added and never taken, because something broke in between. */
  begin: () => void
  /** Takes the JSON string from `start` to before `end`; false when it cannot, and has taken nothing. */
  add: (json: Uint8Array, start: number, end: number) => boolean
  /** What was added, as it is sent; empty when nothing was. Its memory is used again. */
  take: () => Buffer
}

/** A source of one item. */
export function once<Item> (item: Item): Source<Item> {
  return async write => {
    const verdict = write(item)
    if (verdict instanceof Promise) await verdict
  }
}

/**
 * Sends every batch through the stages in order, synchronously. Ends early, which closes the source, when a stage
 * says that the rest is of no use.
 */
export function throughStages (batches: Source<Batch>, stages: readonly Stage[]): Source<Batch> {
  return write => batches(batch => {
    let out = batch
    for (const stage of stages) out = stage.push(out)
    const verdict = out.length > 0 ? write(out) : undefined
    if (!stages.some(isDone)) return verdict
    return verdict instanceof Promise ? verdict.then((): Backpressure => 'cancel') : 'cancel'
  })
}

function isDone (stage: Stage): boolean {
  return stage.done === true
}

/**
 * Waits for the first batch, so that a generation that fails at once can still become an HTTP status; but no longer than
 * `patienceMs`, so that its reader can be told that it goes on.
 * @throws the error of a failure event that comes before anything else, or of a source that breaks before it
 */
export async function primed (batches: Source<Batch>, patienceMs: number): Promise<Source<Batch>> {
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
    // One that breaks after the wait is told by whoever reads on; unheard until then, it would end the process.
    ended.then(resolve, reject)
    timer = setTimeout(() => {
      isLate = true
      resolve()
    }, patienceMs)
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
  // Of one alone, as most are, nothing more is kept as long as it lasts.
  return ends.length === 1 && ends[0] !== undefined ? ends[0] : Promise.all(ends).then(() => {})
}
