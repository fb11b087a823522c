import { asItIs, type NameOf } from '../errors.ts'
import type { Change } from '../generation/change.ts'
import type { Call } from './call.ts'
import { noteRepair } from './request-record.ts'
import { toWarnings } from './warnings.ts'

/** Callers choose the names of parameters, and may choose long ones. */
const MAX_NAME_LENGTH = 100

/**
 * Tells the changes of one request: in a header what is known when the answer begins, in a comment of the stream what
 * became known later, in the record of the request, and in the debug log with their reasons.
 */
export class ChangeReporter {
  #changes: Change[]
  #call: Pick<Call, 'log' | 'record'>
  #nameOf: NameOf
  #told = 0

  /** @param nameOf the caller's name for the place of a change */
  constructor (changes: Change[], call: Pick<Call, 'log' | 'record'>, nameOf: NameOf = asItIs) {
    this.#changes = changes
    this.#call = call
    this.#nameOf = nameOf
  }

  add (change: Change): void {
    this.#changes.push(change)
  }

  /** The header of what is known so far; empty when nothing is. */
  headers (): Record<string, string> {
    const warnings = this.news()
    return warnings === undefined ? {} : { 'x-proxy-warnings': warnings }
  }

  /** What became known since it was last asked for, as `toWarnings` tells it; undefined when nothing did. */
  news (): string | undefined {
    if (this.#told === this.#changes.length) return undefined
    const changes = toNamed(this.#changes, this.#nameOf)
    const news = changes.slice(this.#told)
    this.#told = changes.length
    this.#call.record.changes = toWarnings(changes)
    for (const { repair } of news) noteRepair(this.#call.record, repair)
    this.#call.log.debug({ changes: news.map(({ param, action, reason }) => ({ param: param.slice(0, MAX_NAME_LENGTH), action, reason })) }, 'changes')
    return toWarnings(news)
  }
}

/** The same changes, each with the caller's name for its place. */
export function toNamed (changes: readonly Change[], nameOf: NameOf): Change[] {
  return changes.map(change => ({ ...change, param: nameOf(change.param) }))
}
