import type { IncomingMessage } from 'node:http'
import { newId } from '../../ids.ts'

/** The caller's `x-request-id` when it is short and plain, else one in OpenAI's form. */
export function toRequestId (request: Pick<IncomingMessage, 'headers'>): string {
  const given = request.headers['x-request-id']
  return typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given) ? given : newId('req_', 32)
}
