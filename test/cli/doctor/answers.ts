import { UpstreamError, type UpstreamErrorOptions } from '../../../src/errors.ts'
import type { ProbeResults, Run } from '../../../src/cli/doctor/probe.ts'
import type { CheckContext } from '../../../src/cli/doctor/finding.ts'
import { toFailureKind } from '../../../src/workers-ai/transport/failure-kind.ts'
import { CATALOGUE } from '../../../src/workers-ai/models/catalogue.ts'

/** The form of an account id, and of a token; nobody's. */
export const ACCOUNT_ID = '0123456789abcdef0123456789abcdef'
export const API_TOKEN = 'v1_0-Zabcdefghijklmnopqrstuvwxyz01234567'

export const MODEL = '@cf/meta/llama-3.2-1b-instruct'

export const answered: Run = { outcome: 'answered', model: MODEL, ms: 800, neurons: '0.04' }
export const listed = { ms: 300, models: [...CATALOGUE.values()] }

/** A refusal of Cloudflare's by its code. */
export function refusal (code: number, options: Partial<UpstreamErrorOptions> = {}): UpstreamError {
  return new UpstreamError('in its own words', { kind: 'refused', status: 400, code, ...options })
}

/** A connection that failed, by the code of the system or of TLS. */
export function unreachable (code: string): UpstreamError {
  return new UpstreamError(`No answer from Cloudflare: the connection failed (${code})`, { kind: 'unreachable', cause: Object.assign(new Error('x'), { code }) })
}

/** A run that failed. */
export function failed (error: unknown): Run {
  return { outcome: 'failed', model: MODEL, error }
}

/** A list that did not come. */
export function unlisted (error: unknown): ProbeResults['listing'] {
  return { ms: 300, error }
}

/** The context of an account at Cloudflare, at a quarter past six in the evening. */
export function toContext ({ listing, run }: ProbeResults, cloudflare: Partial<CheckContext['settings']['cloudflare']> = {}): CheckContext {
  return {
    settings: { upstream: 'cloudflare', cloudflare: { accountId: ACCOUNT_ID, apiToken: API_TOKEN, apiBaseUrl: 'https://api.cloudflare.com/client/v4', ...cloudflare } },
    now: new Date('2026-11-20T18:15:30Z'),
    failures: {
      listing: 'error' in listing ? toFailureKind(listing.error) : undefined,
      run: run.outcome === 'failed' ? toFailureKind(run.error) : undefined
    }
  }
}
