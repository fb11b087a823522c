/**
 * A request as a command for a shell. The key is `$API_KEY`, never the key itself.
 * @param address of the endpoint
 * @param hasKey whether this server wants one
 */
export function toCurl (address: string, body: unknown, hasKey: boolean): string {
  const isStream = typeof body === 'object' && body !== null && 'stream' in body && body.stream === true
  return [
    `curl ${isStream ? '-N ' : ''}${quoted(address)}`,
    "-H 'content-type: application/json'",
    ...hasKey ? ['-H "authorization: Bearer $API_KEY"'] : [],
    `-d ${quoted(JSON.stringify(body, null, 2))}`
  ].join(' \\\n  ')
}

/** A shell takes all between single quotes as it is, but a single quote. */
function quoted (text: string): string {
  return /^[\w:/.@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

/** The same for a person to read: the bytes of images are left out. */
export function withoutImageBytes (command: string): string {
  return command.replace(/(data:image\/[\w.+-]+;base64,)[\w+/=]{64,}/g, '$1…')
}
