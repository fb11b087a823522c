import type { Batch } from '../src/generation/event.ts'
import type { Source } from '../src/generation/pipeline.ts'

/** Everything a source gives. */
export async function all<Item> (source: Source<Item>): Promise<Item[]> {
  const items: Item[] = []
  await source(item => {
    items.push(item)
    return undefined
  })
  return items
}

/** A source of these batches, which breaks where one is an error. */
export function sourceOf (batches: Iterable<Batch | Error>): Source<Batch> {
  return async take => {
    for (const batch of batches) {
      if (batch instanceof Error) throw batch
      if (await take(batch) === 'cancel') return
    }
  }
}
