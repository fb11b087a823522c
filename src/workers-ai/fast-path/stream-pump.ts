import type { Batch, Stage } from '../../generation/event.ts'
import type { Write, Sink, Backpressure } from '../../generation/pipeline.ts'
import type { TextRelay } from './text-relay.ts'
import type { GenerationReader } from '../answer/generation-reader.ts'
import { StreamReader } from '../answer/stream-reader.ts'

/** What a native stream passes on its way to its sink. */
export interface StreamWay {
  reader: GenerationReader
  relay: TextRelay
  stages: readonly Stage[]
  /** Whether somebody wants to know how much the model has said; not when absent. */
  isCounted?: boolean
  /** The sink of the batches, which then pass the stages. */
  write: Write<Batch>
}

/** Pumps the bytes of a native stream: text through the relay while that is open, everything else in batches. */
export class StreamPump implements Sink<Buffer> {
  /** The sink wants no more, not even of what has been read. */
  isCancelled = false
  #isFirst = true
  #isMidEvent = false
  #relay: TextRelay
  #reader: GenerationReader
  #stages: readonly Stage[]
  #isCounted: boolean
  #characters = 0
  #writeBatch: Write<Batch>
  #stream: StreamReader

  constructor ({ reader, relay, stages, write, isCounted = false }: StreamWay) {
    this.#reader = reader
    this.#relay = relay
    this.#stages = stages
    this.#isCounted = isCounted
    this.#writeBatch = write
    this.#stream = new StreamReader(reader)
    for (const stage of stages) if ('meter' in stage) stage.meter = reader
  }

  /** Writes the next bytes. Answers 'cancel' when the sink has, and when nothing more can come. */
  write (bytes: Buffer): Backpressure | Promise<Backpressure> {
    // Parse the first event, and one cut by the read, on the slow path; only then is it known whether the relay is open.
    const isCut = this.#isFirst || (this.#isMidEvent && this.#relay.isOpen)
    if (!isCut) return this.#writeEvents(bytes)
    this.#isFirst = false
    const end = bytes.indexOf('\n\n') + 2
    if (end === 1 || !this.#relay.frames.mayBegin(bytes, end)) return this.#pumpBatch(bytes)
    return this.#inTurn(this.#pumpBatch(bytes.subarray(0, end)), () => this.#writeEvents(bytes.subarray(end)))
  }

  /** How much the model has said, in UTF-16 code units; 0 where nobody wanted it counted. */
  get characters (): number {
    this.#countPassed()
    return this.#characters
  }

  /** What an event says whose last line has no end. */
  end (): Batch {
    this.#countPassed()
    const batch = this.#stream.end()
    if (this.#isCounted) this.#characters += toLength(batch)
    return batch
  }

  #writeEvents (bytes: Buffer): Backpressure | Promise<Backpressure> {
    const passed = this.#isMidEvent ? 0 : this.#relay.push(bytes)
    if (passed === 0) return this.#pumpBatch(bytes)
    const last = this.#relay.takeLast()
    if (last !== undefined) this.#reader.onBypassed(last)
    const flushed = this.#relay.flush()
    const result = flushed === undefined ? undefined : this.#heard(flushed)
    return passed === bytes.length ? result : this.#inTurn(result, () => this.#pumpBatch(bytes.subarray(passed)))
  }

  #pumpBatch (bytes: Buffer): Backpressure | Promise<Backpressure> {
    this.#countPassed()
    const batch = this.#stream.push(bytes)
    if (this.#isCounted) this.#characters += toLength(batch)
    const result = batch.length > 0 ? this.#writeBatch(batch) : undefined
    this.#isMidEvent = !this.#stream.isBetweenEvents
    this.#relay.frames = this.#reader.textFrames
    this.#relay.free(this.#reader.isSpeaking && this.#stages.every(isTransparent))
    return this.#heard(result)
  }

  #heard (result: Backpressure | Promise<Backpressure>): Backpressure | Promise<Backpressure> {
    if (result instanceof Promise) return result.then(given => this.#heard(given))
    this.isCancelled ||= result === 'cancel'
    return this.isCancelled || this.#reader.done ? 'cancel' : undefined
  }

  #inTurn (
    result: Backpressure | Promise<Backpressure>,
    next: () => Backpressure | Promise<Backpressure>
  ): Backpressure | Promise<Backpressure> {
    // The sink may cancel while it is waited for.
    if (result instanceof Promise) return result.then(given => this.#inTurn(given, next))
    return this.isCancelled ? 'cancel' : (result ?? next())
  }

  #countPassed (): void {
    const characters = this.#relay.countPassed()
    this.#characters += characters
    if (characters > 0) for (const stage of this.#stages) stage.onBypassed?.(characters)
  }
}

/** How much a model says in a batch, in UTF-16 code units. */
export function toLength (batch: Batch): number {
  let length = 0
  for (const event of batch) {
    if (event.type === 'text' || event.type === 'reasoning') length += event.text.length
    else if (event.type === 'tool_call') length += event.arguments.length + (event.name?.length ?? 0)
  }
  return length
}

function isTransparent (stage: Stage): boolean {
  return stage.isTransparent === true
}
