import type { FastifyRequest } from 'fastify'
import type { Settings } from '../settings/schema.ts'

/** Logs the native bodies and answers of one request. */
export interface ContentLog {
  sent: (body: string) => void
  received: (body: string) => void
}

/**
 * Returns the logger of a request's content: the native bodies and Cloudflare's answers, including prompts. Undefined
 * unless both LOG_CONTENT and LOG_LEVEL=trace are set, so that a single setting never reveals content.
 */
export function toContentLog ({ log }: Pick<FastifyRequest, 'log'>, { logContent }: Pick<Settings, 'logContent'>): ContentLog | undefined {
  if (!logContent || log.level !== 'trace') return undefined
  return {
    sent: body => log.trace({ body }, 'sent to Cloudflare'),
    received: body => log.trace({ body }, 'received from Cloudflare')
  }
}
