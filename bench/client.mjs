/** One request at a time, for what is not measured: checking answers and telling the upstream what to say. */
import { request } from 'node:http'
import { text } from 'node:stream/consumers'

/**
 * Asks a server for a chat completion.
 * @param {Pick<import('./servers.mjs').Server, 'port' | 'headers'>} server
 * @param {object} body
 * @returns {Promise<{ status: number | undefined, body: string }>}
 */
export function ask ({ port, headers }, body) {
  return send(port, 'POST', '/v1/chat/completions', headers, JSON.stringify(body))
}

/**
 * Tells the upstream what to answer from now on.
 * @param {number} port
 * @param {'GET' | 'POST'} method of the requests that get this answer
 * @param {Buffer} bytes the answer, cut into pieces by 0x1e
 * @param {number} [paceUs] microseconds between two pieces
 */
export async function tellUpstream (port, method, bytes, paceUs = 0) {
  await send(port, 'PUT', `/${method}`, { 'x-pace-us': String(paceUs) }, bytes)
}

/**
 * The same request as the load sends it.
 * @param {import('./servers.mjs').Server} server
 * @param {object} body
 */
export function toRequestText ({ port, headers }, body) {
  const json = JSON.stringify(body)
  const lines = Object.entries({ host: `127.0.0.1:${port}`, ...headers, 'content-length': Buffer.byteLength(json) })
  return `POST /v1/chat/completions HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${json}`
}

/**
 * @param {number} port @param {string} method @param {string} path
 * @param {Record<string, string>} headers @param {string | Buffer} body
 * @returns {Promise<{ status: number | undefined, body: string }>}
 */
function send (port, method, path, headers, body) {
  return new Promise((resolve, reject) => {
    const asking = request({ host: '127.0.0.1', port, method, path, agent: false, timeout: 10_000, headers: { ...headers, 'content-length': Buffer.byteLength(body) } })
    asking.on('timeout', () => asking.destroy(new Error('no answer within 10 s')))
    asking.on('error', reject)
    asking.on('response', response => text(response).then(body => resolve({ status: response.statusCode, body }), reject))
    asking.end(body)
  })
}
