import type { Settings } from '../../settings/schema.ts'
import type { Listing } from './probe.ts'
import type { CheckContext, CheckResult } from './finding.ts'
import { toConnectionCode, toSentence } from '../../workers-ai/transport/failure-kind.ts'

/** Threshold for a slow network. Connecting and listing take less than 1 s from most places. */
const SLOW_MS = 3_000

/** Codes of the resolver, and those of TLS: OpenSSL's are whole words about certificates. */
const DNS = ['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL']
const TLS = /CERT|SIGNATURE|SSL|TLS|EPROTO/

/** Checks whether Cloudflare can be reached, and how fast. A refusal counts as an answer. */
export function checkNetwork (listing: Listing, { settings, failures }: CheckContext): CheckResult {
  const host = toHost(settings)
  if ('error' in listing && failures.listing === 'network') return { ...toUnreachable(listing.error, host), verdict: 'failed', blame: 'network' }
  if (listing.ms < SLOW_MS) return { verdict: 'ok', message: `${host} answered in ${listing.ms} ms.` }
  return {
    verdict: 'warning',
    message: `${host} took ${listing.ms} ms for its first answer; less than ${SLOW_MS} ms is usual.`,
    next: 'Check what is between this machine and Cloudflare (VPN, DNS, a proxy). It delays every answer.'
  }
}

/** The reason for a failed connection or an unreadable answer, and the next step. */
export function toUnreachable (error: unknown, host: string): { message: string, next: string } {
  const code = toConnectionCode(error)
  if (DNS.includes(code)) {
    return { message: `Cannot resolve the host name ${host} (${code}).`, next: 'Check DNS and the network of this machine or container.' }
  }
  if (TLS.test(code)) {
    return {
      message: `Cannot establish a TLS connection to ${host} (${code}).`,
      next: 'If a firewall intercepts TLS here, set NODE_EXTRA_CA_CERTS=/path/root.pem to its root certificate. Otherwise check the scheme of CLOUDFLARE_API_BASE_URL.'
    }
  }
  if (code !== '') {
    return { message: `Cannot connect to ${host} (${code}).`, next: `Check that this machine may connect to ${host} directly (firewall, VPN); HTTPS_PROXY is not used.` }
  }
  return {
    message: `${host} sent an answer that cannot be read: ${toSentence(error)}`,
    next: 'Check CLOUDFLARE_API_BASE_URL, and whether a firewall or a login page answers in place of Cloudflare.'
  }
}

/** The name of the upstream in a sentence. */
export function toHost ({ upstream, cloudflare }: Pick<Settings, 'upstream' | 'cloudflare'>): string {
  return upstream === 'simulator' ? 'The simulator' : new URL(cloudflare.apiBaseUrl).host
}
