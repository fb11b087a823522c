/** Work whose amount the caller controls was refused, because it would delay other callers for too long. */
class WorkBudgetError extends Error {
  override name = 'WorkBudgetError'
}

/**
 * The most work for one request, over all its choices, whose amount schemas and answers decide: no other request is served
 * meanwhile. It counts steps, not time, so that the same request always has the same result.
 */
export interface WorkBudget {
  /** Steps of a schema's compilation, about 50 μs each. */
  compiling: number
  /** Steps of the check of an answer, 0.1 to 0.3 μs each. */
  checking: number
  /** Steps of the repair of JSON, about a nanosecond each. */
  mending: number
}

/** A kind of work. */
export type Kind = keyof WorkBudget

export function newWorkBudget (): WorkBudget {
  return { compiling: 1_500, checking: 200_000, mending: 100_000_000 }
}

/** @throws WorkBudgetError if less is left; later work that needs less may still pass */
export function spend (budget: WorkBudget, kind: Kind, steps: number): void {
  // NaN is never less.
  if (!(steps <= budget[kind])) throw new WorkBudgetError(`more ${kind} than is done for one request`)
  budget[kind] -= steps
}
