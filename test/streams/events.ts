import fc from 'fast-check'
import type { Batch, GenerationEvent, Stage } from '../../src/generation/event.ts'

export const FINISH: GenerationEvent = { type: 'finish', reason: null }

/** Text in these pieces. */
export function text (...pieces: string[]): Batch {
  return pieces.map(piece => ({ type: 'text', text: piece }))
}

export function usage (completionTokens: number): GenerationEvent {
  return { type: 'usage', usage: { promptTokens: 1, completionTokens } }
}

/** What a stage made of the events, each of which was a batch of its own. */
export function told (stage: Stage, events: Batch): Batch {
  return merged(events.flatMap(event => stage.push([event])))
}

/** The same events, text and reasoning in as few of them as possible. */
export function merged (events: Batch): Batch {
  const out: Batch = []
  for (const event of events) {
    const last = out.at(-1)
    if ((event.type === 'text' || event.type === 'reasoning') && last?.type === event.type) out[out.length - 1] = { ...event, text: last.text + event.text }
    else out.push(event)
  }
  return out
}

/** All the text of the events. */
export function textOf (events: Batch): string {
  return events.map(event => event.type === 'text' ? event.text : '').join('')
}

/** Places to cut a text at: any, or after every few characters. */
export const places: fc.Arbitrary<readonly number[]> = fc.oneof(
  fc.array(fc.nat(400), { maxLength: 12 }),
  fc.integer({ min: 1, max: 7 }).map(step => Array.from({ length: 400 }, (_, index) => index * step))
)

/** A text cut at places; those beyond its end are nothing. */
export function cut (whole: string, places: readonly number[]): string[] {
  const ends = [...places.filter(place => place > 0 && place < whole.length).sort((one, other) => one - other), whole.length]
  return ends.map((end, index) => whole.slice(ends[index - 1] ?? 0, end))
}

/** The events with each text and thought cut at places, counted from the beginning of all of them. */
export function recut (events: Batch, at: readonly number[]): Batch {
  let before = 0
  return events.flatMap((event): Batch => {
    if (event.type !== 'text' && event.type !== 'reasoning') return [event]
    const pieces = cut(event.text, at.map(place => place - before))
    before += event.text.length
    return pieces.map(text => ({ type: event.type, text }))
  })
}
