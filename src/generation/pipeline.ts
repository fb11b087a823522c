import type { Batch, Stage } from './event.ts'

/**
 * Sends every batch through the stages in order, synchronously. Ends early, which closes the source, when a stage
 * says that the rest is of no use.
 */
export async function * throughStages (batches: AsyncIterable<Batch>, stages: readonly Stage[]): AsyncGenerator<Batch> {
  for await (const batch of batches) {
    const out = stages.reduce((events, stage) => stage.push(events), batch)
    if (out.length > 0) yield out
    if (stages.some(stage => stage.done)) return
  }
}

/**
 * Waits for the first batch, so that a generation that fails at once can still become an HTTP status; but no longer than
 * `patienceMs`, so that its reader can be told that it goes on.
 * @throws the error of a failure event that comes before anything else, or of a source that breaks before it
 */
export async function primed (batches: AsyncGenerator<Batch>, patienceMs: number): Promise<AsyncGenerator<Batch>> {
  const reading = batches.next()
  // One that breaks after the wait is told by whoever reads on; unheard until then, it would end the process.
  reading.catch(() => {})
  const first = await within(reading, patienceMs)
  const event = first === undefined || first.done ? undefined : first.value[0]
  if (event?.type === 'failure') {
    await batches.return(undefined)
    throw event.error
  }
  return new Resumed(reading, batches)
}

/** A generator whose first step has been taken: gives that step, then goes on. No generator itself, to cost no step. */
class Resumed implements AsyncGenerator<Batch> {
  #first: Promise<IteratorResult<Batch>> | undefined
  #rest: AsyncGenerator<Batch>

  constructor (first: Promise<IteratorResult<Batch>>, rest: AsyncGenerator<Batch>) {
    this.#first = first
    this.#rest = rest
  }

  next (): Promise<IteratorResult<Batch>> {
    const first = this.#first
    this.#first = undefined
    return first ?? this.#rest.next()
  }

  return (value?: unknown): Promise<IteratorResult<Batch>> {
    return this.#rest.return(value)
  }

  throw (error: unknown): Promise<IteratorResult<Batch>> {
    return this.#rest.throw(error)
  }

  [Symbol.asyncIterator] (): this {
    return this
  }

  [Symbol.asyncDispose] (): Promise<void> {
    return this.#rest.return(undefined).then(() => {})
  }
}

/** What a promise resolves to, or undefined when that takes longer. */
async function within<T> (promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>(resolve => { timer = setTimeout(() => resolve(undefined), ms) })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** A batch of one of several generations that run at the same time. */
export interface ChoiceBatch {
  /** 0-based number of the generation, OpenAI's `choices[].index`. */
  choice: number
  batch: Batch
}

/**
 * Interleaves several generations in the order their batches arrive.
 * The caller must abort the sources when it stops early: one that waits for its upstream cannot be closed otherwise.
 */
export async function * interleaved (generations: ReadonlyArray<AsyncGenerator<Batch>>): AsyncGenerator<ChoiceBatch> {
  const [only] = generations
  if (generations.length === 1 && only !== undefined) {
    for await (const batch of only) yield { choice: 0, batch }
    return
  }
  const pending = new Map(generations.map((generation, choice) => [choice, next(generation, choice)]))
  while (pending.size > 0) {
    const { choice, result } = await Promise.race(pending.values())
    if (result.done) {
      pending.delete(choice)
      continue
    }
    pending.set(choice, next(generations[choice] as AsyncGenerator<Batch>, choice))
    yield { choice, batch: result.value }
  }
}

function next (generation: AsyncGenerator<Batch>, choice: number): Promise<{ choice: number, result: IteratorResult<Batch> }> {
  const read = generation.next().then(result => ({ choice, result }))
  // One that breaks after its reader has left is nobody's business, and unheard it would end the process.
  read.catch(() => {})
  return read
}
