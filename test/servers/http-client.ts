import { once } from 'node:events'
import { request, type IncomingHttpHeaders } from 'node:http'
import { connect, createServer, type AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'

/** Where a server listens on loopback. */
interface Listening {
  port: number
}

export interface RawAnswer {
  status: number | undefined
  headers: IncomingHttpHeaders
  body: string
}

/** Asks by Node's own client, which sends any header, `Host` included. */
export async function askRaw ({ port }: Listening, path: string, { method = 'GET', headers = {} }: { method?: string, headers?: Record<string, string> } = {}): Promise<RawAnswer> {
  const asking = request({ host: '127.0.0.1', port, path, method, headers, agent: false })
  asking.end()
  return new Promise((resolve, reject) => {
    asking.on('error', reject)
    asking.on('response', async response => resolve({ status: response.statusCode, headers: response.headers, body: await text(response) }))
  })
}

/** Writes these bytes, and reads until a text comes or the connection ends. */
export async function exchange ({ port }: Listening, bytes: string | Buffer, until: string): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8')
  socket.write(bytes)
  let read = ''
  try {
    for await (const piece of socket) {
      read += piece
      if (read.includes(until)) break
    }
    return read
  } finally {
    socket.destroy()
  }
}

/** Resolves with the milliseconds it took until something holds; rejects when that takes longer than `timeoutMs`. */
export async function waited (isSo: () => boolean, timeoutMs = 5_000): Promise<number> {
  const start = Date.now()
  while (!isSo()) {
    if (Date.now() - start > timeoutMs) throw new Error(`never so: ${isSo}`)
    await sleep(5)
  }
  return Date.now() - start
}

/** Whether somebody accepts connections on a port. */
export async function accepts (port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** A port nobody listens on. */
export async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
