import type { IncomingMessage } from 'node:http'

/**
 * The URL to route by. A path that no percent-decoding can read, such as `/v1/%zz`, is taken as it is written, so that
 * it passes the same hooks as any other and ends as an ordinary 404; Fastify would answer it by itself, in its own words.
 */
export function toRoutableUrl ({ url = '/' }: Pick<IncomingMessage, 'url'>): string {
  const [path = ''] = url.split('?', 1)
  return isDecodable(path) ? url : path.replaceAll('%', '%25') + url.slice(path.length)
}

function isDecodable (path: string): boolean {
  if (!path.includes('%')) return true
  try {
    decodeURIComponent(path)
    return true
  } catch {
    return false
  }
}
