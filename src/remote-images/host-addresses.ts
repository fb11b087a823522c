import { Resolver } from 'node:dns/promises'

/** Finds the IP addresses of a host name; none when it has none. */
export type Lookup = (host: string, signal: AbortSignal) => Promise<string[]>

/**
 * Resolves a host's addresses by name servers, IPv4 first. Unlike `dns.lookup` this takes no thread of Node's small pool, which
 * the calls to Cloudflare need, can be aborted, and reads no hosts file with internal names.
 * @param signal aborts; a query without an answer by then returns no address
 * @param servers name servers to ask, `address:port`; the system's by default
 */
export async function toHostAddresses (host: string, signal: AbortSignal, servers?: readonly string[]): Promise<string[]> {
  const resolver = new Resolver({ timeout: 3_000, tries: 2 })
  if (servers) resolver.setServers(servers)
  const giveUp = () => resolver.cancel()
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)])
    return answers.flatMap(answer => answer.status === 'fulfilled' ? answer.value : [])
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}
