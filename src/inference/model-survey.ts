import type { Trouble } from '../workers-ai/transport/failure-kind.ts'
import type { ModelObject } from '../surfaces/openai/models/wire.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Lists the models, and says how it went when Cloudflare was asked for them. */
    surveyModels: () => Promise<ModelSurvey>
  }
}

/** The models there are, as whoever starts the proxy is told of them. */
export interface ModelSurvey {
  /** How many are listed, and how many of them chat; undefined as long as Cloudflare has not listed them. */
  count?: { all: number, chat: number }
  /** Why Cloudflare did not list them. */
  trouble?: Trouble
}

/** @param listed the models a proxy lists, other names included */
export function toModelCount (listed: readonly ModelObject[]): { all: number, chat: number } {
  return { all: listed.length, chat: listed.filter(({ task }) => task === 'text-generation').length }
}
