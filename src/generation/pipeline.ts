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
 * Waits for the first batch, so that a generation that fails at once can still become an HTTP status.
 * @throws the error of a failure event that comes before anything else.
 */
export async function primed (batches: AsyncGenerator<Batch>): Promise<AsyncGenerator<Batch>> {
  const first = await batches.next()
  const event = first.done ? undefined : first.value[0]
  if (event?.type === 'failure') {
    await batches.return(undefined)
    throw event.error
  }
  return continued(first, batches)
}

async function * continued (first: IteratorResult<Batch>, rest: AsyncGenerator<Batch>): AsyncGenerator<Batch> {
  try {
    if (first.done) return
    yield first.value
    yield * rest
  } finally {
    await rest.return(undefined)
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
