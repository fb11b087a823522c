import { createContext, Script } from 'node:vm'

/** Work was not done when its time was over. */
export class TooLongError extends Error {
  override name = 'TooLongError'
}

const context = createContext({})
const script = new Script('work()')

/** How often work may be begun. */
const MAX_TRIES = 4

/**
 * Does work whose amount a caller decides, as a schema or a pattern of theirs does, and breaks it off when it takes too
 * long: nobody else is served meanwhile, and a pattern of ten characters can take for ever. Work that had to wait for most
 * of its time, because the machine was busy with something else, is begun again, so it must be such that can be.
 * @param limitMs milliseconds, 1 or more
 * @throws TooLongError; whatever the work throws
 */
export function withinTime<T> (limitMs: number, work: () => T): T {
  for (let tries = 1; ; tries++) {
    const before = process.cpuUsage()
    try {
      return runWithin(limitMs, work)
    } catch (error) {
      if (!isTimeout(error)) throw error
      const { user, system } = process.cpuUsage(before)
      const workedMs = (user + system) / 1_000
      if (workedMs > limitMs / 2 || tries === MAX_TRIES) throw new TooLongError(`broken off after ${limitMs} ms`)
    }
  }
}

function runWithin<T> (limitMs: number, work: () => T): T {
  let result: T | undefined
  context['work'] = () => { result = work() }
  try {
    script.runInContext(context, { timeout: limitMs })
    return result as T
  } finally {
    context['work'] = undefined
  }
}

/** It is an error of the other context, and no instance of this one's class. */
function isTimeout (error: unknown): boolean {
  return (error as { code?: unknown } | undefined)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
}
