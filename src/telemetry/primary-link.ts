/**
 * How one of several processes reaches the primary, which keeps what belongs to all of them; absent in a single process.
 * Messages are JSON: what is undefined in them is not there any more when they arrive.
 */
export interface PrimaryLink {
  /** Tells the primary something, and does not hear what becomes of it. */
  tell: (topic: string, message: unknown) => void
  /** Asks the primary. @throws Error when no answer comes within five seconds */
  ask: (topic: string, question?: unknown) => Promise<unknown>
  /** Has the questions of one topic answered that the primary puts to every process. */
  answer: (topic: string, answer: () => Promise<unknown>) => void
  /** Has what the primary tells of a topic heard. */
  hear: (topic: string, hear: (message: unknown) => void) => void
}

/** What the primary does with the messages of its workers. */
export interface WorkerLinks {
  /** Has what workers tell of a topic heard; `from` is the number of the process. */
  hear: (topic: string, hear: (message: unknown, from: number) => void) => void
  /** Tells workers something, by their numbers: all of them by default. */
  tell: (topic: string, message: unknown, to?: Iterable<number>) => void
  /** Has what workers ask of a topic answered. What the answer throws is told as a failure, without its words. */
  answer: (topic: string, answer: (question: unknown) => Promise<unknown>) => void
  /**
   * Asks every worker that runs.
   * @returns the answers that came within a second, by the number of the process; none of a worker that has ended meanwhile
   */
  askAll: (topic: string) => Promise<Map<number, unknown>>
}
