import { BlockList, isIPv4, isIPv6 } from 'node:net'

/** IANA's registry of special IPv4 ranges, multicast, and the address under which Azure's hosts answer their guests. */
const SPECIAL_IPV4 = toBlockList('ipv4', [
  '0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24',
  '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4',
  '168.63.129.16/32'
])

/** The allocated global IPv6 range. Outside are loopback, link-local, private, multicast, and mapped IPv4 addresses. */
const GLOBAL_IPV6 = toBlockList('ipv6', ['2000::/3'])

/** Special ranges inside it: Teredo, benchmarks and other protocols, 6to4, documentation. */
const SPECIAL_IPV6 = toBlockList('ipv6', ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'])

/** Whether an IP address belongs to the public internet; false for anything that is not an IP address. */
export function isPublicAddress (address: string): boolean {
  if (isIPv4(address)) return !SPECIAL_IPV4.check(address, 'ipv4')
  return isIPv6(address) && GLOBAL_IPV6.check(address, 'ipv6') && !SPECIAL_IPV6.check(address, 'ipv6')
}

/** One list for each kind: a list of IPv6 ranges would match IPv4 addresses, too, by their mapped form. */
function toBlockList (kind: 'ipv4' | 'ipv6', ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [network = '', prefix] = range.split('/')
    list.addSubnet(network, Number(prefix), kind)
  }
  return list
}
