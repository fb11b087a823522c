import type { FastifyRequest } from 'fastify'
import type { Change } from '../../generation/change.ts'
import { toComment } from './server-sent-events.ts'
import { toWarnings } from './warnings.ts'

/** Callers choose the names of parameters, and may choose long ones. */
const MAX_NAME_LENGTH = 100

/**
 * Tells the changes of one request: in a header what is known when the answer begins, in a comment of the stream what
 * became known later, and in the debug log with their reasons.
 */
export class ChangeReporter {
  #changes: Change[]
  #request: Pick<FastifyRequest, 'log' | 'report'>
  #toParam: (param: string) => string
  #told = 0

  /** @param toParam the caller's name for a parameter, where its request was translated to another surface's first */
  constructor (changes: Change[], request: Pick<FastifyRequest, 'log' | 'report'>, toParam: (param: string) => string = param => param) {
    this.#changes = changes
    this.#request = request
    this.#toParam = toParam
  }

  add (change: Change): void {
    this.#changes.push(change)
  }

  /** The header of what is known so far; empty when nothing is. */
  headers (): Record<string, string> {
    const warnings = this.#report()
    return warnings === undefined ? {} : { 'x-proxy-warnings': warnings }
  }

  /** A comment line of what became known since; empty when nothing did. */
  comment (): string {
    const warnings = this.#report()
    return warnings === undefined ? '' : toComment(`x-proxy-warnings: ${warnings}`)
  }

  #report (): string | undefined {
    const changes = this.#changes.map(change => ({ ...change, param: this.#toParam(change.param) }))
    const news = changes.slice(this.#told)
    this.#told = changes.length
    if (news.length === 0) return undefined
    this.#request.report.changes = toWarnings(changes)
    this.#request.log.debug({ changes: news.map(({ param, action, reason }) => ({ param: param.slice(0, MAX_NAME_LENGTH), action, reason })) }, 'changes')
    return toWarnings(news)
  }
}
