import type { Batch, Stage } from '../../generation/event.ts'
import type { Write, Sink, Backpressure } from '../../generation/pipeline.ts'
import type { ByteLane } from './text-relay.ts'
import type { GenerationReader } from '../answer/generation-reader.ts'
import { StreamReader } from '../answer/stream-reader.ts'

/** What a stream passes on its way to its sink. */
export interface StreamWay {
  reader: GenerationReader
  lane: ByteLane
  stages: readonly Stage[]
  /** Takes the batches, before they pass the stages. */
  write: Write<Batch>
}

/** Gives what the pieces of a native stream say: text by the byte lane while that is open, everything else in batches. */
export class StreamGiver implements Sink<Buffer> {
  /** Nothing more is wanted, also of what has been read. */
  isCancelled = false
  #isFirst = true
  #isMidEvent = false
  #lane: ByteLane
  #reader: GenerationReader
  #stages: readonly Stage[]
  #writeBatch: Write<Batch>
  #stream: StreamReader

  constructor ({ reader, lane, stages, write }: StreamWay) {
    this.#reader = reader
    this.#lane = lane
    this.#stages = stages
    this.#writeBatch = write
    this.#stream = new StreamReader(reader)
    for (const stage of stages) if ('meter' in stage) stage.meter = reader
  }

  /** Takes the next bytes; says enough when its sink has had enough, and when nothing more can come. */
  write (bytes: Buffer): Backpressure | Promise<Backpressure> {
    // The first event goes by itself: only behind it is known whether the lane is open, and to whom it leads. So does one
    // that was cut.
    const isCut = this.#isFirst || (this.#isMidEvent && this.#lane.isOpen)
    if (!isCut) return this.#giveEvents(bytes)
    this.#isFirst = false
    const end = bytes.indexOf('\n\n') + 2
    if (end === 1 || !this.#lane.frames.mayBegin(bytes, end)) return this.#giveBatch(bytes)
    return this.#inTurn(this.#giveBatch(bytes.subarray(0, end)), () => this.#giveEvents(bytes.subarray(end)))
  }

  /** What is said by an event whose last line has no end. */
  end (): Batch {
    this.#countPassed()
    return this.#stream.end()
  }

  #giveEvents (bytes: Buffer): Backpressure | Promise<Backpressure> {
    const passed = this.#isMidEvent ? 0 : this.#lane.push(bytes)
    if (passed === 0) return this.#giveBatch(bytes)
    const last = this.#lane.takeLast()
    if (last !== undefined) this.#reader.onBypassed(last)
    const flushed = this.#lane.flush()
    const verdict = flushed === undefined ? undefined : this.#heard(flushed)
    return passed === bytes.length ? verdict : this.#inTurn(verdict, () => this.#giveBatch(bytes.subarray(passed)))
  }

  #giveBatch (bytes: Buffer): Backpressure | Promise<Backpressure> {
    this.#countPassed()
    const batch = this.#stream.push(bytes)
    const verdict = batch.length > 0 ? this.#writeBatch(batch) : undefined
    this.#isMidEvent = !this.#stream.isBetweenEvents
    this.#lane.frames = this.#reader.textFrames
    this.#lane.isFree = this.#reader.isSpeaking && this.#stages.every(isTransparent)
    return this.#heard(verdict)
  }

  #heard (verdict: Backpressure | Promise<Backpressure>): Backpressure | Promise<Backpressure> {
    if (verdict instanceof Promise) return verdict.then(given => this.#heard(given))
    this.isCancelled ||= verdict === 'cancel'
    return this.isCancelled || this.#reader.done ? 'cancel' : undefined
  }

  #inTurn (verdict: Backpressure | Promise<Backpressure>, next: () => Backpressure | Promise<Backpressure>): Backpressure | Promise<Backpressure> {
    // While one is waited for, the stream may be given up.
    if (verdict instanceof Promise) return verdict.then(given => this.#inTurn(given, next))
    return this.isCancelled ? 'cancel' : verdict ?? next()
  }

  #countPassed (): void {
    const characters = this.#lane.countPassed()
    if (characters > 0) for (const stage of this.#stages) stage.onBypassed?.(characters)
  }
}

function isTransparent (stage: Stage): boolean {
  return stage.isTransparent === true
}
