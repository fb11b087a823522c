/** A path for a log or an error: without the query, at most 200 characters, and without special characters. */
export function toPlainPath (url: string): string {
  return (url.split('?', 1)[0] ?? '').replaceAll(/[^\w./%@:-]/g, '?').slice(0, MAX_TOLD_LENGTH)
}

/** The same for the log, and without anything that looks like a key: a base URL may contain one by mistake. */
export function toLoggedPath (url: string): string {
  return toPlainPath(url).replaceAll(/\bsk-[\w-]+|[\w-]{20,}/g, text => looksLikeKey(text) ? '…' : text)
}

const MAX_TOLD_LENGTH = 200

/** A key is a long run of letters and digits. Words separated by hyphens are not. */
function looksLikeKey (text: string): boolean {
  return /^sk-/.test(text) || /(?=\w*\d)(?=\w*[a-z])\w{20,}/i.test(text) || (/\d/.test(text) && /[a-z]/.test(text) && /[A-Z]/.test(text))
}
