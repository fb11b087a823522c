import { get } from 'node:http'
import { toLocalUrl, type Address } from '../settings/address.ts'

/**
 * Asks the proxy at the address for GET /health. Resolves when it answers 200; rejects with an Error that says why not
 * when it answers anything else, cannot be reached, or takes longer than `timeoutMs`.
 */
export async function checkHealth (address: Address, timeoutMs = 4_000): Promise<void> {
  if (address.port === 0) throw new Error('PORT is 0, so the port of the proxy is unknown')
  const url = `${toLocalUrl(address)}/health`
  const status = await getStatus(url, timeoutMs)
  if (status !== 200) throw new Error(`${url} answered ${status}`)
}

function getStatus (url: string, timeoutMs: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const request = get(url, { signal: AbortSignal.timeout(timeoutMs), agent: false }, response => {
      response.resume()
      resolve(response.statusCode)
    })
    request.on('error', cause => reject(new Error(`${url} cannot be reached: ${toReason(cause, timeoutMs)}`, { cause })))
  })
}

function toReason (error: NodeJS.ErrnoException, timeoutMs: number): string {
  if (error.name === 'AbortError') return `no answer within ${timeoutMs} ms`
  // A name with two addresses, neither of which answers, gives an error without a message.
  return error.message || `${error.code}`
}
