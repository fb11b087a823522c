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
