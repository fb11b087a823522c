import { createContext, Script } from 'node:vm'

/** Work was not done when its time was over. */
export class TooLongError extends Error {
  override name = 'TooLongError'
}

const context = createContext({})
const script = new Script('work()')

/**
 * Does work whose amount a caller decides, as a schema or a pattern of theirs does, and breaks it off when it takes too
 * long: nobody else is served meanwhile, and a pattern of ten characters can take for ever.
 * @param limitMs milliseconds, 1 or more
 * @throws TooLongError; whatever the work throws
 */
export function withinTime<T> (limitMs: number, work: () => T): T {
  let result: T | undefined
  context['work'] = () => { result = work() }
  try {
    script.runInContext(context, { timeout: limitMs })
    return result as T
  } catch (error) {
    // It is an error of the other context, and no instance of this one's class.
    const isOver = (error as { code?: unknown } | undefined)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
    throw isOver ? new TooLongError(`broken off after ${limitMs} ms`) : error
  } finally {
    context['work'] = undefined
  }
}
