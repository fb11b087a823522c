/** What is sent to Cloudflare: JSON, as text or in UTF-8, in one piece or several. */
export type RequestBody = string | Buffer | readonly Buffer[]

export function isInPieces (body: RequestBody): body is readonly Buffer[] {
  return typeof body !== 'string' && !Buffer.isBuffer(body)
}

export function toText (body: RequestBody): string {
  return isInPieces(body) ? Buffer.concat(body).toString() : body.toString()
}
