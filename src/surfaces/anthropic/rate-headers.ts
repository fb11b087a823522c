import type { RateState, Standing } from '../../stores/limits/limits.ts'

/** The state of a key's limits in Anthropic's headers: what is left, and when all of it is again, in RFC 3339. */
export function toRateHeaders ({ requests, tokens }: Standing, now: Date): Record<string, string> {
  return { ...(requests && toHeaders('requests', requests, now)), ...(tokens && toHeaders('tokens', tokens, now)) }
}

function toHeaders (what: 'requests' | 'tokens', { limit, remaining, resetMs }: RateState, now: Date): Record<string, string> {
  return {
    [`anthropic-ratelimit-${what}-limit`]: String(limit),
    [`anthropic-ratelimit-${what}-remaining`]: String(remaining),
    [`anthropic-ratelimit-${what}-reset`]: new Date(now.getTime() + resetMs).toISOString().replace(/\.\d+Z$/, 'Z')
  }
}
