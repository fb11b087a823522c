import type { FastifyRequest } from 'fastify'
import type { Settings } from '../settings/schema.ts'

/** Logs all that goes over the wire for one request. */
export interface ContentLog {
  sent: (body: string) => void
  received: (body: string) => void
}

/**
 * What logs the content of a request: the native bodies and Cloudflare's answers, prompts and all. Undefined unless both
 * LOG_CONTENT and LOG_LEVEL=trace ask for it, so that neither a level nor a setting alone gives content away.
 */
export function toContentLog ({ log }: Pick<FastifyRequest, 'log'>, { logContent }: Pick<Settings, 'logContent'>): ContentLog | undefined {
  if (!logContent || log.level !== 'trace') return undefined
  return {
    sent: body => log.trace({ body }, 'sent to Cloudflare'),
    received: body => log.trace({ body }, 'received from Cloudflare')
  }
}
