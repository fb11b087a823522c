import type { Batch, GenerationEvent } from '../../generation/event.ts'
import type { Backpressure, Source } from '../../generation/pipeline.ts'
import type { Generations } from '../generations.ts'

/** The longest answer that is kept, in bytes of its JSON. */
export const MAX_BYTES = 262_144

/** The same generation; its events are given away when it has ended well, and was told to its end. */
export function recorded (generations: Generations, onEnded: (events: Batch) => void): Generations {
  const [batches] = generations.choices
  if (batches === undefined) return generations
  // What bypasses the stages would bypass the record as well.
  return { ...generations, choices: [recordedBatches(batches, onEnded)], bypassTo: [] }
}

function recordedBatches (batches: Source<Batch>, onEnded: (events: Batch) => void): Source<Batch> {
  return async write => {
    let events: Batch | undefined = []
    let size = 0
    const note = (verdict: Backpressure): Backpressure => {
      if (verdict === 'cancel') events = undefined
      return verdict
    }
    await batches(batch => {
      for (const event of batch) {
        size += toSize(event)
        if (size > MAX_BYTES) events = undefined
        if (events !== undefined) add(events, event)
      }
      const verdict = write(batch)
      return verdict instanceof Promise ? verdict.then(note) : note(verdict)
    })
    if (events !== undefined && endsWell(events)) onEnded(events)
  }
}

function endsWell (events: Batch): boolean {
  const end = events.at(-1)
  return end?.type === 'finish' && end.reason !== 'content_filter'
}

/** In characters, about. */
function toSize (event: GenerationEvent): number {
  if (event.type === 'tool_call') return event.arguments.length
  if (event.type === 'text' || event.type === 'reasoning') return event.text.length + ('logprobs' in event && event.logprobs ? event.logprobs.length * 100 : 0)
  return 0
}

/** Adds an event to a copy of the answer, in which the pieces of a text are one. */
function add (events: Batch, event: GenerationEvent): void {
  const last = events.at(-1)
  if (event.type === 'text' || event.type === 'reasoning') {
    const { json: _, ...piece } = event
    if (last?.type !== event.type || 'logprobs' in event || 'logprobs' in last) events.push(piece)
    else last.text += event.text
  } else if (event.type === 'tool_call') {
    if (last?.type === 'tool_call' && last.index === event.index) last.arguments += event.arguments
    else events.push({ ...event })
  } else {
    events.push(event)
  }
}
