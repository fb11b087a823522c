import type { PrimaryLink, WorkerLinks } from '../telemetry/primary-link.ts'

/** Either side tells, asks or answers. `number` is that of the question, of the side that asks. */
export type LinkMessage =
  | { link: 'tell', topic: string, message: unknown }
  | { link: 'ask', topic: string, number: number, question?: unknown }
  | { link: 'answer', number: number, answer?: unknown, isFailed?: true }

type Send = (message: LinkMessage) => void

/** How long a worker waits for the primary, and the primary for a worker; milliseconds. */
const PRIMARY_MS = 5_000
const WORKER_MS = 1_000

/** Questions that wait for their answers. */
class Questions {
  #waiting = new Map<number, (message: Extract<LinkMessage, { link: 'answer' }>) => void>()
  #count = 0

  /** @throws Error when there is no answer in time, or the other side failed */
  ask (send: Send, topic: string, timeoutMs: number, question?: unknown): Promise<unknown> {
    const number = ++this.#count
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(number)
        reject(new Error(`no answer about ${topic} within ${timeoutMs} ms`))
      }, timeoutMs)
      this.#waiting.set(number, ({ answer, isFailed }) => {
        clearTimeout(timer)
        if (isFailed) reject(new Error(`the other process failed to answer about ${topic}`))
        else resolve(answer)
      })
      send({ link: 'ask', topic, number, question })
    })
  }

  receive (message: Extract<LinkMessage, { link: 'answer' }>): void {
    this.#waiting.get(message.number)?.(message)
    this.#waiting.delete(message.number)
  }
}

async function answered (number: number, answer: Promise<unknown> | undefined): Promise<LinkMessage> {
  try {
    return answer === undefined ? { link: 'answer', number, isFailed: true } : { link: 'answer', number, answer: await answer }
  } catch {
    return { link: 'answer', number, isFailed: true }
  }
}

/** The end of a worker. */
export class WorkerEnd implements PrimaryLink {
  readonly #send: Send
  readonly #questions = new Questions()
  readonly #answers = new Map<string, () => Promise<unknown>>()
  readonly #hears = new Map<string, (message: unknown) => void>()

  /** @param send to the primary; nothing happens when that is gone */
  constructor (send: Send) {
    this.#send = send
  }

  tell (topic: string, message: unknown): void {
    this.#send({ link: 'tell', topic, message })
  }

  ask (topic: string, question?: unknown): Promise<unknown> {
    return this.#questions.ask(this.#send, topic, PRIMARY_MS, question)
  }

  answer (topic: string, answer: () => Promise<unknown>): void {
    this.#answers.set(topic, answer)
  }

  hear (topic: string, hear: (message: unknown) => void): void {
    this.#hears.set(topic, hear)
  }

  receive (message: LinkMessage): void {
    if (message.link === 'answer') this.#questions.receive(message)
    if (message.link === 'tell') this.#hears.get(message.topic)?.(message.message)
    if (message.link === 'ask') void answered(message.number, this.#answers.get(message.topic)?.()).then(this.#send)
  }
}

/** The end of the primary, with a way to each worker. */
export class PrimaryEnd implements WorkerLinks {
  readonly #sends = new Map<number, Send>()
  readonly #questions = new Questions()
  readonly #hears = new Map<string, (message: unknown, from: number) => void>()
  readonly #answers = new Map<string, (question: unknown) => Promise<unknown>>()

  hear (topic: string, hear: (message: unknown, from: number) => void): void {
    this.#hears.set(topic, hear)
  }

  tell (topic: string, message: unknown, to: Iterable<number> = this.#sends.keys()): void {
    for (const id of to) this.#sends.get(id)?.({ link: 'tell', topic, message })
  }

  answer (topic: string, answer: (question: unknown) => Promise<unknown>): void {
    this.#answers.set(topic, answer)
  }

  async askAll (topic: string): Promise<Map<number, unknown>> {
    const answers = new Map<number, unknown>()
    await Promise.all([...this.#sends].map(async ([id, send]) => {
      try {
        answers.set(id, await this.#questions.ask(send, topic, WORKER_MS))
      } catch {
        // One that ends or is busy is no reason to have nothing of the others.
      }
    }))
    return answers
  }

  /** @param id of the process */
  add (id: number, send: Send): void {
    this.#sends.set(id, send)
  }

  remove (id: number): void {
    this.#sends.delete(id)
  }

  /** @param from the number of the process */
  receive (message: LinkMessage, from: number): void {
    if (message.link === 'answer') this.#questions.receive(message)
    if (message.link === 'tell') this.#hears.get(message.topic)?.(message.message, from)
    if (message.link !== 'ask') return
    void answered(message.number, this.#answers.get(message.topic)?.(message.question)).then(answer => this.#sends.get(from)?.(answer))
  }
}
