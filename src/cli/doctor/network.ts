import type { Settings } from '../../settings/schema.ts'
import type { Listing } from './probe.ts'
import type { Facts, Verdict } from './finding.ts'
import { toConnectionCode, toSentence } from '../../workers-ai/transport/failure-kind.ts'

/** From this many milliseconds on the way to Cloudflare is slow: connecting and listing take less than 1 s from most places. */
const SLOW_MS = 3_000

/** Codes of the resolver, and those of TLS: OpenSSL's are whole words about certificates. */
const DNS = ['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL']
const TLS = /CERT|SIGNATURE|SSL|TLS|EPROTO/

/** Whether Cloudflare can be reached at all, and how fast. A refusal is an answer. */
export function judgeNetwork (listing: Listing, { settings, troubles }: Facts): Verdict {
  const host = toHost(settings)
  if ('error' in listing && troubles.listing === 'network') return { ...toUnreachable(listing.error, host), verdict: 'failed', blame: 'network' }
  if (listing.ms < SLOW_MS) return { verdict: 'ok', message: `${host} answered in ${listing.ms} ms.` }
  return {
    verdict: 'warning',
    message: `${host} took ${listing.ms} ms for its first answer, where less than ${SLOW_MS} is usual.`,
    next: 'Look at what is between this machine and Cloudflare (VPN, DNS, a proxy): every answer waits for it.'
  }
}

/** Says why there is no connection, or no answer that can be read, and what to do. */
export function toUnreachable (error: unknown, host: string): { message: string, next: string } {
  const code = toConnectionCode(error)
  if (DNS.includes(code)) {
    return { message: `The name ${host} cannot be resolved (${code}).`, next: 'Check the DNS and the network of this machine or container.' }
  }
  if (TLS.test(code)) {
    return {
      message: `There is no TLS connection to ${host} (${code}).`,
      next: 'If a firewall here opens TLS connections, name its root certificate: NODE_EXTRA_CA_CERTS=/path/root.pem; else check the scheme of CLOUDFLARE_API_BASE_URL.'
    }
  }
  if (code !== '') {
    return { message: `There is no connection to ${host} (${code}).`, next: `Check that this machine may connect to ${host} directly (firewall, VPN): HTTPS_PROXY is not used.` }
  }
  return {
    message: `${host} gave no answer that can be read: ${toSentence(error)}`,
    next: 'Check CLOUDFLARE_API_BASE_URL, and whether a firewall or a login page answers in place of Cloudflare.'
  }
}

/** Who is asked, in words. */
export function toHost ({ upstream, cloudflare }: Pick<Settings, 'upstream' | 'cloudflare'>): string {
  return upstream === 'simulator' ? 'The simulator' : new URL(cloudflare.apiBaseUrl).host
}
