import type { FailureKind } from '../workers-ai/transport/failure-kind.ts'
import type { Model } from '../workers-ai/models/model.ts'

/** The models of the account, for the person who starts the proxy. */
export interface ModelSurvey {
  /** How many are listed, and how many of them chat; undefined as long as Cloudflare has not listed them. */
  count?: { all: number, chat: number }
  /** Why Cloudflare did not list them. */
  failure?: FailureKind
}

/** @param listed the models a proxy lists, other names included */
export function toModelCount (listed: ReadonlyArray<{ model: Pick<Model, 'task'> }>): { all: number, chat: number } {
  return { all: listed.length, chat: listed.filter(({ model }) => model.task === 'text-generation').length }
}
