/** Work that a caller decides the amount of was not done: it would take longer than others should wait. */
class WorkBudgetError extends Error {
  override name = 'WorkBudgetError'
}

/**
 * What may be done for one request at most, over all its choices, where schemas and answers decide how much there is to
 * do: nobody else is served meanwhile. It is counted in steps and not by a clock, so that the same request always comes
 * out the same.
 */
export interface WorkBudget {
  /** Steps of a schema's compilation, about 50 μs each. */
  compiling: number
  /** Steps of the check of an answer, 0.1 to 0.3 μs each. */
  checking: number
  /** Steps of the repair of JSON, about a nanosecond each. */
  mending: number
}

/** What is left to be done of a kind of work. */
export type Kind = keyof WorkBudget

export function newWorkBudget (): WorkBudget {
  return { compiling: 1_500, checking: 200_000, mending: 100_000_000 }
}

/** @throws WorkBudgetError when there is not so much left; what comes after it may still be done when it is less */
export function spend (effort: WorkBudget, kind: Kind, steps: number): void {
  // Not a number is never less.
  if (!(steps <= effort[kind])) throw new WorkBudgetError(`more ${kind} than is done for one request`)
  effort[kind] -= steps
}
