import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { fileURLToPath } from 'node:url'

const folder = new URL('../fixtures/tls/', import.meta.url)

/** The certificate of loopback, which signs itself; for `NODE_EXTRA_CA_CERTS`. */
export const LOOPBACK_CERTIFICATE = fileURLToPath(new URL('loopback.crt', folder))

export const TRANSPORTS = ['TCP', 'TLS'] as const

export type Transport = typeof TRANSPORTS[number]

/** A connection as its server has it. */
export interface Connection {
  /** What is written and read; decrypted where there is TLS. */
  socket: Socket
  /** Ends it as a process does that is killed: nothing is said about it. */
  reset: () => void
  /** Says only by TCP that nothing more comes: the end of TLS stays unsaid. */
  endUnsaid: () => void
}

export interface LoopbackServer {
  /** Without a path. */
  url: string
  port: number
  close: () => void
}

/** What Node 20 has, in bytes: whoever waits for `drain` has then left nothing behind that the kernel does not have, on every Node. */
const HIGH_WATER_MARK = 16_384

/** A server on a free port of loopback that hands over each connection once it is made. */
export async function startLoopbackServer (transport: Transport, serve: (connection: Connection) => void): Promise<LoopbackServer> {
  const isTls = transport === 'TLS'
  /** By the address of the other side. */
  const wires = new Map<string, Socket>()
  const take = (socket: Socket) => {
    const address = addressOf(socket)
    const wire = wires.get(address) ?? socket
    wires.delete(address)
    serve({ socket, reset: () => wire.resetAndDestroy(), endUnsaid: () => wire.end() })
  }
  const server = isTls
    ? createTlsServer({ highWaterMark: HIGH_WATER_MARK, key: readFileSync(new URL('loopback.key', folder)), cert: readFileSync(LOOPBACK_CERTIFICATE) }, take).on('connection', wire => wires.set(addressOf(wire), wire.on('error', () => {})))
    : createServer({ highWaterMark: HIGH_WATER_MARK }, take)
  server.listen(0, '127.0.0.1', 2_048)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { url: `${isTls ? 'https' : 'http'}://127.0.0.1:${port}`, port, close: () => server.close() }
}

function addressOf ({ remotePort }: Socket): string {
  return String(remotePort)
}
