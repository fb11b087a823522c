import type { IncomingMessage } from 'node:http'

/**
 * The URL to route by: without scheme and authority, where the whole of one was sent. A path that no percent-decoding can
 * read, such as `/v1/%zz`, is taken as it is written, so that it passes the same hooks as any other and ends as an
 * ordinary 404; Fastify would answer it by itself, in its own words, and ask no hook for a key.
 */
export function toRoutableUrl ({ url = '/' }: Pick<IncomingMessage, 'url'>): string {
  // As nearly all are.
  if (url.startsWith('/') && !url.includes('%')) return url
  const target = url.replace(/^https?:\/\/[^/?#]*/i, '')
  const routable = target.startsWith('/') ? target : `/${target}`
  const [path = ''] = routable.split('?', 1)
  return isDecodable(path) ? routable : path.replaceAll('%', '%25') + routable.slice(path.length)
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
