import type { FastifyBaseLogger } from 'fastify'
import { pino, type DestinationStream } from 'pino'
import type { Settings } from '../settings.ts'

/** Fields that hold credentials, or a URL with a key in its query. */
const SECRET_FIELDS = ['authorization', 'apiToken', 'apiKeys', 'cookie', 'headers', 'rawHeaders', 'url']

/** What has such fields. Named one by one, because a wildcard would cost every line tens of microseconds. */
const HOLDERS = ['req', 'request', 'res', 'reply', 'err', 'error', 'settings', 'settings.cloudflare', 'cloudflare', 'options']

/**
 * The proxy's log: one JSON line each. No line is meant to have a credential; should one ever, it is blotted out.
 * @param destination standard output by default
 */
export function newLogger ({ logLevel }: Pick<Settings, 'logLevel'>, destination?: DestinationStream): FastifyBaseLogger {
  const paths = ['', ...HOLDERS.map(holder => `${holder}.`)].flatMap(before => SECRET_FIELDS.map(field => before + field))
  return pino({ level: logLevel, redact: { paths, censor: '[redacted]' } }, destination ?? pino.destination(1))
}
