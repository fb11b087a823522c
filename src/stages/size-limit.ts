import { UpstreamError } from '../errors.ts'
import type { Batch, GenerationEvent, Stage } from '../generation/event.ts'

/** Roughly estimated bytes of memory of an answer that is held whole: no model writes a tenth of it. */
const MAX_BYTES = 32 * 1024 * 1024

/** Memory of an event beside its text, in bytes. */
const EVENT_BYTES = 64

/**
 * Ends an answer that grows without limit with a failure, if later stages or a request without streaming hold it in memory.
 * Whole JSON answers have another limit; this one is for event streams.
 */
export class SizeLimit implements Stage {
  #bytes = 0

  get done (): boolean {
    return this.#bytes > MAX_BYTES
  }

  push (batch: Batch): Batch {
    for (const event of batch) this.#bytes += EVENT_BYTES + lengthOf(event)
    if (!this.done) return batch
    return [{ type: 'failure', error: new UpstreamError('Cloudflare sent an answer of more than 32 MiB', { kind: 'malformed' }) }]
  }
}

function lengthOf (event: GenerationEvent): number {
  switch (event.type) {
    case 'text':
    case 'reasoning': return event.text.length
    case 'tool_call': return event.arguments.length
    default: return 0
  }
}
