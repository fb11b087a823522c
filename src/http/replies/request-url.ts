import type { IncomingMessage } from 'node:http'

/**
 * The URL to route by: without scheme and authority, where the whole of one was sent. A path that no percent-decoding can
 * read, such as `/v1/%zz`, is taken as it is written, so that it passes the same hooks as any other and ends as an
 * ordinary 404; Fastify would answer it by itself, in its own words, and ask no hook for a key.
 */
export function toRoutableUrl ({ url = '/' }: Pick<IncomingMessage, 'url'>): string {
  const target = url.replace(/^https?:\/\/[^/?#]*/i, '')
  const routable = target.startsWith('/') ? target : `/${target}`
  const [path = ''] = routable.split('?', 1)
  return isDecodable(path) ? routable : path.replaceAll('%', '%25') + routable.slice(path.length)
}

/** A path for a log or an error: without its query, bounded, and without what would break a line. */
export function toPlainPath (url: string): string {
  return (url.split('?', 1)[0] ?? '').replaceAll(/[^\w./%@:-]/g, '?').slice(0, MAX_TOLD_LENGTH)
}

/** The same for the log, where nothing may stand that looks like a key: somebody may have put one into a base URL. */
export function toLoggedPath (url: string): string {
  return toPlainPath(url).replaceAll(/\bsk-[\w-]+|[\w-]{20,}/g, text => looksLikeKey(text) ? '…' : text)
}

const MAX_TOLD_LENGTH = 200

/** A key is one long run of letters and digits, which words between hyphens are not. */
function looksLikeKey (text: string): boolean {
  return /^sk-/.test(text) || /(?=\w*\d)(?=\w*[a-z])\w{20,}/i.test(text) || (/\d/.test(text) && /[a-z]/.test(text) && /[A-Z]/.test(text))
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
