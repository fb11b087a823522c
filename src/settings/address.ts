import { BlockList, isIP, isIPv6 } from 'node:net'

/** A host and a port to listen on or to call. */
export interface Address {
  host: string
  port: number
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** Whether only this machine can reach a server that listens on the host. False for every name except `localhost`. */
export function isLoopback (host: string): boolean {
  if (isIP(host) === 0) return host.toLowerCase() === 'localhost'
  return loopback.check(host, isIPv6(host) ? 'ipv6' : 'ipv4')
}

/** The URL, without a path, by which this machine reaches a server that listens on the address. */
export function toLocalUrl ({ host, port }: Address): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `http://${isIPv6(reachable) ? `[${reachable}]` : reachable}:${port}`
}

/** Why a server cannot listen on the address, by Node's error code. Undefined when the user cannot change it. */
export function toListenComplaint (code: string | undefined, { host, port }: Address): string | undefined {
  switch (code) {
    case 'EADDRINUSE': {
      const suspect = port === 8787 ? ' (wrangler dev listens there)' : ''
      return `Port ${port} on ${host} is in use${suspect}; choose another port with --port (PORT).`
    }
    case 'EACCES':
      return `This user may not listen on port ${port} of ${host}; choose a port above 1023 with --port (PORT).`
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${host} is not an address of this machine; choose one with --host (HOST).`
    default:
      return undefined
  }
}
