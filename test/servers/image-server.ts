import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import type { Address } from '../../src/settings/address.ts'

/** The beginning of a PNG, which is all that is looked at. */
export const PNG = Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1')
export const PNG_URI = `data:image/png;base64,${PNG.toString('base64')}`

export interface ImageServer {
  /** Where it is; the one address on loopback that tests let be called. */
  exempt: Address
  /** The URL of a path by a name that is nowhere known. */
  url: (path?: string) => string
  requests: IncomingMessage[]
  /** How many of the requests' connections have ended. */
  closed: () => number
}

/** A server for images on loopback; it is gone when the test is over. */
export async function startImageServer (t: Test, answer: RequestListener = sendPng, { host = '127.0.0.1', port = 0 }: Partial<Address> = {}): Promise<ImageServer> {
  const requests: IncomingMessage[] = []
  let closed = 0
  const server = createServer((request, response) => {
    requests.push(request)
    request.socket.once('close', () => { closed++ })
    answer(request, response)
  })
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  await new Promise<void>(resolve => server.listen(port, host, resolve))
  const exempt = { host, port: (server.address() as AddressInfo).port }
  return { exempt, requests, closed: () => closed, url: (path = '/cat.png') => `http://images.test:${exempt.port}${path}` }
}

/** Answers with a PNG. */
const sendPng: RequestListener = (_request, response) => {
  response.writeHead(200, { 'content-type': 'image/png' }).end(PNG)
}
